"""From scored pairs to a structure in which each base has at most one partner."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float64

from rnaexp.compiled import compiled
from rnaexp.rna import Pair
from rnaexp.structure.heads import RnaScores


def one_partner(rna: RnaScores, row: int) -> RnaScores:
    """A head's pairs taken by falling score, ties by (i, j), as long as both bases are free.

    Nested in the threshold: the result above any threshold is what decoding only the pairs above it gives.
    """
    chosen = _one_partner(rna.indices[row], rna.bases)
    return replace(rna, scores=rna.scores[row : row + 1, chosen], indices=rna.indices[row : row + 1, chosen])


@compiled()
def _one_partner(indices: np.ndarray, bases: int) -> np.ndarray:
    """Places of the pairs taken; -1 ends a list that is shorter than its row."""
    free, chosen, count = np.ones(bases, np.bool_), np.empty(bases, np.int64), 0
    for place in range(len(indices)):
        if indices[place] < 0:
            break
        i, j = indices[place] // bases, indices[place] % bases
        if free[i] and free[j]:
            free[i] = free[j] = False
            chosen[count] = place
            count += 1
    return chosen[:count]


def square(rna: RnaScores, row: int = 0) -> Float64[np.ndarray, "n n"]:
    """A head's score of each pair i < j; NaN where there is none."""
    flat = np.full(rna.bases**2, np.nan)
    kept = rna.indices[row] >= 0
    flat[rna.indices[row][kept]] = rna.scores[row][kept]
    return flat.reshape(rna.bases, rna.bases)


def called_places(rna: RnaScores, row: int, threshold: float) -> Bool[np.ndarray, "k"]:
    """Which of a head's kept pairs are at or above the threshold."""
    called: np.ndarray = (rna.scores[row].astype(np.float64) >= threshold) & (rna.indices[row] >= 0)
    return called


def calls(rna: RnaScores, row: int, threshold: float) -> tuple[Pair, ...]:
    """The pairs at or above the threshold, best first."""
    called = rna.indices[row][called_places(rna, row, threshold)]
    return tuple(divmod(index, rna.bases) for index in called.tolist())
