"""One figure for many assays: assays of one RNA count as one, RNAs of one category, categories alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from rnaexp.typing import checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A mean over RNAs, or over categories, with its 95 % interval over RNAs (None: `why_no_interval`)."""

    value: float
    low: float | None = None
    high: float | None = None
    rnas: int
    why_no_interval: str = ""


@checked
def by_rna(values: Float[np.ndarray, "k"], rnas: Shaped[np.ndarray, "k"]) -> Float[np.ndarray, "r"]:
    """The mean of each RNA's assays, in the order in which RNAs come."""
    _, first, member = np.unique(rnas, return_index=True, return_inverse=True)
    means = np.bincount(member, values) / np.bincount(member)
    return np.asarray(means[np.argsort(first, kind="stable")], float)


@checked
def macro(values: Float[np.ndarray, "k"], rnas: Shaped[np.ndarray, "k"], categories: Shaped[np.ndarray, "k"]) -> Mean:
    """The mean over categories of the mean over their RNAs: RNAGym's average of assays.

    The interval is Student's, its degrees of freedom by Satterthwaite (Biometrics Bulletin 1946, 2(6), 110-114), since
    categories have different numbers of RNAs and spreads. A category of one RNA says nothing of its spread: then there
    is none.
    """
    parts = [by_rna(values[here], rnas[here]) for here in _each(categories)]
    value = float(np.mean([part.mean() for part in parts]))
    counted = sum(len(part) for part in parts)
    if alone := [str(name) for name, part in zip(dict.fromkeys(categories), parts, strict=True) if len(part) == 1]:
        return Mean(value=value, rnas=counted, why_no_interval=f"one RNA in {', '.join(alone)}")
    errors = np.array([part.var(ddof=1) / len(part) for part in parts])
    total = errors.sum()
    if total == 0:
        return Mean(value=value, low=value, high=value, rnas=counted)
    from scipy.stats import t

    freedom = total**2 / sum(error**2 / (len(part) - 1) for error, part in zip(errors, parts, strict=True))
    half = float(t.ppf(0.975, freedom) * np.sqrt(total) / len(parts))
    return Mean(value=value, low=value - half, high=value + half, rnas=counted)


def _each(categories: np.ndarray) -> Sequence[np.ndarray]:
    """The places of each category, in the order in which they come."""
    return [categories == name for name in dict.fromkeys(categories)]
