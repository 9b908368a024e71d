"""`kernel` and `kernel-alignment`: bonds summed along the stack, softmax over partners; no energies and no network.

What one head of attention can do with letters and neighbours alone, as nine numbers fitted on known pairs
(`benchmarks/fit_kernel.py`). A language model that is not above it need not have learned more than this.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8

from rnaexp.compiled import compiled
from rnaexp.models.covariation import average_product_correct, letters_of, mutual_information
from rnaexp.models.folding import require_alignment
from rnaexp.models.nano_catalog import KERNEL as SHIPPED
from rnaexp.rna import ALIGNED_LETTERS, Alignment, Rna

_MIN_LOOP = 3  # bases between the two of a pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """The fitted numbers. A G-C pair is worth 1, the others and a covariation of 1 nat as the fields give them.

    `gap`: of a row with a base on one side only. `reach`: how many neighbours of the stack on each side count, each
    `decay` times the one before. `beta`: sharpness of the softmax; `none`: the logit of having no partner.
    """

    au: float
    gu: float
    mismatch: float
    gap: float
    covariation: float
    reach: int
    decay: float
    beta: float
    none: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What is read of an alignment: the share of its rows with each kind of pair, and mutual information in nats."""

    shares: Float64[np.ndarray, "k n n"]  # GC, AU, GU, mismatch, gap
    covariation: Float64[np.ndarray, "n n"]


def kernel_scores(rna: Rna) -> Float32[np.ndarray, "n n"]:
    """The kernel fitted on single sequences, on the RNA alone."""
    alone = Alignment(names=(rna.id,), rows=(rna.sequence,))
    return pair_scores(columns_of(alone), shipped("kernel"))


def alignment_kernel_scores(rna: Rna) -> Float32[np.ndarray, "n n"]:
    """The kernel fitted on alignments, its bonds averaged over all rows.

    Raises: UnsuitableError where there is no alignment.
    """
    return pair_scores(columns_of(require_alignment(rna)), shipped("kernel-alignment"))


@lru_cache
def shipped(name: str) -> Kernel:
    """The numbers that come with the package."""
    return Kernel(**fitted_facts()["kernels"][name]["constants"])


@lru_cache
def fitted_facts() -> dict[str, Any]:
    """Both kernels' numbers and how they were fitted, as `benchmarks/fit_kernel.py` wrote them."""
    facts: dict[str, Any] = json.loads(files("rnaexp").joinpath(f"{SHIPPED}/kernel.json").read_text())
    return facts


def columns_of(alignment: Alignment) -> Columns:
    """Shares over all rows, each counting once; N pairs with nothing and mismatches nothing, like two gaps."""
    codes = alignment.codes()
    based, gaps = codes < 4, codes == ALIGNED_LETTERS.index("-")
    kinds = [_share(codes, pair) for pair in ("GC", "AU", "GU")]
    mismatch = _together(based, based) / 2 - sum(kinds)
    shares = np.stack([*kinds, mismatch, _together(based, gaps)]) / len(codes)
    information = mutual_information(letters_of(alignment))
    varying = information.max(initial=0) > 0
    return Columns(shares=shares, covariation=average_product_correct(information) if varying else information)


def pair_scores(columns: Columns, kernel: Kernel) -> Float32[np.ndarray, "n n"]:
    """Attention over partners of each base, symmetrised and product-corrected like a head's map."""
    worth = np.array([1, kernel.au, kernel.gu, kernel.mismatch, kernel.gap])
    bonds = np.tensordot(worth, columns.shares, 1) + kernel.covariation * columns.covariation
    attention = _attention(bonds, kernel.reach, kernel.decay, kernel.beta, kernel.none)
    both = attention + attention.T
    total = both.sum()
    corrected = both - np.outer(both.sum(1), both.sum(0)) / total if total > 0 else both
    scores: np.ndarray = corrected.astype(np.float32)
    return scores


def _share(codes: UInt8[np.ndarray, "s n"], pair: str) -> Float64[np.ndarray, "n n"]:
    one, other = (codes == ALIGNED_LETTERS.index(letter) for letter in pair)
    return _together(one, other)


def _together(one: Bool[np.ndarray, "s n"], other: Bool[np.ndarray, "s n"]) -> Float64[np.ndarray, "n n"]:
    """In how many rows one of two columns is `one` and the other `other`, counted both ways."""
    # Counts up to 2^24 are exact in float32, and its matrix product is twice as fast.
    counted = one.astype(np.float32).T @ other.astype(np.float32)
    return (counted + counted.T).astype(np.float64)


@compiled()
def _attention(bonds: np.ndarray, reach: int, decay: float, beta: float, none: float) -> np.ndarray:
    """Softmax over the partners of each base, having none among them; pairs too near one another are no partners."""
    n = len(bonds)
    logits = np.full((n, n), -np.inf)
    for i in range(n):
        for j in range(i + _MIN_LOOP + 1, n):
            total = bonds[i, j]
            weight = 1.0
            for step in range(1, reach + 1):
                weight *= decay
                if i - step >= 0 and j + step < n:
                    total += weight * bonds[i - step, j + step]
                if j - i - 2 * step > _MIN_LOOP:
                    total += weight * bonds[i + step, j - step]
            logits[i, j] = logits[j, i] = beta * total
    for i in range(n):
        most = max(none, logits[i].max())
        exponents = np.exp(logits[i] - most)
        logits[i] = exponents / (exponents.sum() + np.exp(none - most))
    return logits
