"""Bootstrap over clusters: relatives are drawn together, since they are not independent."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from rnaexp.typing import checked

RESAMPLES = 2000


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
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Mean over RNAs with a percentile interval; whole clusters are drawn.

    The mean of each resample weighs its RNAs equally, so large clusters count for more, as they do in the mean itself.
    """
    draws = cluster_draws(clusters, resamples=resamples, seed=seed)
    low, high = percentile_interval((draws @ values) / draws.sum(1), level)
    return Interval(mean=float(values.mean()), low=low, high=high, clusters=len(np.unique(clusters)))


@checked
def cluster_draws(clusters: Shaped[np.ndarray, "r"], *, resamples: int, seed: int) -> Int[np.ndarray, "b r"]:
    """How often each RNA stands in each resample: as often as its cluster was drawn."""
    names, member = np.unique(clusters, return_inverse=True)
    shares = np.full(len(names), 1 / len(names))
    draws: np.ndarray = np.random.default_rng(seed).multinomial(len(names), shares, size=resamples)[:, member]
    return draws


def percentile_interval(values: Float[np.ndarray, "b"], level: float = 0.95) -> tuple[float, float]:
    """The interval that leaves out equally many resamples on both sides."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


@checked
def rank_intervals(
    values: Float[np.ndarray, "m r"],
    clusters: Shaped[np.ndarray, "r"],
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[Float[np.ndarray, "m"], Float[np.ndarray, "m 2"]]:
    """Rank of each model's mean (1 is best, equals share the middle rank), and the interval of it over resamples.

    Every model is scored on the same RNAs; the same clusters are drawn for all of them.
    """
    draws = cluster_draws(clusters, resamples=resamples, seed=seed)
    means = (values @ draws.T) / draws.sum(1)
    ranks = _ranks(means)
    low, high = np.quantile(ranks, [(1 - level) / 2, (1 + level) / 2], axis=1, method="closest_observation")
    return _ranks(values.mean(1)[:, None])[:, 0], np.stack([low, high], axis=1)


def _ranks(means: Float[np.ndarray, "m b"]) -> Float[np.ndarray, "m b"]:
    from scipy.stats import rankdata

    ranks: np.ndarray = rankdata(-means.round(12), axis=0)
    return ranks
