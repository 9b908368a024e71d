"""Intervals that know which RNAs are relatives."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from rnaexp.typing import checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean with its percentile interval."""

    mean: float
    low: float
    high: float
    clusters: int


@checked
def cluster_bootstrap(
    values: Float[np.ndarray, "r"],
    clusters: Shaped[np.ndarray, "r"],
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Mean over RNAs with a percentile interval; whole clusters are drawn, since relatives are not independent.

    The mean of each resample weighs its RNAs equally, so large clusters count for more, as they do in the mean itself.
    """
    names, member = np.unique(clusters, return_inverse=True)
    sums = np.bincount(member, values, len(names))
    sizes = np.bincount(member, minlength=len(names))
    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    means = (draws @ sums) / (draws @ sizes)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(mean=float(values.mean()), low=float(low), high=float(high), clusters=len(names))
