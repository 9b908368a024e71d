"""Thresholds on a grid, as released evaluation code tries them, and F1 and MCC of pooled counts.

Source: heqin-zhu/structRFM at cf3a343, tasks/zeroshot/extract_attns/tools.py (`batch_metric_cuda`, "used in Paper").
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from rnaexp.structure.curve import Optimum, best_threshold
from rnaexp.structure.heads import HeadScores, RnaScores
from rnaexp.structure.protocol import Scoring

# Added to every denominator there: an F1 of theirs is lower by about this much than its definition.
EPS = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledFigures:
    """One head at one threshold on one set: counts added up over the RNAs."""

    layer: int
    head: int
    threshold: float
    f1: float
    mcc: float


def thresholds(step: float) -> Float[np.ndarray, "t"]:
    """0, step, 2 step, ... 1."""
    return np.arange(round(1 / step) + 1) * step


def count_at_thresholds(
    rna: RnaScores, row: int, at: Float[np.ndarray, "t"]
) -> tuple[Int[np.ndarray, "t"], Int[np.ndarray, "t"]]:
    """Calls (scores >= threshold) and right calls of one head."""
    rising = rna.scores[row][::-1].astype(np.float64)
    calls = len(rising) - np.searchsorted(rising, at, side="left")
    right = np.append(0, np.cumsum(rna.hits[row]))[calls]
    return calls, right


def f1_of(right: Float[np.ndarray, "*t"], calls: Float[np.ndarray, "*t"], references: float) -> Float[np.ndarray, "*t"]:
    """2 P R / (P + R) with `EPS` in each denominator."""
    precision, recall = right / (calls + EPS), right / (references + EPS)
    return np.asarray(2 * precision * recall / (precision + recall + EPS))


def mcc_of(
    right: Float[np.ndarray, "*t"], calls: Float[np.ndarray, "*t"], references: float, candidates: float
) -> Float[np.ndarray, "*t"]:
    """Matthews' correlation over all candidates, `EPS` in its denominator."""
    wrong, missed = calls - right, references - right
    rest = candidates - calls - missed
    product = calls * (right + missed) * (rest + wrong) * (rest + missed)
    return np.asarray((right * rest - wrong * missed) / (np.sqrt(product) + EPS))


def best_on_grid(rnas: Sequence[RnaScores], row: int, scoring: Scoring) -> Optimum:
    """The first of the best thresholds on the grid; below a list that ends early nothing is decided."""
    at = thresholds(scoring.grid)
    values = _curve(rnas, row, scoring, at)
    floor = max((float(rna.scores[row][-1]) for rna in rnas if not rna.complete), default=-np.inf)
    decided = at > floor
    bound = -np.inf if decided.all() else 1.0
    if not rnas or not decided.any():
        return Optimum(f1=0.0, threshold=float("inf"), bound=bound)
    best = int(np.where(decided, values, -1.0).argmax())
    return Optimum(f1=float(values[best]), threshold=float(at[best]), bound=bound)


def _curve(rnas: Sequence[RnaScores], row: int, scoring: Scoring, at: Float[np.ndarray, "t"]) -> Float[np.ndarray, "t"]:
    counted = [count_at_thresholds(rna, row, at) for rna in rnas]
    if scoring.averaging == "pooled":
        calls, right = (np.sum([each[which] for each in counted], axis=0, dtype=float) for which in (0, 1))
        return f1_of(right, calls, sum(rna.references for rna in rnas))
    each = [f1_of(right, calls, rna.references) for rna, (calls, right) in zip(rnas, counted, strict=True)]
    return np.asarray(np.mean(each, axis=0)) if each else np.zeros(len(at))


def optimum(rnas: Sequence[RnaScores], row: int, scoring: Scoring) -> Optimum:
    """The best threshold of one head: on the scoring's grid, or exact where it has none."""
    if scoring.grid:
        return best_on_grid(rnas, row, scoring)
    return best_threshold(rnas, row, scoring.averaging)


def pooled_at(scores: HeadScores, *, layer: int, head: int, threshold: float) -> PooledFigures:
    """One head at one threshold.

    Raises: ValueError if a list ends above the threshold.
    """
    row, rnas = scores.row(layer, head), scores.scored()
    if short := [rna.id for rna in rnas if not rna.complete and not rna.scores[row][-1] < threshold]:
        message = f"{short[0]}: kept pairs end above the threshold of head {layer}.{head}"
        raise ValueError(message)
    counted = [count_at_thresholds(rna, row, np.array([threshold])) for rna in rnas]
    calls, right = (np.sum([each[which] for each in counted], axis=0, dtype=float) for which in (0, 1))
    references, candidates = (float(sum(getattr(rna, name) for rna in rnas)) for name in ("references", "candidates"))
    return PooledFigures(
        layer=layer,
        head=head,
        threshold=threshold,
        f1=float(f1_of(right, calls, references)[0]),
        mcc=float(mcc_of(right, calls, references, candidates)[0]),
    )


def best_on_test(tuned: Float[np.ndarray, "h 3"], test: HeadScores) -> PooledFigures:
    """The head with the highest pooled F1 on the *test* set, each head at its own threshold of the validation set.

    `tuned`: layer, head and threshold of each. It is chosen on what it is judged by: never a result.
    """
    found = [pooled_at(test, layer=int(layer), head=int(head), threshold=at) for layer, head, at in tuned.tolist()]
    return max(found, key=lambda one: one.f1)
