"""The classification task by plain loops over pairs, from its definition."""

import math
from collections import Counter
from itertools import combinations

import numpy as np


def pairs(families, clans=None):
    """(i, j, homologous) of every pair that counts."""
    clans = clans or families
    for i, j in combinations(range(len(families)), 2):
        if families[i] == families[j]:
            yield i, j, True
        elif clans[i] != clans[j]:
            yield i, j, False


def weighted_pairs(vectors, families, clans=None, drawn=None, factor=None):
    """Similarities and weights of both classes; `drawn`: how often each family was drawn."""
    sizes = Counter(families)
    drawn = drawn or dict.fromkeys(sizes, 1)
    found = {True: ([], []), False: ([], [])}
    for i, j, own in pairs(families, clans):
        f, g = families[i], families[j]
        weight = drawn[f] / math.comb(sizes[f], 2) if own else drawn[f] * drawn[g] / (sizes[f] * sizes[g])
        if factor is not None:
            weight *= factor(i, j, own)
        if weight:
            found[own][0].append(float(vectors[i].astype(np.float64) @ vectors[j].astype(np.float64)))
            found[own][1].append(weight)
    return tuple(np.array(each) for each in (*found[True], *found[False]))


def overlap(a, a_weights, b, b_weights, spread, bins):
    counts = []
    for values, weights in ((a, a_weights), (b, b_weights)):
        found = np.zeros(bins)
        for value, weight in zip(values, weights, strict=True):
            found[min(max(int((value - spread[0]) / (spread[1] - spread[0]) * bins), 0), bins - 1)] += weight
        counts.append(found / found.sum())
    return sum(min(pair) for pair in zip(*counts, strict=True))
