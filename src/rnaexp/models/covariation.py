"""Mutual information of alignment columns with the average product correction: covariation and nothing else."""

import numpy as np
from jaxtyping import Float32, Float64, UInt8

from rnaexp.errors import UnsuitableError
from rnaexp.rna import ALIGNED_LETTERS, Alignment, Rna

LETTERS = 5  # A C G U and, as a letter of its own, "no base known": gap or N
COLUMNS_AT_ONCE = 64


def covariation_scores(rna: Rna) -> Float32[np.ndarray, "n n"]:
    """Corrected mutual information of each two columns, in nats; 0 on the diagonal.

    Plug-in estimate over all rows with equal weights, no pseudocounts; a gap is a fifth letter and N counts as a gap
    (leaving such rows out pair by pair lets columns of few bases win).

    Raises: UnsuitableError if there is no alignment, or nothing varies together in it.
    """
    alignment = require_covariation(rna)
    information = mutual_information(letters_of(alignment))
    if information.max() <= 0:
        message = f"{rna.id}: no two columns of its alignment vary together"
        raise UnsuitableError(message)
    return average_product_correct(information).astype(np.float32)


def require_covariation(rna: Rna) -> Alignment:
    """Return the alignment; raise UnsuitableError where it cannot show covariation."""
    if rna.alignment is None:
        message = f"{rna.id}: has no alignment, and covariation is read from alignments"
        raise UnsuitableError(message)
    if rna.alignment.depth == 1:
        message = f"{rna.id}: no covariation in a depth-1 alignment"
        raise UnsuitableError(message)
    letters = letters_of(rna.alignment)
    if (letters != letters[0]).any(0).sum() < 2:
        message = f"{rna.id}: no covariation in an alignment with fewer than two variable columns"
        raise UnsuitableError(message)
    return rna.alignment


def mutual_information(letters: UInt8[np.ndarray, "s n"]) -> Float64[np.ndarray, "n n"]:
    """Mutual information of each two columns in nats, symmetric, never negative; 0 on the diagonal."""
    rows, n = letters.shape
    if rows == 1:
        return np.zeros((n, n))
    # Counts up to 2^24 are exact in float32, and its matrix product is twice as fast.
    ones = (letters[:, :, None] == np.arange(LETTERS, dtype=np.uint8)).astype(np.float32)
    single = ones.sum(0).astype(np.float64)
    joint_entropy = np.empty((n, n))
    for first in range(0, n, COLUMNS_AT_ONCE):
        block = slice(first, min(n, first + COLUMNS_AT_ONCE))
        counts = ones[:, block].reshape(rows, -1).T @ ones.reshape(rows, -1)
        terms = _count_log_count(rows)[counts.astype(np.int64)].reshape(-1, LETTERS, n, LETTERS)
        joint_entropy[block] = np.log(rows) - terms.sum((1, 3)) / rows
    entropy = np.log(rows) - _count_log_count(rows)[single.astype(np.int64)].sum(1) / rows
    information: np.ndarray = entropy[:, None] + entropy - (joint_entropy + joint_entropy.T) / 2
    information[information < 1e-12] = 0  # rounding: a constant column shares nothing
    np.fill_diagonal(information, 0)
    return information


def letters_of(alignment: Alignment) -> UInt8[np.ndarray, "s n"]:
    """Columns as 0..3 for A C G U and 4 for everything else."""
    letters: np.ndarray = np.minimum(alignment.codes(), np.uint8(ALIGNED_LETTERS.index("N")))
    return letters


def _count_log_count(rows: int) -> np.ndarray:
    """Table of c ln c for c = 0..rows."""
    counts = np.arange(rows + 1, dtype=np.float64)
    return counts * np.log(np.maximum(counts, 1))


def average_product_correct(information: Float64[np.ndarray, "n n"]) -> Float64[np.ndarray, "n n"]:
    """Subtract what two columns' means predict; a column with itself takes no part.

    Source: Dunn et al. 2008, doi:10.1093/bioinformatics/btm604.
    """
    n = len(information)
    means = information.sum(1) / (n - 1)
    corrected: np.ndarray = information - np.outer(means, means) / means.mean()
    np.fill_diagonal(corrected, 0)
    return corrected
