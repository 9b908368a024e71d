"""Controls: what separation, letters and complementary stacks alone know of pairs: no energies, no learning."""

import numpy as np
from jaxtyping import Float32, Float64, UInt8
from scipy.special import xlogy

from rnaexp.compiled import compiled
from rnaexp.models.covariation import average_product_correct, require_covariation
from rnaexp.rna import ALIGNED_LETTERS, Alignment, Rna

# Hydrogen bonds of a pair, by the letters' places in ALIGNED_LETTERS (A C G U N -).
_BONDS = np.zeros((6, 6), np.float32)
for _pair, _bonds in (("GC", 3), ("AU", 2), ("GU", 1)):
    _i, _j = (ALIGNED_LETTERS.index(letter) for letter in _pair)
    _BONDS[_i, _j] = _BONDS[_j, _i] = _bonds

_MIN_LOOP = 3  # bases between the innermost pair of a stack
_COMPLEMENTARY = 0.75  # share of rows from which on two columns count as complementary


def distance_scores(rna: Rna) -> Float32[np.ndarray, "n n"]:
    """Separation and nothing else: 1 / (j - i)."""
    at = np.arange(len(rna))
    scores: np.ndarray = (1 / np.maximum(1, np.abs(at[:, None] - at))).astype(np.float32)
    return scores


def canonical_scores(rna: Rna) -> Float32[np.ndarray, "n n"]:
    """The two letters and nothing else: 3 for G-C, 2 for A-U, 1 for G-U, 0 for all others."""
    codes = _rows_of(rna)[0]
    scores: np.ndarray = _BONDS[codes[:, None], codes]
    return scores


def stem_scores(rna: Rna) -> Float32[np.ndarray, "n n"]:
    """Number of pairs in the complementary stack through the pair: AU, GC, GU in a row, loop of at least three."""
    scores: np.ndarray = _stacks(_complementarity(_rows_of(rna)))
    return scores


def alignment_stem_scores(rna: Rna) -> Float32[np.ndarray, "n n"]:
    """The stack through the pair, each of its pairs counting the share of rows that are complementary there.

    The stack ends where fewer than three quarters of the rows that have both bases are complementary (chosen once, on
    145 families of the training side of `data/rfam_split.py`; 0.5 to 0.9 give P@N 0.51, 0.54, 0.55, 0.55, 0.48). An
    alignment of one row gives `stem_scores`.

    Raises: UnsuitableError where there is no alignment.
    """
    from rnaexp.models.folding import require_alignment

    scores: np.ndarray = _stacks(_complementarity(require_alignment(rna).codes()))
    return scores


def gtest_scores(rna: Rna) -> Float32[np.ndarray, "n n"]:
    """G-test of each two columns with the average product correction: the default statistic of R-scape.

    G = 2 sum O ln(O / E) over the 16 letter pairs, over the rows that have both bases; a row weighs 1 / (rows at
    80 % identity), where R-scape takes Gerstein-Sonnhammer-Chothia weights.
    Source: Rivas et al. 2017, doi:10.1038/nmeth.4066.

    Raises: UnsuitableError if there is no alignment, or nothing can vary together in it.
    """
    alignment = require_covariation(rna)
    statistic = g_statistic(alignment.codes(), alignment.weights())
    corrected = average_product_correct(statistic) if statistic.max() > 0 else statistic
    return corrected.astype(np.float32)


def g_statistic(codes: UInt8[np.ndarray, "s n"], weights: Float64[np.ndarray, "s"]) -> Float64[np.ndarray, "n n"]:
    """G of each two columns, symmetric, never negative; 0 on the diagonal."""
    rows, n = codes.shape
    letters = (codes[:, :, None] == np.arange(4, dtype=np.uint8)).astype(np.float64)
    weighted = (letters * weights[:, None, None]).reshape(rows, 4 * n)
    statistic = np.zeros((n, n))
    for i in range(n - 1):
        joint = (letters[:, i].T @ weighted[:, 4 * i + 4 :]).reshape(4, -1, 4)
        both = joint.sum((0, 2))
        statistic[i, i + 1 :] = (
            xlogy(joint, joint).sum((0, 2))
            - xlogy(joint.sum(2), joint.sum(2)).sum(0)
            - xlogy(joint.sum(0), joint.sum(0)).sum(1)
            + xlogy(both, both)
        )
    statistic[statistic < 1e-9] = 0  # rounding: a constant column shares nothing
    doubled: np.ndarray = 2 * (statistic + statistic.T)
    return doubled


def _rows_of(rna: Rna) -> UInt8[np.ndarray, "s n"]:
    return Alignment(names=(rna.id,), rows=(rna.sequence,)).codes()


def _complementarity(codes: UInt8[np.ndarray, "s n"]) -> Float32[np.ndarray, "n n"]:
    """Share of complementary rows among those with both bases; 0 where there is none."""
    pairable, based = _BONDS > 0, (codes < 4).astype(np.float32)
    complementary = np.zeros((codes.shape[1],) * 2, np.float32)
    for letter in range(4):
        partner = pairable[letter][codes].astype(np.float32)
        complementary += (codes == letter).astype(np.float32).T @ partner
    share: np.ndarray = complementary / np.maximum(1, based.T @ based)
    return share


@compiled()
def _stacks(share: np.ndarray) -> np.ndarray:
    """Sum of shares along each run of at least three quarters on an anti-diagonal, where i + j is constant."""
    n = len(share)
    scores = np.zeros((n, n), np.float32)
    for total in range(2 * n - 1):
        i = max(0, total - n + 1)
        while total - 2 * i > _MIN_LOOP:
            length, weight = 0, np.float32(0)
            while total - 2 * (i + length) > _MIN_LOOP and share[i + length, total - i - length] >= _COMPLEMENTARY:
                weight += share[i + length, total - i - length]
                length += 1
            for j in range(i, i + length):
                scores[j, total - j] = scores[total - j, j] = weight
            i += length + 1
    return scores
