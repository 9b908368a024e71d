"""Bootstrap over clusters: relatives are drawn together, since they are not independent."""

import numpy as np
from jaxtyping import Float, Int, Shaped

from rnaexp.stats.intervals import widened
from rnaexp.typing import checked

RESAMPLES = 2000


@checked
def cluster_draws(clusters: Shaped[np.ndarray, "r"], *, resamples: int, seed: int) -> Int[np.ndarray, "b r"]:
    """How often each RNA stands in each resample: as often as its cluster was drawn."""
    names, member = np.unique(clusters, return_inverse=True)
    shares = np.full(len(names), 1 / len(names))
    draws: np.ndarray = np.random.default_rng(seed).multinomial(len(names), shares, size=resamples)[:, member]
    return draws


def percentile_interval(values: Float[np.ndarray, "b"], clusters: int, level: float = 0.95) -> tuple[float, float]:
    """The interval that leaves out equally many resamples on both sides, fewer of them the fewer clusters there are."""
    wide = widened(level, clusters)
    low, high = np.quantile(values, [(1 - wide) / 2, (1 + wide) / 2])
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

    Every model is scored on the same RNAs; the same clusters, at least two, are drawn for all of them.
    """
    draws = cluster_draws(clusters, resamples=resamples, seed=seed)
    means = (values @ draws.T) / draws.sum(1)
    ranks = _ranks(means)
    wide = widened(level, len(np.unique(clusters)))
    low, high = np.quantile(ranks, [(1 - wide) / 2, (1 + wide) / 2], axis=1, method="closest_observation")
    return _ranks(values.mean(1)[:, None])[:, 0], np.stack([low, high], axis=1)


def _ranks(means: Float[np.ndarray, "m b"]) -> Float[np.ndarray, "m b"]:
    # By counting, for there are few models: scipy.stats, which ranks as well, takes a second to import.
    rounded = means.round(12)
    return np.stack([(rounded > one).sum(0) + (1 + (rounded == one).sum(0)) / 2 for one in rounded])
