"""Pairs of a set, drawn by their weights and aligned one by one; kept in the store, whichever model is measured."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64

from rnaexp.classify.controls import homologous_sample, other_sample
from rnaexp.classify.layout import Layout
from rnaexp.classify.matching import Matching
from rnaexp.data.clusters import sequence_identity
from rnaexp.progress import Announce
from rnaexp.reading.cached import cached
from rnaexp.reading.entry import Arrays
from rnaexp.reading.store import Store, key_of
from rnaexp.rna import Rna

_PAIRS = 4000  # of each class


def sampled_pairs(
    order: Layout, matching: Matching | None, seed: int
) -> tuple[Int64[np.ndarray, "p 2"], Int64[np.ndarray, "q 2"]]:
    """Homologous pairs and others, by their places in layout order."""
    return homologous_sample(order, matching, _PAIRS, seed), other_sample(order, matching, _PAIRS, seed)


def sampled_identities(
    rnas: Sequence[Rna], samples: Sequence[np.ndarray], store: Store, announce: Announce, where: str
) -> tuple[Float64[np.ndarray, "p"], Float64[np.ndarray, "q"]]:
    """Identities of both samples' pairs."""
    key = key_of({"what": "identities", "schema": 1, "pairs": [_named(rnas, pairs) for pairs in samples]})

    def aligned() -> Arrays:
        found = []
        with announce(f"alignments on {where}", sum(map(len, samples))) as progress:
            for pairs in samples:
                found.append(identities(rnas, pairs))
                progress(len(pairs))
        return {"homologous": found[0], "others": found[1]}

    entry = cached(store, key, aligned)
    return entry["homologous"], entry["others"]


def identities(rnas: Sequence[Rna], pairs: Int64[np.ndarray, "p 2"]) -> Float64[np.ndarray, "p"]:
    """Of each pair; one that was drawn again is aligned once."""
    known: dict[tuple[int, int], float] = {}
    for i, j in map(tuple, np.sort(pairs, axis=1).tolist()):
        if (i, j) not in known:
            known[i, j] = sequence_identity(rnas[i].sequence, rnas[j].sequence)
    return np.array([known[i, j] for i, j in map(tuple, np.sort(pairs, axis=1).tolist())])


def _named(rnas: Sequence[Rna], pairs: np.ndarray) -> list[list[str]]:
    return [[rnas[at].sequence for at in pair] for pair in pairs.tolist()]
