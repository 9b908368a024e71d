"""Mutations as tables write them (`A1G`, `A1G:C2U`, `n.[1A>G;2C>T]`), and which number they give the first base."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rnaexp.rna import LETTERS

NUMBERINGS = (1, 0)  # what tables call a sequence's first base
# Words for no mutation: of NABench (nothing), of Enrich2 and MaveDB (`_wt`, `n.=`), of most people.
_WILD = frozenset(("", "wt", "_wt", "wild_type", "wild-type", "wildtype", "="))
# HGVS: an optional target and the kind of its coordinates, then one change or several in brackets.
_KIND = re.compile(r"(?:[^:\s]+:)?[cgmnor]\.")
_SHORT = re.compile(r"([A-Za-z])(-?\d+)([A-Za-z])")
_HGVS = re.compile(r"(-?\d+)([A-Za-z])>([A-Za-z])")
_BETWEEN = re.compile(r"[:,;\s]+")


class MutantError(ValueError):
    """What is wrong with a mutant, for the row that names it."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """One substitution as the table numbers it; letters of A C G U N."""

    old: str
    position: int
    new: str


Mutant = tuple[Mutation, ...]


def parse_mutant(text: str) -> Mutant:
    """The substitutions that a cell names, none for the wild type.

    >>> parse_mutant("A1G:C2T") == parse_mutant("n.[1A>G;2C>U]")
    True

    Raises: MutantError for anything but substitutions of single letters.
    """
    body = text.strip()
    if kind := _KIND.match(body):
        body = body[kind.end() :]
    body = body.removeprefix("[").removesuffix("]").strip()
    if body.lower() in _WILD:
        return ()
    mutant = tuple(_mutation(part) for part in _BETWEEN.split(body) if part)
    for position, times in Counter(one.position for one in mutant).items():
        if times > 1:
            message = f"position {position} is changed {times} times"
            raise MutantError(message)
    return mutant


def _mutation(part: str) -> Mutation:
    if found := _SHORT.fullmatch(part):
        old, position, new = found.groups()
    elif found := _HGVS.fullmatch(part):
        position, old, new = found.groups()
    else:
        message = f"{part!r} is no substitution such as A1G or n.1A>G"
        raise MutantError(message)
    letters = [letter.upper().replace("T", "U") for letter in (old, new)]
    for letter in letters:
        if letter not in LETTERS:
            message = f"letter {letter!r} in {part!r}; only A C G U T N are read"
            raise MutantError(message)
    return Mutation(letters[0], int(position), letters[1])


def mutated(wild_type: str, mutant: Mutant, first: int) -> str:
    """The variant's sequence. `first`: what the table calls the first base.

    Raises: MutantError naming position and both letters where the wild type has another one.
    """
    return _replaced("wild type", wild_type, [(one, one.old, one.new) for one in mutant], first)


def undone(sequence: str, mutant: Mutant, first: int) -> str:
    """The wild type of a variant. Raises: MutantError where the variant does not have the new letter."""
    return _replaced("sequence", sequence, [(one, one.new, one.old) for one in mutant], first)


def _replaced(what: str, sequence: str, changes: Sequence[tuple[Mutation, str, str]], first: int) -> str:
    letters = list(sequence)
    for one, here, instead in changes:
        name, at = f"{one.old}{one.position}{one.new}", one.position - first
        if not 0 <= at < len(sequence):
            message = f"{name}: position {one.position} is outside {first}..{first + len(sequence) - 1}"
            raise MutantError(message)
        if sequence[at] != here:
            message = f"{name}: the {what} has {sequence[at]} at position {one.position}, not {here}"
            raise MutantError(message)
        letters[at] = instead
    return "".join(letters)


@dataclass(frozen=True, slots=True)
class Numbering:
    """How many of the mutations' letters each number of the first base explains, `total` in all."""

    fits: tuple[int, ...]
    total: int

    @property
    def both(self) -> bool:
        """Whether two numbers explain most letters, equally well."""
        return self.fits.count(max(self.fits)) > 1 and 2 * max(self.fits) > self.total

    @property
    def first(self) -> int | None:
        """The number that explains most; None if two explain as many, or none more than half.

        By chance a letter fits in one case of four, so that a table of another sequence explains no half of them.
        """
        best = max(self.fits)
        if self.both or 2 * best <= self.total:
            return None
        return NUMBERINGS[self.fits.index(best)]


def numbering(rows: Iterable[tuple[str, Mutant]], letter: Callable[[Mutation], str]) -> Numbering:
    """Each row's sequence and its mutations; `letter`: which of a mutation's letters the sequence should have."""
    fits, total = [0] * len(NUMBERINGS), 0
    for sequence, mutant in rows:
        for one in mutant:
            total += 1
            for index, first in enumerate(NUMBERINGS):
                at = one.position - first
                fits[index] += 0 <= at < len(sequence) and sequence[at] == letter(one)
    return Numbering(tuple(fits), total)


def old_letter(one: Mutation) -> str:
    """What the wild type has."""
    return one.old


def new_letter(one: Mutation) -> str:
    """What the variant has."""
    return one.new
