"""How alike two models' representations of the same RNAs are, whatever their widths and axes."""

import numpy as np
from jaxtyping import Float

from rnaexp.typing import checked


@checked
def debiased_cka(one: Float[np.ndarray, "r d"], two: Float[np.ndarray, "r k"]) -> float:
    """Linear centred kernel alignment with unbiased estimates: 1 the same up to rotation and scale, about 0 unrelated.

    The plain estimate grows with the width and shrinks with the number of RNAs: unrelated vectors of more numbers than
    there are RNAs seem alike. Needs at least four RNAs.
    Source: Kornblith et al. 2019, arXiv 1905.00414; unbiased HSIC: Song et al. 2012, JMLR 13, 1393-1434.

    Raises: ValueError for fewer than four RNAs, or vectors that do not vary.
    """
    if len(one) < 4:
        message = f"{len(one)} RNAs: the unbiased estimate needs at least four"
        raise ValueError(message)
    kernels = [_bare(rows.astype(np.float64)) for rows in (one, two)]
    across = _hsic(kernels[0], kernels[1])
    alone = _hsic(kernels[0], kernels[0]) * _hsic(kernels[1], kernels[1])
    if not alone > 0:
        message = "vectors that do not vary over the RNAs are alike to nothing"
        raise ValueError(message)
    return float(across / np.sqrt(alone))


def _bare(rows: np.ndarray) -> np.ndarray:
    """The kernel without each RNA's with itself, which is what biases the plain estimate."""
    rows = rows - rows.mean(0)  # changes no value: the estimate is centred; keeps its numbers small
    kernel: np.ndarray = rows @ rows.T
    np.fill_diagonal(kernel, 0)
    return kernel


def _hsic(one: np.ndarray, two: np.ndarray) -> float:
    """Unbiased Hilbert-Schmidt independence criterion of two kernels with empty diagonals (Song et al., equation 5)."""
    n = len(one)
    joint = float((one * two).sum())
    sums = float(one.sum() * two.sum()) / ((n - 1) * (n - 2))
    crossed = 2 * float(one.sum(0) @ two.sum(0)) / (n - 2)
    return (joint + sums - crossed) / (n * (n - 3))


def cka_table(one: list[Float[np.ndarray, "r d"]], two: list[Float[np.ndarray, "r k"]]) -> Float[np.ndarray, "l m"]:
    """Every layer of one model against every layer of another; NaN where a layer does not vary."""
    table = np.full((len(one), len(two)), np.nan)
    for row, first in enumerate(one):
        for column, second in enumerate(two):
            try:
                table[row, column] = debiased_cka(first, second)
            except ValueError:
                continue
    return table
