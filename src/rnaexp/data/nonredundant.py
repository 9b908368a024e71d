"""A few unlike members of a family, whatever order they came in."""

import hashlib
from collections.abc import Sequence

import numpy as np

from rnaexp.data.clusters import sequence_identity, word_table
from rnaexp.rna import Rna

# RNAs 90 % identical share about half of their words of six bases (0.9^6); those that share a fifth or less of the
# shorter one's are not aligned: they cannot be that alike (and at a lower threshold see `clusters._MIN_SHARE`).
_MIN_SHARE = 0.19


def chance_order(rnas: Sequence[Rna], seed: int) -> list[Rna]:
    """The RNAs by a hash of seed and sequence: as good as random, and the same whatever order they are given in."""
    return sorted(rnas, key=lambda rna: (hashlib.sha256(f"{seed} {rna.sequence}".encode()).digest(), rna.id))


def unlike(rnas: Sequence[Rna], *, identity: float, at_most: int) -> list[Rna]:
    """Greedily, in the given order, the RNAs that are less than `identity` alike to every one chosen before."""
    words = word_table([rna.sequence for rna in rnas])
    sizes = np.maximum(1, words.sum(1))
    chosen: list[int] = []
    for at, rna in enumerate(rnas):
        if len(chosen) == at_most:
            break
        shared = words[chosen] @ words[at] / np.minimum(sizes[chosen], sizes[at])
        near = [chosen[k] for k in np.argsort(-shared) if shared[k] > _MIN_SHARE]
        if not any(sequence_identity(rna.sequence, rnas[other].sequence) >= identity for other in near):
            chosen.append(at)
    return [rnas[at] for at in chosen]
