"""The method again, as plain loops over Python floats: slow, obvious, and sharing no code with the package."""

import numpy as np


def pair_scores(attention, *, symmetrise=True, apc=True):
    n = len(attention)
    s = [[float(attention[i][j]) for j in range(n)] for i in range(n)]
    if symmetrise:
        s = [[s[i][j] + s[j][i] for j in range(n)] for i in range(n)]
    if not apc:
        return s
    rows = [sum(s[i][j] for j in range(n)) for i in range(n)]
    columns = [sum(s[i][j] for i in range(n)) for j in range(n)]
    total = sum(rows)
    return [[s[i][j] - rows[i] * columns[j] / total for j in range(n)] for i in range(n)]


def canonical(sequence, i, j):
    return {sequence[i], sequence[j]} in ({"A", "U"}, {"G", "C"}, {"G", "U"})


def candidates(sequence, *, min_separation=1, canonical_only=False):
    n = len(sequence)
    return [
        (i, j)
        for i in range(n)
        for j in range(i + min_separation, n)
        if not canonical_only or canonical(sequence, i, j)
    ]


def ranked(scores, pairs):
    """(score as float32, pair), falling, ties by pair."""
    return sorted(((float(np.float32(scores[i][j])), (i, j)) for i, j in pairs), key=lambda at: (-at[0], at[1]))


def greedy(best_first):
    used, kept = set(), []
    for score, (i, j) in best_first:
        if i not in used and j not in used:
            used |= {i, j}
            kept.append((score, (i, j)))
    return kept


def f1(called, reference):
    called, reference = set(called), set(reference)
    return 2 * len(called & reference) / (len(called) + len(reference))


def mcc(called, reference, every):
    called, reference = set(called), set(reference)
    tp, fp, fn = len(called & reference), len(called - reference), len(reference - called)
    tn = len(every) - tp - fp - fn
    under = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return (tp * tn - fp * fn) / under**0.5 if under else 0.0


def best_threshold(lists, references, *, pooled=False):
    """Try every score as threshold; the best value and the plateau (next lower score, score] where it is reached."""
    scores = sorted({score for best_first in lists for score, _ in best_first}, reverse=True)

    def value(threshold):
        calls = [[pair for score, pair in best_first if score >= threshold] for best_first in lists]
        if pooled:
            right = sum(len(set(c) & set(r)) for c, r in zip(calls, references, strict=True))
            return 2 * right / (sum(map(len, calls)) + sum(map(len, references)))
        return sum(f1(c, r) for c, r in zip(calls, references, strict=True)) / len(lists)

    values = [value(score) for score in scores]
    best = max(values)
    first = next(at for at, v in enumerate(values) if v >= best - 1e-12)
    last = first
    while last + 1 < len(values) and values[last + 1] >= best - 1e-12:
        last += 1
    lower = scores[last + 1] if last + 1 < len(scores) else scores[last]
    return best, lower, scores[first]
