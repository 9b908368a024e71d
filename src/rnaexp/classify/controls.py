"""What tells families apart without any model: words of k letters, length, and alignment of the two sequences."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from rnaexp.classify.layout import Layout
from rnaexp.classify.matching import Matching
from rnaexp.rna import Rna

WORDS = {"1-mer": 1, "2-mer": 2, "3-mer": 3, "6-mer": 6}
CENTRED = "-centred"  # after a word's name: the set's mean counts are subtracted, so that what all share says nothing
_CENTRED = ("3-mer-centred", "6-mer-centred")
LENGTH, IDENTITY = "length", "identity"
CONTROLS = (*WORDS, *_CENTRED, LENGTH, IDENTITY)
_CODES = str.maketrans("ACGU", "0123")
_TRIES = 2_000_000  # random pairs from which length-matched ones are drawn


def word_counts(rnas: Sequence[Rna], k: int) -> Float32[np.ndarray, "r w"]:
    """How often each of the 4^k words of k letters stands in each RNA; words with N are left out."""
    table = np.zeros((len(rnas), 4**k), np.float32)
    for row, rna in zip(table, rnas, strict=True):
        words = [rna.sequence[at : at + k] for at in range(len(rna) - k + 1)]
        np.add.at(row, [int(word.translate(_CODES), 4) for word in words if "N" not in word], 1)
    return table


def ruler(lengths: Sequence[int]) -> Float32[np.ndarray, "r k"]:
    """Length alone as a direction: the cosine of two falls linearly with the logarithm of their lengths' ratio.

    One axis for each step between the lengths that occur, as wide as the step, with a sign for either side of it.
    """
    distinct, code = np.unique(np.asarray(lengths), return_inverse=True)
    if len(distinct) == 1:
        return np.ones((len(code), 1), np.float32)
    steps = np.sqrt(np.diff(np.log(distinct)))
    signs = np.where(np.arange(len(steps)) < code[:, None], 1.0, -1.0)
    return np.asarray(signs * steps, np.float32)


def homologous_sample(layout: Layout, matching: Matching | None, size: int, seed: int) -> Int64[np.ndarray, "p 2"]:
    """`size` homologous pairs (layout order) drawn with replacement by their weights."""
    pairs = np.array([(i, j) for i in range(len(layout)) for j in range(i + 1, layout.family_end[i])]).reshape(-1, 2)
    weights: Float64[np.ndarray, "p"] = layout.own_share[layout.family[pairs[:, 0]]]
    if matching is not None:
        weights = weights * matching.homologous[matching.length_class[pairs[:, 0]], matching.length_class[pairs[:, 1]]]
    return np.asarray(pairs[np.random.default_rng(seed).choice(len(pairs), size, p=weights / weights.sum())])


def other_sample(layout: Layout, matching: Matching | None, size: int, seed: int) -> Int64[np.ndarray, "p 2"]:
    """`size` pairs of two clans' families, drawn with replacement by their weights."""
    random = np.random.default_rng(seed)
    share = layout.share / layout.share.sum()
    pairs = random.choice(len(layout), (_TRIES if matching is not None else 8 * size, 2), p=share)
    apart: Bool[np.ndarray, "p"] = layout.clan[pairs[:, 0]] != layout.clan[pairs[:, 1]]
    pairs = pairs[apart]
    if matching is None:
        return np.asarray(pairs[:size])
    classes = matching.length_class[pairs]
    weights = matching.non_homologous[classes[:, 0], classes[:, 1]]
    return np.asarray(pairs[random.choice(len(pairs), size, p=weights / weights.sum())])
