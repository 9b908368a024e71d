"""Scores of what pairs make together: crossing pairs (pseudoknots) and stems, RNA by RNA.

Crossing pairs as RNAGym scores PseudoBase (`crossed F1`, MarksLab-DasLab/RNAGym at 0661b26): those of the reference
that cross another of the reference, against those of the calls that cross another call; only RNAs whose reference has
some are scored. Stems are stacks of at least two pairs, whole: one of the reference is found if at least half of its
pairs are called, a called one is right if at least half of its pairs are in the reference. Pairs must match exactly.
"""

import numpy as np
from jaxtyping import Bool, Int

_LEAST_STACKED = 2  # pairs of a stem


def crossed_f1(called: Int[np.ndarray, "p"], known: Int[np.ndarray, "q"], bases: int) -> float:
    """Of the crossing pairs (each i * n + j, once); NaN where the reference has none."""
    calls, references = called[crossing(called, bases)], known[crossing(known, bases)]
    if not len(references):
        return float("nan")
    return 2 * len(np.intersect1d(calls, references)) / (len(calls) + len(references))


def stem_f1(called: Int[np.ndarray, "p"], known: Int[np.ndarray, "q"], bases: int) -> float:
    """Of the stems; NaN where the reference has none."""
    right, calls = _half_in(stems_of(called, bases), called, known)
    found, references = _half_in(stems_of(known, bases), known, called)
    if not references:
        return float("nan")
    precision, recall = right / max(calls, 1), found / references
    return 2 * precision * recall / (precision + recall) if right and found else 0.0


def crossing(pairs: Int[np.ndarray, "p"], bases: int) -> Bool[np.ndarray, "p"]:
    """Which pairs (each i * n + j) cross another: one base of the other is between the two, and one is not.

    By the farthest partner of the bases between the two, to the right and to the left, over powers of two of them: no
    table of all pairs against all, which a weak head's calls would make too large.
    """
    i, j = pairs // bases, pairs % bases
    right, left = np.full(bases, -1, np.int64), np.full(bases, bases, np.int64)
    np.maximum.at(right, i, j)
    np.minimum.at(left, j, i)
    found = np.zeros(len(pairs), np.bool_)
    some = np.flatnonzero(j - i > 1)  # those with bases between the two
    if len(some):
        first, count = i[some] + 1, j[some] - i[some] - 1
        found[some] = (_farthest(right, first, count) > j[some]) | (-_farthest(-left, first, count) < i[some])
    return found


def _farthest(values: Int[np.ndarray, "n"], first: Int[np.ndarray, "p"], count: Int[np.ndarray, "p"]) -> np.ndarray:
    """The largest of `count` values from `first` on, for each: two stretches of a power of two that overlap."""
    power = np.frexp(count)[1] - 1  # the largest power of two in it
    steps = [values]
    for at in range(int(power.max())):
        steps.append(np.maximum(steps[-1], np.append(steps[-1][2**at :], np.full(2**at, values.min()))))
    table = np.stack(steps)
    largest: np.ndarray = np.maximum(table[power, first], table[power, first + count - 2**power])
    return largest


def stems_of(pairs: Int[np.ndarray, "p"], bases: int) -> Int[np.ndarray, "p"]:
    """The stem of each pair (each i * n + j), by a number from 0: (i, j) and (i + 1, j - 1) are in one; -1: in none."""
    if not len(pairs):
        return np.zeros(0, np.int64)
    i, j = pairs // bases, pairs % bases
    order = np.lexsort((i, i + j))  # pairs of one stem have one i + j, and follow each other in i
    new = np.ones(len(pairs), np.bool_)
    new[1:] = (np.diff((i + j)[order]) != 0) | (np.diff(i[order]) != 1)
    stack = np.cumsum(new) - 1
    long = np.bincount(stack)[stack] >= _LEAST_STACKED
    numbers = np.full(len(pairs), -1, np.int64)
    numbers[order[long]] = np.unique(stack[long], return_inverse=True)[1]
    return numbers


def _half_in(stem: np.ndarray, pairs: np.ndarray, others: np.ndarray) -> tuple[int, int]:
    """How many stems have at least half of their pairs among the others, and how many stems there are."""
    inside = stem >= 0
    sizes = np.bincount(stem[inside])
    shared = np.bincount(stem[inside], np.isin(pairs[inside], others), minlength=len(sizes))
    return int((2 * shared >= sizes).sum()), len(sizes)
