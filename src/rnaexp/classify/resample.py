"""What chance does to an overlap ratio: families drawn anew, and labels that mean nothing."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from rnaexp.classify.overlap import Densities, auroc, overlap
from rnaexp.classify.protocol import Estimator
from rnaexp.classify.similarity import Counts
from rnaexp.typing import checked

_LENGTH_STEP = 1.05  # labels change places only among lengths within this factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """An interval, and the mean of what it was made from."""

    low: float
    high: float
    mean: float


def family_bootstrap(
    counts: Counts, estimators: tuple[Estimator, ...], *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> dict[str, Spread]:
    """Intervals of the overlap ratio by each estimator, and of `auroc`, over families drawn with replacement.

    A family drawn w times weighs its own pairs by w and its pairs with family g by w_f w_g. Resamples are counted in
    coarse bins; see `interval` for what that and the drawing itself do to a value.
    """
    bins = counts.within.shape[1]
    found: dict[str, list[float]] = {}
    for densities in _redrawn(counts, resamples, seed):
        for name, value in figures(densities, estimators, bins).items():
            found.setdefault(name, []).append(value)
    exact = figures(counts.densities, estimators, bins)
    return {name: interval(np.array(values), exact[name], level) for name, values in found.items()}


def paired_overlap(
    one: Counts, other: Counts, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[float, float, float]:
    """How much larger one model's overlap ratio is than another's on the same RNAs: difference, low, high.

    Both are resampled over the same draws of families, so that what a draw does to both cancels; histogram only.
    """
    bins = one.within.shape[1]
    redrawn = np.array(
        [
            overlap(first, estimator="histogram", bins=bins) - overlap(second, estimator="histogram", bins=bins)
            for first, second in zip(_redrawn(one, resamples, seed), _redrawn(other, resamples, seed), strict=True)
        ]
    )
    difference = _histogram(one) - _histogram(other)
    low, high = np.quantile(redrawn, [(1 - level) / 2, (1 + level) / 2]) + difference - redrawn.mean()
    return difference, float(low), float(high)


def _histogram(counts: Counts) -> float:
    return overlap(counts.densities, estimator="histogram", bins=counts.within.shape[1])


def interval(redrawn: Float[np.ndarray, "w"], value: float, level: float = 0.95) -> Spread:
    """Quantiles of the resamples, moved so that their mean lies on the value; `mean` is that before the move.

    Drawing families again adds noise to both densities, and noise only ever lowers an overlap: unmoved, the interval
    of two equal densities lies below the value itself. Coarse bins move the resamples too, all alike.
    """
    mean = float(redrawn.mean())
    low, high = np.quantile(redrawn, [(1 - level) / 2, (1 + level) / 2]) + value - mean
    return Spread(low=max(0.0, float(low)), high=min(1.0, float(high)), mean=mean)


def figures(densities: Densities, estimators: tuple[Estimator, ...], bins: int) -> dict[str, float]:
    """The overlap ratio by each estimator, and AUROC."""
    found: dict[str, float] = {name: overlap(densities, estimator=name, bins=bins) for name in estimators}
    return found | {"auroc": auroc(densities).value}


def _redrawn(counts: Counts, resamples: int, seed: int) -> Iterator[Densities]:
    units, bins = counts.within.shape
    # Units without any pair (a family of one RNA) still stand on the other side of non-homologous pairs.
    weights = np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), size=resamples)
    own = weights @ counts.within
    other = np.zeros((resamples, bins))
    for unit, rows in counts.between_rows():
        some = weights[:, unit] > 0
        drawn = weights[some, unit:].astype(np.float32)
        other[some] += drawn[:, :1] * (drawn @ rows)
    pairs = counts.densities.pairs
    for one, two in zip(own, other, strict=True):
        if one.sum() > 0 and two.sum() > 0:  # else a draw that left only one class of pair: a very small set
            yield Densities(
                low=counts.low,
                high=counts.high,
                homologous=one / one.sum(),
                non_homologous=two / two.sum(),
                pairs=pairs,
            )


@checked
def permuted(size: int, groups: Int64[np.ndarray, "r"], seed: int) -> Int64[np.ndarray, "r"]:
    """A random order of `size` RNAs in which each stays among those of its own group."""
    random = np.random.default_rng(seed)
    order = np.arange(size, dtype=np.int64)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        order[members] = members[random.permutation(len(members))]
    return order


def length_groups(lengths: Int64[np.ndarray, "r"]) -> Int64[np.ndarray, "r"]:
    """RNAs whose labels may change places under length matching: those of like lengths."""
    groups: np.ndarray = np.floor(np.log(lengths) / np.log(_LENGTH_STEP)).astype(np.int64)
    return groups
