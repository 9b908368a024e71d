"""What every reader shares: an RNA built at a place in a file, its errors naming that place."""

from collections.abc import Callable, Iterable

from rnaexp.data.dot_bracket import BracketError, parse_dot_bracket
from rnaexp.data.letters import LetterError, Unknown, normalise
from rnaexp.data.text import Source
from rnaexp.rna import Alignment, Pair, Rna


def letters_at(
    source: Source,
    name: str,
    text: str,
    line: int,
    unknown: Unknown,
    line_of: Callable[[int], int] | None = None,
) -> tuple[str, int]:
    """`normalise`, with file and line in the error; `line_of` finds the line of a position (from 1)."""
    if not text:
        message = f"{name}: empty sequence"
        raise source.error(message, line)
    try:
        return normalise(text, name=name, unknown=unknown)
    except LetterError as error:
        raise source.error(str(error), line_of(error.position) if line_of else line) from error


def structure_at(source: Source, name: str, text: str, length: int, line: int) -> tuple[Pair, ...]:
    """Pairs of a bracket string that must have `length` symbols."""
    if len(text) != length:
        message = f"{name}: structure has {len(text)} symbols, the sequence {length} bases"
        raise source.error(message, line)
    try:
        return parse_dot_bracket(text)
    except BracketError as error:
        message = f"{name}: {error}"
        raise source.error(message, line) from error


def rna_at(
    source: Source,
    line: int,
    *,
    name: str,
    sequence: str,
    pairs: Iterable[Pair] | None = None,
    alignment: Alignment | None = None,
    family: str | None = None,
    letters_changed: int = 0,
) -> Rna:
    """An `Rna` whose own complaints name the file and line."""
    try:
        return Rna(
            id=name,
            sequence=sequence,
            pairs=None if pairs is None else tuple(sorted(set(pairs))),
            alignment=alignment,
            family=family,
            letters_changed=letters_changed,
        )
    except ValueError as error:
        raise source.error(str(error), line) from error


def integer_at(source: Source, text: str, line: int, what: str) -> int:
    """A whole number in plain digits, or an error that says what it should have been."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        message = f"{what} is {text!r}, not a whole number"
        raise source.error(message, line)
    return int(text)


def pair_at(source: Source, i: int, j: int, length: int, line: int) -> Pair:
    """Two positions from 1 as a pair from 0, the lower first."""
    for position in (i, j):
        if not 1 <= position <= length:
            message = f"pair ({i}, {j}): position {position} is outside 1..{length}"
            raise source.error(message, line)
    if i == j:
        message = f"pair ({i}, {j}): a base cannot pair with itself"
        raise source.error(message, line)
    return min(i, j) - 1, max(i, j) - 1


def refuse_duplicates(source: Source, found: Iterable[tuple[str, int]]) -> None:
    """Raise if one file names an RNA twice; `found` is (id, line)."""
    first: dict[str, int] = {}
    for name, line in found:
        if name in first:
            message = f"id {name!r} was already used in line {first[name]}"
            raise source.error(message, line)
        first[name] = line
