"""F1 of one head as a function of the threshold, exactly, from the kept pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from rnaexp.structure.heads import RnaScores

# Sums of the same F1 changes in another order differ by rounding; closer than this is a tie.
_TIE = 1e-12


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
    curve = _PerRna.of(rnas, row) if averaging == "per-rna" else _Pooled.of(rnas, row)
    # Only the last of equal scores is a threshold: all pairs of that score are called together.
    ends = np.append(curve[0][:-1] > curve[0][1:], True) if len(curve[0]) else np.zeros(0, bool)
    scores, values, decided = curve[0][ends], curve[1][ends], curve[2][ends]
    bound = float(values[~decided].max(initial=-np.inf))
    if not decided.any():
        return Optimum(f1=0.0, threshold=float("inf"), bound=bound)
    best = float(values[decided].max())
    first = int(np.flatnonzero(decided & (values >= best - _TIE))[0])
    last = first
    while last + 1 < len(values) and decided[last + 1] and values[last + 1] >= best - _TIE:
        last += 1
    lower = scores[last + 1] if last + 1 < len(scores) else scores[last] - _step(scores)
    return Optimum(f1=best, threshold=float((scores[first] + lower) / 2), bound=bound)


Curve = tuple[Float[np.ndarray, "p"], Float[np.ndarray, "p"], Bool[np.ndarray, "p"]]


def _step(scores: Float[np.ndarray, "p"]) -> float:
    """How far below the last score the plateau of 'call everything' is taken to reach."""
    return float(scores[0] - scores[-1]) / len(scores) if len(scores) > 1 and scores[0] > scores[-1] else 1.0


def _events(rna: RnaScores, row: int) -> tuple[Float[np.ndarray, "k"], Bool[np.ndarray, "k"]]:
    """The kept pairs of one head, scores as float64. A truncated list ends above its last score.

    Pairs that tie with the last one may be missing, so a truncated list decides thresholds above that score only.
    """
    scores, hits = rna.scores[row], rna.hits[row]
    kept = len(scores) if rna.complete else int((scores > scores[-1]).sum())
    kept = min(kept, int(np.isfinite(scores).sum()))
    return scores[:kept].astype(np.float64), hits[:kept]


class _PerRna:
    """Mean over RNAs of their F1."""

    @staticmethod
    def of(rnas: Sequence[RnaScores], row: int) -> Curve:
        """Scores at which the mean changes, falling; the mean after each; whether it is exact there or a bound."""
        scores, changes, floors = [], [], []
        for rna in rnas:
            kept, hits = _events(rna, row)
            found = np.cumsum(hits)
            f1 = 2 * found / (np.arange(1, len(kept) + 1) + rna.references)
            scores.append(kept)
            changes.append(np.diff(f1, prepend=0.0))
            if not rna.complete:
                floor, right = rna.scores[row][-1], int(found[-1]) if len(found) else 0
                ceiling = 2 * rna.references / (len(kept) + 2 * rna.references - right)
                scores.append(np.array([floor], np.float64))
                changes.append(np.array([ceiling - (f1[-1] if len(f1) else 0.0)]))
                floors.append(float(floor))
        return _merge(scores, [change / max(1, len(rnas)) for change in changes], floors)


class _Pooled:
    """F1 of the calls of all RNAs together."""

    @staticmethod
    def of(rnas: Sequence[RnaScores], row: int) -> Curve:
        """As `_PerRna.of`, for the pooled F1."""
        scores, hits, calls, floors = [], [], [], []
        for rna in rnas:
            kept, hit = _events(rna, row)
            scores.append(kept)
            hits.append(hit.astype(np.float64))
            calls.append(np.ones(len(kept)))
            if not rna.complete:
                missing = float(rna.references - hit.sum())
                scores.append(np.array([rna.scores[row][-1]], np.float64))
                hits.append(np.array([missing]))
                calls.append(np.array([missing]))
                floors.append(float(scores[-1][0]))
        merged, found, decided = _merge(scores, hits, floors)
        _, called, _ = _merge(scores, calls, floors)
        total = sum(rna.references for rna in rnas)
        return merged, 2 * found / np.maximum(1, called + total), decided


def _merge(scores: list[np.ndarray], changes: list[np.ndarray], floors: list[float]) -> Curve:
    merged, steps = np.concatenate([*scores, []]), np.concatenate([*changes, []])
    order = np.argsort(-merged, kind="stable")
    merged = merged[order]
    return merged, np.cumsum(steps[order]), merged > max(floors, default=-np.inf)
