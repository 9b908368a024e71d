"""Base pairs as a string of brackets and back. Ours: biotite 1.6 is silently wrong on bases with two partners."""

import string
from collections.abc import Iterable

from rnaexp.rna import Pair

_OPENING = "([{<" + string.ascii_uppercase
_CLOSING = ")]}>" + string.ascii_lowercase
_OPENED_BY = dict(zip(_CLOSING, _OPENING, strict=True))
UNPAIRED = ".,:_-~"
BRACKETS = frozenset(_OPENING + _CLOSING + UNPAIRED)


class BracketError(ValueError):
    """A bracket without its partner, or a symbol that is none; `position` counts from 1."""

    def __init__(self, message: str, *, position: int) -> None:
        self.position = position
        super().__init__(message)


class CrossingError(ValueError):
    """Pairs that cross so often that more kinds of brackets would be needed than there are."""


def parse_dot_bracket(structure: str) -> tuple[Pair, ...]:
    """Pairs of an extended dot-bracket or WUSS string: each kind of bracket is matched by itself.

    Raises: BracketError.
    """
    waiting: dict[str, list[int]] = {opening: [] for opening in _OPENING}
    pairs: list[Pair] = []
    for at, symbol in enumerate(structure):
        if symbol in waiting:
            waiting[symbol].append(at)
        elif symbol in _OPENED_BY:
            pairs.append((_partner(waiting[_OPENED_BY[symbol]], symbol, at), at))
        elif symbol not in UNPAIRED:
            message = f"{symbol!r} at position {at + 1} is no structure symbol"
            raise BracketError(message, position=at + 1)
    _refuse_open(waiting)
    return tuple(sorted(pairs))


def _partner(waiting: list[int], symbol: str, at: int) -> int:
    if not waiting:
        message = f"unbalanced brackets: {symbol!r} at position {at + 1} closes nothing"
        raise BracketError(message, position=at + 1)
    return waiting.pop()


def _refuse_open(waiting: dict[str, list[int]]) -> None:
    for symbol, positions in waiting.items():
        if positions:
            message = f"unbalanced brackets: {symbol!r} at position {positions[-1] + 1} is never closed"
            raise BracketError(message, position=positions[-1] + 1)


def to_dot_bracket(length: int, pairs: Iterable[Pair]) -> str:
    """Pairs (0-based, i < j) as brackets; crossing pairs take further kinds, in the order ( [ { < A B ...

    Raises: ValueError if a base has two partners (no dot-bracket can say so) or a pair is outside; CrossingError, which
    is one, if 30 kinds do not suffice.
    """
    structure = ["."] * length
    layers: list[list[Pair]] = []
    for i, j in sorted(pairs):
        _check_pair(structure, i, j)
        layer = next((at for at, held in enumerate(layers) if not any(a < i < b < j for a, b in held)), len(layers))
        if layer == len(_OPENING):
            message = f"pair ({i}, {j}): more than {len(_OPENING)} kinds of brackets would be needed"
            raise CrossingError(message)
        if layer == len(layers):
            layers.append([])
        layers[layer].append((i, j))
        structure[i], structure[j] = _OPENING[layer], _CLOSING[layer]
    return "".join(structure)


def _check_pair(structure: list[str], i: int, j: int) -> None:
    if not 0 <= i < j < len(structure):
        message = f"pair ({i}, {j}) outside 0..{len(structure) - 1} or not i < j"
        raise ValueError(message)
    for base in (i, j):
        if structure[base] != ".":
            message = f"base {base} has two partners: a dot-bracket cannot show it, write pairs instead"
            raise ValueError(message)
