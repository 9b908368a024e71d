"""Intervals of a mean over RNAs that know which of them are relatives, and that hold for few clusters.

The percentile bootstrap over clusters covers 73, 79 and 88 % at 3, 4 and 7 of them. These are t intervals from a
delete-one-cluster jackknife, those of differences longer on the side of a long tail: `benchmarks/intervals.py`
simulates what they cover (92 to 97 %, but for tails as heavy as a lognormal's).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Shaped

from rnaexp.typing import checked

_NO_SKEW = 1e-9  # below, the transformation changes nothing but rounding
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
    ends as the data are). `differences` of such lie in -1 to 1; where the clusters are skewed, the end on the side of
    their long tail is moved out, by Hall's transformation of t: few clusters seldom show a tail in full, and t alone
    then holds the truth in 89 of 100 cases. Degrees of freedom: the number of clusters of equal size that would weigh
    as much, less one. Values that are all 0 or all 1 have an interval of no width.
    """
    names, member = np.unique(clusters, return_inverse=True)
    mean = float(values.mean())
    if len(names) < FEWEST:
        return Interval(mean=mean, low=None, high=None, clusters=len(names))
    quantile, moves = _quantile(member, level), _jackknife(values, member)
    error = float(np.sqrt((len(names) - 1) / len(names) * (moves**2).sum()))
    if of == "differences":
        below, above = _reach(quantile, moves)
        low, high = max(-1.0, mean - below * error), min(1.0, mean + above * error)
    else:
        low, high = _on_logit_scale(mean, quantile * error)
    return Interval(mean=mean, low=low, high=high, clusters=len(names))


def _quantile(member: np.ndarray, level: float) -> float:
    from scipy.special import stdtrit  # what scipy.stats takes for its t.ppf, and takes a second to import

    sizes = np.bincount(member).astype(float)
    return float(stdtrit(sizes.sum() ** 2 / (sizes**2).sum() - 1, (1 + level) / 2))


def _jackknife(values: np.ndarray, member: np.ndarray) -> np.ndarray:
    """How far each cluster moves the mean over RNAs: the mean of all means that leave one out, less its own."""
    sums, sizes = np.bincount(member, values), np.bincount(member)
    without = (values.sum() - sums) / (len(values) - sizes)
    moves: np.ndarray = without.mean() - without
    return moves


def _reach(quantile: float, moves: np.ndarray) -> tuple[float, float]:
    """Standard errors from the mean down to the low end and up to the high one: `quantile`, or Hall's where farther.

    With skewness g of n clusters and k = g / (3 sqrt(n)), t + k t^2 + k^2 t^3 / 3 + k / 2 is nearly normal; solved for
    t at the two quantiles.
    Source: Hall 1992, Journal of the Royal Statistical Society B 54, 221-228.
    """
    spread = np.sqrt((moves**2).mean())
    skewness = float((moves**3).mean() / spread**3) if spread > 0 else 0.0
    k = skewness / (3 * np.sqrt(len(moves)))
    if abs(k) < _NO_SKEW:
        return quantile, quantile
    low, high = (np.cbrt(1 + 3 * k * (side * quantile - k / 2)) - 1 for side in (1, -1))
    return max(quantile, float(low / k)), max(quantile, float(-high / k))


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
    from scipy.special import ndtr, stdtrit

    return float(2 * ndtr(np.sqrt(clusters / (clusters - 1)) * stdtrit(clusters - 1, (1 + level) / 2)) - 1)
