"""Intervals of a mean over RNAs that know which of them are relatives, and that hold for few clusters.

The percentile bootstrap over clusters covers 73, 79 and 88 % at 3, 4 and 7 of them. These are t intervals from a
delete-one-cluster jackknife: `benchmarks/intervals.py` simulates what they cover.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Shaped

from rnaexp.typing import checked

FEWEST = 5  # clusters: below, four or fewer numbers say too little of their spread for any interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean and its interval; both ends are None with fewer than `FEWEST` clusters."""

    mean: float
    low: float | None
    high: float | None
    clusters: int

    @property
    def ends(self) -> str:
        """`[0.42, 0.51]`, or how few clusters there are."""
        if self.low is None or self.high is None:
            return f"n/a ({self.clusters} clusters)"
        return f"[{self.low:.2f}, {self.high:.2f}]"

    @property
    def above_zero(self) -> bool:
        """Whether there is an interval, and all of it is above zero."""
        return self.low is not None and self.low > 0


@checked
def cluster_interval(
    values: Float[np.ndarray, "r"],
    clusters: Shaped[np.ndarray, "r"],
    *,
    of: Literal["shares", "differences"],
    level: float = 0.95,
) -> Interval:
    """Mean over RNAs, so that large clusters count for more, with a t interval over clusters.

    `shares` lie in 0 to 1 and have their interval on the logit scale (so it never leaves them, and is lopsided near the
    ends as the data are); `differences` of such lie in -1 to 1. Degrees of freedom: the number of clusters of equal
    size that would weigh as much, less one. Values that are all 0 or all 1 have an interval of no width.
    """
    names, member = np.unique(clusters, return_inverse=True)
    mean = float(values.mean())
    if len(names) < FEWEST:
        return Interval(mean=mean, low=None, high=None, clusters=len(names))
    half = _quantile(member, level) * _jackknife_error(values, member)
    if of == "differences":
        low, high = max(-1.0, mean - half), min(1.0, mean + half)
    else:
        low, high = _on_logit_scale(mean, half)
    return Interval(mean=mean, low=low, high=high, clusters=len(names))


def _quantile(member: np.ndarray, level: float) -> float:
    from scipy.stats import t

    sizes = np.bincount(member).astype(float)
    return float(t.ppf((1 + level) / 2, sizes.sum() ** 2 / (sizes**2).sum() - 1))


def _jackknife_error(values: np.ndarray, member: np.ndarray) -> float:
    """Standard error of the mean over RNAs, leaving out one cluster at a time."""
    sums, sizes = np.bincount(member, values), np.bincount(member)
    without = (values.sum() - sums) / (len(values) - sizes)
    count = len(sizes)
    return float(np.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum()))


def _on_logit_scale(mean: float, half: float) -> tuple[float, float]:
    from scipy.special import expit, logit

    if half == 0 or not 0 < mean < 1:
        return mean, mean
    ends = expit(logit(mean) + np.array([-1, 1]) * half / (mean * (1 - mean)))
    return float(ends[0]), float(ends[1])


def widened(level: float, clusters: int) -> float:
    """The level at which a percentile interval over so many clusters is about as wide as a t interval at `level`.

    Source: the expanded percentile interval of Hesterberg 2015, doi:10.1080/00031305.2015.1089789.
    """
    from scipy.stats import norm, t

    return float(2 * norm.cdf(np.sqrt(clusters / (clusters - 1)) * t.ppf((1 + level) / 2, clusters - 1)) - 1)
