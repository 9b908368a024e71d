"""Kinds of reference pairs, and what a perfect predictor of some kinds only could reach."""

from collections.abc import Sequence

import numpy as np

from rnaexp.compiled import compiled
from rnaexp.rna import Pair, Rna
from rnaexp.structure.pairs import reference
from rnaexp.structure.protocol import CANONICAL, Scoring

KINDS = ("nested canonical", "pseudoknot", "multiplet", "non-canonical")
LIMITS = ("canonical", "one_partner", "nested")  # of `ceilings`, each tighter than the one before


def pair_kinds(rna: Rna, scoring: Scoring) -> dict[Pair, str]:
    """The kind of each reference pair that is a candidate.

    `non-canonical`: its letters are not AU, GC or GU. Of the canonical pairs a largest nested set with one partner a
    base is `nested canonical`; of the rest a largest set with one partner a base, counting the nested ones, is
    `pseudoknot`; what is left shares a base with one of these: `multiplet`.
    """
    pairs = known_pairs(rna, scoring)
    canonical = [pair for pair in pairs if _is_canonical(rna, pair)]
    nested = largest_nested(canonical, len(rna))
    taken = {base for pair in nested for base in pair}
    free = [pair for pair in canonical if not taken & set(pair)]
    knotted = largest_matching(free)
    kinds = dict.fromkeys(pairs, "non-canonical") | dict.fromkeys(canonical, "multiplet")
    return kinds | dict.fromkeys(nested, "nested canonical") | dict.fromkeys(knotted, "pseudoknot")


def ceilings(rna: Rna, scoring: Scoring) -> dict[str, float]:
    """F1 of the best predictions made of reference pairs alone, under tighter and tighter limits.

    `canonical`: AU, GC and GU only; `one_partner`: those, one partner a base; `nested`: those, without pseudoknots.
    The RNA must have reference pairs that are candidates.
    """
    pairs = known_pairs(rna, scoring)
    canonical = [pair for pair in pairs if _is_canonical(rna, pair)]
    reached = len(canonical), len(largest_matching(canonical)), len(largest_nested(canonical, len(rna)))
    return {name: 2 * count / (count + len(pairs)) for name, count in zip(LIMITS, reached, strict=True)}


def f1_ceiling(rna: Rna, scoring: Scoring) -> float:
    """F1 of a perfect predictor under this protocol: below 1 only where a decoder allows one partner a base."""
    pairs = known_pairs(rna, scoring)
    reached = len(pairs) if scoring.decoder == "none" else len(largest_matching(pairs))
    return 2 * reached / (reached + len(pairs))


def known_pairs(rna: Rna, scoring: Scoring) -> list[Pair]:
    """The reference pairs that are candidates."""
    return [(int(index) // len(rna), int(index) % len(rna)) for index in reference(rna, scoring)]


def largest_matching(pairs: Sequence[Pair]) -> list[Pair]:
    """A largest set of the pairs in which each base has one partner."""
    if len({base for pair in pairs for base in pair}) == 2 * len(pairs):
        return sorted(pairs)  # no base has two
    import networkx as nx

    graph = nx.Graph()
    graph.add_edges_from(sorted(pairs))
    return sorted((min(i, j), max(i, j)) for i, j in nx.max_weight_matching(graph, maxcardinality=True))


def largest_nested(pairs: Sequence[Pair], bases: int) -> list[Pair]:
    """A largest set of the pairs in which each base has one partner and no two pairs cross."""
    if not pairs:
        return []
    by_left = np.array(sorted(pairs), np.int64)
    starts = np.searchsorted(by_left[:, 0], np.arange(bases + 1))
    return [(int(i), int(j)) for i, j in by_left[_nested(by_left[:, 1], starts, bases)]]


def _is_canonical(rna: Rna, pair: Pair) -> bool:
    return rna.sequence[pair[0]] + rna.sequence[pair[1]] in CANONICAL


@compiled()
def _nested(partners: np.ndarray, starts: np.ndarray, n: int) -> np.ndarray:
    """Nussinov's recursion over the given pairs alone: best[i, j] pairs of the bases i <= base < j; then its trace.

    Source: Nussinov and Jacobson 1980, doi:10.1073/pnas.77.11.6309.
    """
    best = np.zeros((n + 1, n + 1), np.int32)
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n + 1):
            most = best[i + 1, j]
            for at in range(starts[i], starts[i + 1]):
                k = partners[at]
                if k < j:
                    most = max(most, 1 + best[i + 1, k] + best[k + 1, j])
            best[i, j] = most
    chosen = np.zeros(len(partners), np.bool_)
    stack = [(0, n)]
    while stack:
        i, j = stack.pop()
        while i < j and best[i, j] == best[i + 1, j]:
            i += 1
        if i >= j:
            continue
        for at in range(starts[i], starts[i + 1]):
            k = partners[at]
            if k < j and best[i, j] == 1 + best[i + 1, k] + best[k + 1, j]:
                chosen[at] = True
                stack.append((i + 1, k))
                stack.append((k + 1, j))
                break
    return chosen
