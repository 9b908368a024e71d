"""The overlap ratio: the area that the densities of two classes of similarity share, and what stands beside it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rnaexp.classify.protocol import Estimator
from rnaexp.typing import checked

Weights = tuple[Float[np.ndarray, "p"], Float[np.ndarray, "q"]]

_KDE_BINS = 4096
_REACH = 6  # standard deviations of the kernel beyond which it counts as zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Densities:
    """Two classes' mass on common fine bins of [low, high]; each sums to 1.

    `pairs`: how many equally weighted pairs each class is worth, (sum of weights)^2 / sum of squares.
    """

    low: float
    high: float
    homologous: Float[np.ndarray, "f"]
    non_homologous: Float[np.ndarray, "f"]
    pairs: tuple[float, float]

    def __post_init__(self) -> None:
        for name in ("homologous", "non_homologous"):
            if not np.isclose(getattr(self, name).sum(), 1):
                message = f"{name}: no pair of this class, or masses that do not sum to 1"
                raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounded:
    """A value from binned data and how far the exact one can be from it."""

    value: float
    error: float


@checked
def overlap_ratio(
    homologous: Float[np.ndarray, "p"],
    non_homologous: Float[np.ndarray, "q"],
    *,
    estimator: Estimator = "histogram",
    bins: int = 100,
    weights: Weights | None = None,
) -> float:
    """Area shared by the normalised densities of two samples of similarities: 0 apart, 1 the same.

    `histogram`: `bins` equal bins over the range of both samples; biased low on few pairs. `kde`: a Gaussian kernel
    (Scott's width), reflected at 1 where no similarity exceeds it, as no cosine does. `ks`: 1 - the
    Kolmogorov-Smirnov distance, an upper bound that is reached when the densities cross once. `weights`: of each
    sample's pairs.

    Raises: ValueError for an empty sample, a value that is not finite, or negative weights.
    """
    samples = (homologous.astype(np.float64), non_homologous.astype(np.float64))
    masses = tuple(_masses(x, None if weights is None else weights[at]) for at, x in enumerate(samples))
    if estimator == "ks":
        return 1 - _exact_ks(samples, masses)
    densities = _binned(samples, masses, bins if estimator == "histogram" else _KDE_BINS)
    return overlap(densities, estimator=estimator, bins=bins)


def _masses(sample: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    if not len(sample) or not np.isfinite(sample).all():
        message = "a sample of similarities is empty or holds a value that is not finite"
        raise ValueError(message)
    weights = np.ones(len(sample)) if weights is None else weights.astype(np.float64)
    if len(weights) != len(sample) or (weights < 0).any() or not weights.sum() > 0:
        message = "weights: one for each pair, none negative, some positive"
        raise ValueError(message)
    return np.asarray(weights / weights.sum())


def _binned(samples: tuple[np.ndarray, ...], masses: tuple[np.ndarray, ...], bins: int) -> Densities:
    low, high = min(x.min() for x in samples), max(x.max() for x in samples)
    if high == low:  # all similarities are one number
        low, high = low - 0.5, high + 0.5
    counts = [np.histogram(x, bins, (low, high), weights=m)[0] for x, m in zip(samples, masses, strict=True)]
    return Densities(
        low=float(low),
        high=float(high),
        homologous=counts[0] / counts[0].sum(),
        non_homologous=counts[1] / counts[1].sum(),
        pairs=(1 / float((masses[0] ** 2).sum()), 1 / float((masses[1] ** 2).sum())),
    )


def _exact_ks(samples: tuple[np.ndarray, ...], masses: tuple[np.ndarray, ...]) -> float:
    values = np.concatenate(samples)
    order = np.argsort(values, kind="stable")
    steps = np.concatenate([masses[0], -masses[1]])[order].cumsum()
    last_of_ties = np.append(np.diff(values[order]) > 0, True)
    return float(np.abs(steps[last_of_ties]).max())


def overlap(densities: Densities, *, estimator: Estimator, bins: int) -> float:
    """The overlap ratio from fine bins, whose number must be a multiple of `bins`."""
    if estimator == "ks":
        return 1 - kolmogorov_smirnov(densities).value
    p, q = densities.homologous, densities.non_homologous
    if estimator == "kde":
        p, q = (_smooth(densities, mass, pairs) for mass, pairs in zip((p, q), densities.pairs, strict=True))
        return float(np.minimum(p, q).sum())
    return float(np.minimum(coarse(p, bins), coarse(q, bins)).sum())


def coarse(mass: Float[np.ndarray, "f"], bins: int) -> Float[np.ndarray, "b"]:
    """Fine bins joined to `bins` wider ones."""
    if len(mass) % bins:
        message = f"{len(mass)} fine bins cannot be joined to {bins}"
        raise ValueError(message)
    return np.asarray(mass.reshape(bins, -1).sum(1))


def _smooth(densities: Densities, mass: np.ndarray, pairs: float) -> np.ndarray:
    """Mass after a Gaussian kernel, on the same grid continued to both sides; beyond 1 it is folded back."""
    from scipy.ndimage import gaussian_filter1d

    width = (densities.high - densities.low) / len(mass)
    centres = densities.low + width * (np.arange(len(mass)) + 0.5)
    mean = float(mass @ centres)
    deviation = float(np.sqrt(mass @ (centres - mean) ** 2))
    kernel = deviation * pairs**-0.2 / width  # Scott's rule for one dimension
    # Both classes need one grid: wide enough for the wider kernel, whose deviation is at most half the range.
    margin = int(np.ceil(_REACH * 0.5 * len(mass) * min(densities.pairs) ** -0.2))
    smooth = np.pad(mass, margin)
    if kernel > 0:
        smooth = gaussian_filter1d(smooth, kernel, mode="constant", truncate=_REACH)
    return _folded(smooth, (1 - densities.low) / width + margin) if densities.high <= 1 + 1e-6 else smooth


def _folded(mass: np.ndarray, bound: float) -> np.ndarray:
    """Mass of the bins behind position `bound` added to their mirror images, shared by the two bins these fall in."""
    first = int(np.ceil(bound - 0.5))  # the first bin whose centre lies behind it
    kept, beyond = mass[:first].copy(), mass[first:]
    mirror = np.maximum(2 * bound - (first + np.arange(len(beyond))) - 1, 0)
    lower = np.minimum(np.floor(mirror).astype(int), first - 1)
    share = mirror - np.floor(mirror)
    np.add.at(kept, lower, beyond * (1 - share))
    np.add.at(kept, np.minimum(lower + 1, first - 1), beyond * share)
    return kept


def kolmogorov_smirnov(densities: Densities) -> Bounded:
    """Greatest distance of the two distribution functions; between bin edges it can be larger by one bin's mass."""
    p, q = densities.homologous, densities.non_homologous
    return Bounded(value=float(np.abs(np.cumsum(p - q)).max()), error=float(np.maximum(p, q).max()))


def auroc(densities: Densities) -> Bounded:
    """Chance that a homologous pair is more similar than a non-homologous one, ties half; pairs of one bin are ties."""
    p, q = densities.homologous, densities.non_homologous
    below = np.cumsum(q) - q
    together = float(p @ q)
    return Bounded(value=float(p @ below) + together / 2, error=together / 2)
