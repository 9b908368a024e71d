"""Homologs of an RNA from a user's sequences, by HMMER's nhmmer, aligned in the RNA's own coordinates.

No structure takes part, so the alignments are not structure-aware (RNAcmap's and Rfam's are).
Source: Wheeler and Eddy 2013 (nhmmer), doi:10.1093/bioinformatics/btt403.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnaexp.data.realign import profile_of
from rnaexp.rna import ALIGNED_LETTERS, Alignment, Rna, codes_of

_GAP = ALIGNED_LETTERS.index("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How homologs are searched and which of them are kept.

    `rounds`: searches; from the second on, the profile is made of what the one before kept. `e_value`: largest one of
    a hit. `coverage`: least share of the RNA's bases that a row must cover. `identity`: a row at least this identical
    to one already kept says nothing new.
    """

    rounds: int = 2
    e_value: float = 1e-3
    coverage: float = 0.5
    identity: float = 0.9

    def __post_init__(self) -> None:
        if self.rounds < 1 or self.e_value <= 0 or not 0 <= self.coverage <= 1 or not 0 < self.identity <= 1:
            message = f"{self}: rounds from 1, e_value above 0, coverage and identity between 0 and 1"
            raise ValueError(message)


class Database:
    """Sequences to search, digitised once."""

    def __init__(self, rnas: Sequence[Rna]) -> None:
        import pyhmmer

        self.alphabet: Any = pyhmmer.easel.Alphabet.rna()
        self.names = [rna.id for rna in rnas]
        texts = [pyhmmer.easel.TextSequence(name=str(at), sequence=rna.sequence) for at, rna in enumerate(rnas)]
        self.block: Any = pyhmmer.easel.DigitalSequenceBlock(
            self.alphabet, [text.digitize(self.alphabet) for text in texts]
        )

    def homologs(self, rna: Rna, search: Search) -> Alignment:
        """The RNA's own row first, then the kept hits, best first; alone (depth 1) if nothing is found."""
        kept: list[tuple[str, str]] = []
        for _ in range(search.rounds):
            found = self._hits(rna, [row for _, row in kept], search)
            fresh = kept_rows(rna.sequence, found, search)
            if fresh == kept:
                break
            kept = fresh
        return Alignment(
            names=(rna.id, *(name for name, _ in kept)),
            rows=(rna.sequence, *(row for _, row in kept)),
            structure_aware=False,
        )

    def _hits(self, rna: Rna, rows: list[str], search: Search) -> list[tuple[str, str]]:
        """Name and row of each hit, best first."""
        import pyhmmer

        query = pyhmmer.easel.TextSequence(name="query", sequence=rna.sequence).digitize(self.alphabet)
        profile = profile_of(query, [rna.sequence, *rows] if rows else [], self.alphabet)
        (hits,) = pyhmmer.nhmmer(profile, self.block, cpus=1, E=search.e_value, incE=search.e_value)
        found = []
        for hit in hits:
            for domain in hit.domains:
                if domain.included:
                    found.append((domain.i_evalue, self._named(hit.name, domain), _row(domain.alignment, len(rna))))
        return [(name, row) for _, name, row in sorted(found, key=lambda each: each[0])]

    def _named(self, hit: Any, domain: Any) -> str:
        """The sequence's own name and the piece of it that was aligned, from 1; backwards on the other strand."""
        name = self.names[int(hit.decode() if isinstance(hit, bytes) else hit)]
        return f"{name}/{domain.alignment.target_from}-{domain.alignment.target_to}"


def _row(alignment: Any, bases: int) -> str:
    """One hit in the profile's columns; what it has between two columns is dropped."""
    row = ["-"] * bases
    at = alignment.hmm_from - 1
    for place, letter in zip(alignment.hmm_sequence, alignment.target_sequence, strict=True):
        if place == ".":
            continue
        row[at] = letter.upper().replace("T", "U")
        at += 1
    return "".join(letter if letter in ALIGNED_LETTERS else "N" for letter in row)


def kept_rows(sequence: str, found: list[tuple[str, str]], search: Search) -> list[tuple[str, str]]:
    """Rows that cover enough and repeat neither the RNA nor a better row."""
    codes = [codes_of([sequence])[0]]
    kept = []
    for name, row in found:
        candidate = codes_of([row])[0]
        if (candidate != _GAP).mean() < search.coverage:
            continue
        if any(_identity(candidate, other) >= search.identity for other in codes):
            continue
        codes.append(candidate)
        kept.append((name, row))
    return kept


def _identity(one: np.ndarray, other: np.ndarray) -> float:
    """Over the columns where both have a base; 0 if there is none."""
    both = (one != _GAP) & (other != _GAP)
    return float((one == other)[both].mean()) if both.any() else 0.0
