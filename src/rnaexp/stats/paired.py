"""One model against another on the same RNAs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from rnaexp.stats.intervals import Interval, cluster_interval
from rnaexp.typing import checked

_EXACT_UP_TO = 14  # clusters: 2^14 sign patterns are fewer than the random ones drawn beyond
_FLIPS = 20_000
_AT_ONCE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """The mean difference over RNAs, its interval over clusters, and two p-values of no difference (two-sided)."""

    difference: Interval
    p_sign_flip: float
    p_wilcoxon: float

    def row(self) -> dict[str, float | int | None]:
        """As the end of a table's row."""
        return {
            "clusters": self.difference.clusters,
            "difference": self.difference.mean,
            "low": self.difference.low,
            "high": self.difference.high,
            "p_sign_flip": self.p_sign_flip,
            "p_wilcoxon": self.p_wilcoxon,
        }


@checked
def paired_contrast(
    differences: Float[np.ndarray, "r"], clusters: Shaped[np.ndarray, "r"], *, seed: int = 0
) -> Contrast:
    """All figures of one declared comparison."""
    return Contrast(
        difference=cluster_interval(differences, clusters, of="differences"),
        p_sign_flip=sign_flip_test(differences, clusters, seed=seed),
        p_wilcoxon=wilcoxon_test(differences, clusters),
    )


@checked
def sign_flip_test(differences: Float[np.ndarray, "r"], clusters: Shaped[np.ndarray, "r"], *, seed: int = 0) -> float:
    """Two-sided p-value of a mean difference of zero; without one, a cluster's differences could all be turned round.

    Exact over all sign patterns of up to 14 clusters; beyond, 20,000 random ones, the observed one counted among them
    (Phipson and Smyth 2010, doi:10.2202/1544-6115.1585), so that p is never 0.
    """
    names, member = np.unique(clusters, return_inverse=True)
    sums = np.bincount(member, differences, len(names))
    observed = abs(sums.sum()) - 1e-12 * max(1.0, float(np.abs(sums).sum()))  # equal sums differ by rounding
    if len(names) <= _EXACT_UP_TO:
        patterns = (np.arange(2 ** len(names))[:, None] >> np.arange(len(names))) & 1
        return float((np.abs((1 - 2 * patterns) @ sums) >= observed).mean())
    random, reached = np.random.default_rng(seed), 0
    for first in range(0, _FLIPS, _AT_ONCE):
        signs = 1 - 2 * random.integers(0, 2, (min(_AT_ONCE, _FLIPS - first), len(names)))
        reached += int((np.abs(signs @ sums) >= observed).sum())
    return (reached + 1) / (_FLIPS + 1)


@checked
def wilcoxon_test(differences: Float[np.ndarray, "r"], clusters: Shaped[np.ndarray, "r"]) -> float:
    """Two-sided p-value of Wilcoxon's signed-rank test on the clusters' mean differences (relatives count once)."""
    from scipy.stats import wilcoxon

    names, member = np.unique(clusters, return_inverse=True)
    means = np.bincount(member, differences, len(names)) / np.bincount(member)
    return 1.0 if not means.any() else float(wilcoxon(means).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number, in the given order.

    Source: Holm 1979, Scandinavian Journal of Statistics 6, 65-70.
    """
    adjusted, highest = [0.0] * len(p_values), 0.0
    for place, at in enumerate(sorted(range(len(p_values)), key=lambda at: p_values[at])):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[at]))
        adjusted[at] = highest
    return adjusted
