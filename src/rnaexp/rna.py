"""The nouns: an RNA, its alignment, and how a model's tokens cover its bases. None can be built wrong."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float64, UInt8

LETTERS = "ACGUN"
ALIGNED_LETTERS = LETTERS + "-"
AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"

Pair = tuple[int, int]


def _first_unknown(sequence: str, letters: str) -> tuple[int, str] | None:
    if not sequence.strip(letters):  # what is left between known letters at both ends: nothing, almost always
        return None
    return next(((at, letter) for at, letter in enumerate(sequence) if letter not in letters), None)


def codes_of(rows: Sequence[str]) -> UInt8[np.ndarray, "s n"]:
    """Aligned rows as indices into `ALIGNED_LETTERS`."""
    table = np.full(128, 255, np.uint8)
    table[[ord(letter) for letter in ALIGNED_LETTERS]] = np.arange(len(ALIGNED_LETTERS))
    return table[np.frombuffer("".join(rows).encode(), np.uint8).reshape(len(rows), -1)]


def row_weights(codes: UInt8[np.ndarray, "s n"], identity: float = 0.8) -> Float64[np.ndarray, "s"]:
    """1 / (rows at least this identical to a row, itself included), over the columns where both have a base."""
    gap = ALIGNED_LETTERS.index("-")
    letters = np.concatenate([codes == letter for letter in range(gap)], 1).astype(np.float32)
    based = (codes != gap).astype(np.float32)
    # Counts up to 2^24 are exact in float32; they are compared in float64.
    same, both = (letters @ letters.T).astype(np.float64), (based @ based.T).astype(np.float64)
    weights: np.ndarray = 1.0 / np.maximum(1, (same >= identity * both).sum(1))
    return weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Homologs of one RNA in its own coordinates: row 0 is the RNA itself, and no column is a gap there.

    `source_sha256` is the hash of the file it was read from; `structure_aware` says whether a structure took part in
    making it (None: unknown).

    >>> import rnaexp
    >>> rows = rnaexp.Alignment(names=("mine", "relative"), rows=("GGGAAACCC", "GCGAAACGC"))
    >>> rows.depth, rows.chosen([0]).rows
    (2, ('GGGAAACCC',))
    """

    names: tuple[str, ...]
    rows: tuple[str, ...]
    source_sha256: str | None = None
    structure_aware: bool | None = None
    _known: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)  # worked out once

    def __post_init__(self) -> None:
        if not self.rows or len(self.names) != len(self.rows):
            message = f"alignment: {len(self.names)} names for {len(self.rows)} rows"
            raise ValueError(message)
        if "-" in self.rows[0]:
            message = f"alignment of {self.names[0]}: row 0 has a gap at column {self.rows[0].index('-')}"
            raise ValueError(message)
        for name, row in zip(self.names, self.rows, strict=True):
            if len(row) != len(self.rows[0]):
                message = f"alignment row {name}: {len(row)} columns, row 0 has {len(self.rows[0])}"
                raise ValueError(message)
            if unknown := _first_unknown(row, ALIGNED_LETTERS):
                message = f"alignment row {name}: letter {unknown[1]!r} at column {unknown[0]}"
                raise ValueError(message)

    @property
    def depth(self) -> int:
        """Number of rows, the RNA itself included."""
        return len(self.rows)

    def codes(self) -> UInt8[np.ndarray, "s n"]:
        """Rows as indices into `ALIGNED_LETTERS`."""
        return codes_of(self.rows)

    def chosen(self, places: Iterable[int]) -> "Alignment":
        """The rows at these places, in this order; the RNA's own must be the first."""
        kept = list(places)
        return replace(self, names=tuple(self.names[at] for at in kept), rows=tuple(self.rows[at] for at in kept))

    def weights(self, identity: float = 0.8) -> Float64[np.ndarray, "s"]:
        """Weight of each row: 1 / (rows at least this identical to it, itself included)."""
        return row_weights(self.codes(), identity)

    def neff(self, identity: float = 0.8) -> float:
        """Effective number of sequences: the sum of the rows' weights."""
        name = f"neff {identity!r}"
        if name not in self._known:
            self._known[name] = float(self.weights(identity).sum())
        return float(self._known[name])

    def sha256(self) -> str:
        """Hash of the rows in order (names do not change a model's output)."""
        if "sha256" not in self._known:
            self._known["sha256"] = hashlib.sha256("\n".join(self.rows).encode()).hexdigest()
        return str(self._known["sha256"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rna:
    """One RNA: upper-case A C G U N; `pairs` 0-based (i < j), sorted, each once, a base may stand in several.

    `pairs` None means no reference is known; an empty tuple means it is known to have none. `cluster` names the RNAs
    that are resampled together and may not be in two sets of a split. `letters_changed` counts the letters that
    reading replaced (T to U is not counted).

    >>> import rnaexp
    >>> rna = rnaexp.Rna(id="hairpin", sequence="GGGAAACCC", pairs=((0, 8), (1, 7), (2, 6)))
    >>> len(rna), [rna.sequence[i] + rna.sequence[j] for i, j in rna.pairs]
    (9, ['GC', 'GC', 'GC'])
    """

    letters: ClassVar[str] = LETTERS

    id: str
    sequence: str
    pairs: tuple[Pair, ...] | None = None
    alignment: Alignment | None = None
    family: str | None = None
    cluster: str | None = None
    letters_changed: int = 0

    def __post_init__(self) -> None:
        if not self.id or any(c in "\n\r\t\0" for c in self.id):
            message = f"RNA id {self.id!r}: must be one non-empty line without tabs"
            raise ValueError(message)
        if not self.sequence:
            message = f"{self.id}: empty sequence"
            raise ValueError(message)
        if unknown := _first_unknown(self.sequence, self.letters):
            allowed = " ".join(self.letters)
            message = f"{self.id}: letter {unknown[1]!r} at position {unknown[0] + 1}; only {allowed} are allowed"
            raise ValueError(message)
        if self.alignment is not None and self.alignment.rows[0] != self.sequence:
            message = f"{self.id}: row 0 of its alignment is another sequence"
            raise ValueError(message)
        if self.pairs is not None:
            self._check_pairs(self.pairs)

    def _check_pairs(self, pairs: Sequence[Pair]) -> None:
        for i, j in pairs:
            if not 0 <= i < j < len(self.sequence):
                message = f"{self.id}: pair ({i}, {j}) outside 0..{len(self.sequence) - 1} or not i < j"
                raise ValueError(message)
        if list(pairs) != sorted(set(pairs)):
            message = f"{self.id}: pairs must be sorted and each given once"
            raise ValueError(message)

    def __len__(self) -> int:
        return len(self.sequence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protein(Rna):
    """One protein chain, for the reference task of contacts: all that is done with an RNA's pairs is done with its.

    `sequence`: the 20 amino acids, X for any other residue. `pairs`: residues in contact, of those with coordinates.
    `unresolved`: residues (from 0, ascending) without them, of which nothing is known: they are in no candidate pair.
    """

    letters: ClassVar[str] = AMINO_ACIDS + "X"

    unresolved: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        Rna.__post_init__(self)  # super() does not work in a dataclass with slots
        if list(self.unresolved) != sorted(set(self.unresolved) & set(range(len(self.sequence)))):
            message = f"{self.id}: unresolved residues must be ascending, each once, within 0..{len(self.sequence) - 1}"
            raise ValueError(message)
        lost = set(self.unresolved)
        if wrong := next(((i, j) for i, j in self.pairs or () if i in lost or j in lost), None):
            message = f"{self.id}: contact {wrong} of a residue without coordinates"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """What a model is fed for one RNA: token ids, and for each token the bases it covers.

    `spans[t]` is the half-open range of bases of token t, or None for a special token.
    """

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int] | None, ...]
    bases: int = field(default=0)

    def __post_init__(self) -> None:
        if len(self.ids) != len(self.spans):
            message = f"encoding: {len(self.ids)} ids for {len(self.spans)} spans"
            raise ValueError(message)
        covered = {base for span in self.spans if span is not None for base in range(*span)}
        if covered != set(range(self.bases)):
            message = f"encoding: tokens cover {len(covered)} of {self.bases} bases"
            raise ValueError(message)
