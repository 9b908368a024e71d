"""Relatives of RNAs in another set: local alignments that chance does not explain, with a measured error rate.

Score +1 for equal bases, -1 for others, -5 for a gap's first base and -2 for each further one. By chance, a score of
at least S is expected K m n e^(-lambda S) times between m and n bases (Karlin and Altschul 1990,
doi:10.1073/pnas.87.6.2264); lambda follows from how often two bases of the two RNAs are equal, so that RNAs of few
letters need a longer match. How often random sequences are taken for relatives, and how often relatives are found,
is measured: docs/relatives.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float64, Int, Int16, UInt8

from rnaexp.compiled import compiled
from rnaexp.rna import LETTERS, Rna, codes_of

E_VALUE = 1e-2  # the most alignments this good that chance may give one RNA against the whole other set
_K = 0.3  # a little above what BLAST finds for these scores; the measured rate is what counts
_FIRST_GAP, _NEXT_GAP = 5, 2
_LANES, _VECTOR = 64, 16  # targets side by side, filled up to whole vectors
_LONGEST = 2**15 - 1  # scores are 16-bit whole numbers, and a base adds at most one
_UNKNOWN, _PADDING = LETTERS.index("N"), 8  # N of the query becomes padding, which no target has: equal to nothing


def relatives(rnas: Sequence[Rna], others: Sequence[Rna]) -> list[tuple[int, int]]:
    """Places (in `rnas`, in `others`) of each pair of relatives: equal sequences, or an E-value of 0.01 at most.

    The E-value counts one RNA, of either side, against all bases of the other side.
    """
    return list(_found(*(tuple(rna.sequence for rna in some) for some in (rnas, others)))) if rnas and others else []


@lru_cache(maxsize=4)
def _found(ours: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """All models of a question are run on the same two sets."""
    rnas, others = ([Rna(id="-", sequence=sequence) for sequence in some] for some in (ours, theirs))
    return tuple(Search(others).relatives(rnas))


class Search:
    """A set made ready, to be searched more than once."""

    def __init__(self, others: Sequence[Rna]) -> None:
        self.others, self._theirs = others, _Sequences(others)
        self._blocks = _blocks(self._theirs.codes)

    def relatives(self, rnas: Sequence[Rna]) -> list[tuple[int, int]]:
        """As the function of this name.

        Raises: ValueError for two RNAs of more than 32,767 bases each, whose score might not be held.
        """
        if max(map(len, rnas), default=0) > _LONGEST < max(map(len, self.others)):
            message = f"relatives are looked for among RNAs of at most {_LONGEST} bases"
            raise ValueError(message)
        ours, theirs, found = _Sequences(rnas), self._theirs, []
        for i, rna in enumerate(rnas):
            scores = _best_scores(ours.codes[i], self._blocks, len(self.others))
            chance = np.maximum(len(rna) * theirs.bases, theirs.lengths * ours.bases)
            near = _e_values(scores, chance, theirs.equal_to(ours.shares[i])) <= E_VALUE
            found += [(i, j) for j, other in enumerate(self.others) if near[j] or rna.sequence == other.sequence]
        return found


def too_short(rnas: Sequence[Rna], others: Sequence[Rna]) -> list[str]:
    """Ids of RNAs so short, or of so few letters, that even a copy of all of one in `others` could be chance."""
    if not rnas or not others:
        return []
    ours, bases = _Sequences(rnas), max(sum(map(len, rnas)), sum(map(len, others)))
    known = np.array([(codes != _UNKNOWN).sum() for codes in ours.codes])
    chance = ours.lengths * float(bases)
    copies = _e_values(known, chance, (ours.shares**2).sum(1))
    return [rna.id for rna, value in zip(rnas, copies, strict=True) if value > E_VALUE]


@dataclass(frozen=True, slots=True)
class _Block:
    """Targets of nearly one length, a column each, and their places in the set."""

    letters: Int16[np.ndarray, "n k"]  # more columns than places: the rest is padding
    places: Int[np.ndarray, "k"]


def _blocks(codes: Sequence[np.ndarray]) -> list[_Block]:
    order = np.argsort([len(one) for one in codes], kind="stable")
    found = []
    for start in range(0, len(order), _LANES):
        places = order[start : start + _LANES]
        lanes = -(-len(places) // _VECTOR) * _VECTOR
        letters = np.full((len(codes[places[-1]]), lanes), _PADDING + 1, np.int16)
        for lane, place in enumerate(places):
            letters[: len(codes[place]), lane] = codes[place]
        found.append(_Block(letters=letters, places=places))
    return found


class _Sequences:
    """RNAs as numbers; `shares` of A, C, G and U in each."""

    def __init__(self, rnas: Sequence[Rna]) -> None:
        self.codes = [codes_of([rna.sequence])[0] for rna in rnas]
        self.lengths = np.array([len(codes) for codes in self.codes])
        self.bases = float(self.lengths.sum())
        counts = np.stack([np.bincount(codes, minlength=_UNKNOWN + 1)[:_UNKNOWN] for codes in self.codes])
        self.shares: Float64[np.ndarray, "r 4"] = counts / self.lengths[:, None]

    def equal_to(self, shares: Float64[np.ndarray, "4"]) -> Float64[np.ndarray, "r"]:
        """How often a base of each RNA is equal to one drawn by these shares."""
        equal: np.ndarray = self.shares @ shares
        return equal


def _e_values(scores: np.ndarray, chance: np.ndarray, equal: np.ndarray) -> Float64[np.ndarray, "r"]:
    """K m n e^(-lambda S); e^lambda = (1 - p) / p solves p e^lambda + (1 - p) e^-lambda = 1.

    Where half of all pairs of bases are equal there is no lambda: chance alone makes any score.
    """
    ratio = (1 - equal) / np.maximum(equal, 1e-9)
    with np.errstate(under="ignore"):
        values: np.ndarray = np.where(ratio > 1, _K * chance * np.maximum(ratio, 1.0) ** -scores.astype(float), np.inf)
    return values


def _best_scores(query: UInt8[np.ndarray, "n"], blocks: Sequence[_Block], count: int) -> Int16[np.ndarray, "r"]:
    """The best local score of a query with each of `count` targets."""
    letters = np.where(query == _UNKNOWN, _PADDING, query).astype(np.int16)
    best = np.zeros(count, np.int16)
    for block in blocks:
        most = np.zeros(block.letters.shape[1], np.int16)
        _align(letters, block.letters, most)
        best[block.places] = most[: len(block.places)]
    return best


@compiled(nogil=True)
def _align(query: np.ndarray, targets: np.ndarray, most: np.ndarray) -> None:
    """Smith and Waterman's local alignment with affine gaps, of the query with a block of targets side by side.

    In 16-bit whole numbers, written so that LLVM makes vectors of them: five times as fast as in float32.
    Source: Smith and Waterman 1981, doi:10.1016/0022-2836(81)90087-5; Gotoh 1982, doi:10.1016/0022-2836(82)90398-9.
    """
    n, (columns, lanes) = len(query), targets.shape
    first_gap, next_gap = np.int16(_FIRST_GAP), np.int16(_NEXT_GAP)
    one, zero = np.int16(1), np.int16(0)
    scores, down = np.zeros((n + 1, lanes), np.int16), np.full((n + 1, lanes), np.int16(-first_gap))
    diagonal, right = np.empty(lanes, np.int16), np.empty(lanes, np.int16)
    for at in range(columns):
        letters = targets[at]
        diagonal[:], right[:] = zero, np.int16(-first_gap)
        for j in range(n):
            base, left, here, below = query[j], scores[j], scores[j + 1], down[j]
            for lane in range(lanes):
                above = here[lane]
                lower = _larger(np.int16(below[lane] - next_gap), np.int16(above - first_gap))
                across = _larger(np.int16(right[lane] - next_gap), np.int16(left[lane] - first_gap))
                score = np.int16(diagonal[lane] + (one if letters[lane] == base else np.int16(-one)))
                score = _larger(_larger(score, zero), _larger(lower, across))
                below[lane], right[lane], diagonal[lane], here[lane] = lower, across, above, score
                most[lane] = _larger(most[lane], score)


@compiled(inline="always")
def _larger(one: np.int16, other: np.int16) -> np.int16:
    """`max` would widen them to 64 bits."""
    return one if one > other else other
