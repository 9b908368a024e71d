"""F1 of one head as a function of the threshold, exactly, from the kept pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from rnaexp.compiled import compiled
from rnaexp.structure.heads import RnaScores

# Sums of the same F1 changes in another order differ by rounding; closer than this is a tie.
TIE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimum:
    """The best threshold among those the kept pairs decide, and what the undecided ones could reach at most."""

    f1: float
    threshold: float
    bound: float  # an upper bound of the statistic below the kept pairs; -inf if nothing is undecided


def best_threshold(rnas: Sequence[RnaScores], row: int, averaging: Literal["per-rna", "pooled"]) -> Optimum:
    """Solve the threshold exactly for the statistic; ties: the middle of the highest best plateau.

    With R reference pairs, of which t are among the K kept, calling more than K pairs gives at most
    F1 = 2 R / (K + (R - t) + R), reached when the next R - t calls are all right.
    """
    curve = _curve(rnas, row, averaging)
    # Only the last of equal scores is a threshold: all pairs of that score are called together.
    ends = np.append(curve[0][:-1] > curve[0][1:], True) if len(curve[0]) else np.zeros(0, bool)
    scores, values, decided = curve[0][ends], curve[1][ends], curve[2][ends]
    bound = float(values[~decided].max(initial=-np.inf))
    if not decided.any():
        return Optimum(f1=0.0, threshold=float("inf"), bound=bound)
    best = float(values[decided].max())
    first = int(np.flatnonzero(decided & (values >= best - TIE))[0])
    last = first
    while last + 1 < len(values) and decided[last + 1] and values[last + 1] >= best - TIE:
        last += 1
    # The plateau that calls everything has no lower edge; its last score is as far as it is known to reach.
    lower = scores[last + 1] if last + 1 < len(scores) else scores[last]
    return Optimum(
        f1=round(best, 12),  # a sum of thousands of changes carries that much rounding
        threshold=float((scores[first] + lower) / 2),
        bound=bound,
    )


Curve = tuple[Float[np.ndarray, "p"], Float[np.ndarray, "p"], Bool[np.ndarray, "p"]]


def _curve(rnas: Sequence[RnaScores], row: int, averaging: Literal["per-rna", "pooled"]) -> Curve:
    """Scores at which the statistic changes, falling; its value after each; whether that is exact or a bound."""
    if not rnas:
        return np.zeros(0), np.zeros(0), np.zeros(0, bool)
    scores, f1, right, called, floor = _changes(
        np.concatenate([rna.scores[row] for rna in rnas]),
        np.concatenate([rna.hits[row] for rna in rnas]),
        np.cumsum([0, *(rna.scores.shape[1] for rna in rnas)]),
        np.array([rna.references for rna in rnas]),
        np.array([rna.complete for rna in rnas]),
    )
    order = np.argsort(-scores, kind="stable")
    scores = scores[order]
    if averaging == "per-rna":
        values = np.cumsum(f1[order]) / len(rnas)
    else:
        references = sum(rna.references for rna in rnas)
        values = 2 * np.cumsum(right[order]) / np.maximum(1, np.cumsum(called[order]) + references)
    return scores, values, scores > floor


@compiled(nogil=True)
def _changes(
    scores: np.ndarray, hits: np.ndarray, offsets: np.ndarray, references: np.ndarray, complete: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
    """What each kept pair, once called, adds to its RNA's F1, to the right calls and to all calls.

    A truncated list ends with one event at its last score that adds the most the unknown rest could: pairs that tie
    with the last kept one may be missing, so only scores above it are exact. Also the highest such end.
    """
    room = len(scores) + len(references)
    at, f1, right, called = np.empty(room), np.empty(room), np.empty(room), np.empty(room)
    count, highest = 0, -np.inf
    for rna in range(len(references)):
        first, last = offsets[rna], offsets[rna + 1]
        end = -np.inf if complete[rna] or first == last else np.float64(scores[last - 1])
        found, before, known = 0.0, 0.0, references[rna]
        calls = 0
        for pair in range(first, last):
            if scores[pair] <= end:
                break
            calls += 1
            hit = 1.0 if hits[pair] else 0.0
            found += hit
            now = 2.0 * found / (calls + known)
            at[count], f1[count], right[count], called[count] = scores[pair], now - before, hit, 1.0
            before = now
            count += 1
        if end > -np.inf:
            missing = known - found
            most = 2.0 * known / (calls + missing + known)
            at[count], f1[count], right[count], called[count] = end, most - before, missing, missing
            highest = max(highest, end)
            count += 1
    return at[:count], f1[:count], right[:count], called[:count], highest
