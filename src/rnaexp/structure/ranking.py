"""Scores of a ranking that need no threshold: average precision, and precision at as many calls as reference pairs."""

import numpy as np
from jaxtyping import Bool, Float

from rnaexp.structure.heads import RnaScores


def without_threshold(rna: RnaScores, row: int) -> tuple[float, float]:
    """Average precision and P@N of one head, worked out once however many thresholds the head is judged at."""
    if row not in rna.without_threshold:
        rna.without_threshold[row] = average_precision(rna, row), precision_at_references(rna, row)
    return rna.without_threshold[row]


def average_precision(rna: RnaScores, row: int) -> float:
    """Area under the precision-recall curve as average precision; pairs of one score are called together.

    Reference pairs that the decoder can never call count 0. NaN where the kept list ends before the last one that can
    be called is found. Source: the definition of scikit-learn's `average_precision_score`.
    """
    scores, hits = _listed(rna, row)
    if not rna.complete and hits.sum() < rna.references:
        return float("nan")
    ends = np.flatnonzero(np.append(scores[:-1] > scores[1:], True)) if len(scores) else np.zeros(0, int)
    found = np.cumsum(hits)[ends]
    precision = found / (ends + 1)
    return float((np.diff(found, prepend=0) * precision).sum() / rna.references)


def precision_at_references(rna: RnaScores, row: int) -> float:
    """P@N: share of reference pairs among the N best, N the number of reference pairs.

    Of pairs that tie at the last place the expected share counts, as if they were drawn at random. A decoder that
    gives fewer than N pairs leaves the other places wrong.
    """
    return precision_at(*_listed(rna, row), rna.references)


def precision_at(scores: Float[np.ndarray, "k"], hits: Bool[np.ndarray, "k"], n: int) -> float:
    """Share of hits among the n best of falling scores: an expectation over ties, places that nothing fills are wrong.

    >>> precision_at(np.array([3.0, 2.0, 2.0]), np.array([True, True, False]), 2)
    0.75
    """
    if len(scores) <= n:
        return float(hits.sum() / n)
    above, tied = scores > scores[n - 1], scores == scores[n - 1]
    share = (n - above.sum()) / tied.sum()
    return float((hits[above].sum() + share * hits[tied].sum()) / n)


def _listed(rna: RnaScores, row: int) -> tuple[Float[np.ndarray, "k"], Bool[np.ndarray, "k"]]:
    there = rna.indices[row] >= 0
    if there.all():
        return rna.scores[row].astype(np.float64), rna.hits[row]
    return rna.scores[row][there].astype(np.float64), rna.hits[row][there]
