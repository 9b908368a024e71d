"""The overlap ratio: the area that the densities of two classes of similarity share, and what is reported with it.

All estimators give the shared area A; `iou` turns it into intersection over union, J = A / (2 - A), the unit of the
released code (and of RNA-FM's published 0.070). The two are never compared with one another.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rnaexp.classify.protocol import Estimator
from rnaexp.typing import checked

Weights = tuple[Float[np.ndarray, "p"], Float[np.ndarray, "q"]]

_KDE_BINS = 4096
_AT_ONCE = 8192  # similarities whose kernels are summed in one array
_REACH = 6  # standard deviations of the kernel beyond which it counts as zero
# Of `kde-200`: heqin-zhu/structRFM at cf3a343, tasks/zeroshot/extract_embs/tools.py, `cal_or_by_gaussian_kde`.
_WINDOW, _POINTS = (-0.5, 1.0), 200


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


def iou(area: float) -> float:
    """Intersection over union of two densities that share this area."""
    return area / (2 - area)


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
    Kolmogorov-Smirnov distance, an upper bound that is reached when the densities cross once. `kde-200`: a Gaussian
    kernel (Scott's width, not reflected) at 200 points of [-0.5, 1]. `weights`: of each sample's pairs.

    Raises: ValueError for an empty sample, a value that is not finite, or negative weights.
    """
    samples = (homologous.astype(np.float64), non_homologous.astype(np.float64))
    masses = tuple(_masses(x, None if weights is None else weights[at]) for at, x in enumerate(samples))
    if estimator == "ks":
        return 1 - _exact_ks(samples, masses)
    if estimator == "kde-200":
        return _shared(*(_at_points(x, m) for x, m in zip(samples, masses, strict=True)))
    densities = _binned(samples, masses, bins if estimator == "histogram" else _KDE_BINS)
    return overlap(densities, estimator=estimator, bins=bins)


def _at_points(sample: np.ndarray, masses: np.ndarray, pairs: float | None = None) -> np.ndarray:
    """A kernel density at the points; `pairs`: how many equal ones the sample is worth, where it is of binned mass."""
    effective = 1 / float((masses**2).sum()) if pairs is None else pairs
    mean = float(masses @ sample)
    points, found = np.linspace(*_WINDOW, _POINTS), np.zeros(_POINTS)
    variance = float(masses @ (sample - mean) ** 2)
    if not variance > 0:  # one number has no kernel: all of it at the nearest point
        found[np.abs(points - mean).argmin()] = 1.0
        return found
    # Over n - 1, as scipy's gaussian_kde has it.
    width = float(np.sqrt(variance / (1 - 1 / effective))) * effective**-0.2
    for start in range(0, len(sample), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        away = (points[:, None] - sample[None, part]) / width
        found += np.exp(-0.5 * away**2) @ masses[part]
    return np.asarray(found / (width * np.sqrt(2 * np.pi)))


def _shared(one: np.ndarray, two: np.ndarray) -> float:
    """Twice the sum of the lower over the sum of both: A, where sum(min) / sum(max) is J."""
    total = float(one.sum() + two.sum())
    return 2 * float(np.minimum(one, two).sum()) / total if total > 0 else 0.0


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
    if estimator == "kde-200":
        centres = densities.low + (densities.high - densities.low) * (np.arange(len(p)) + 0.5) / len(p)
        return _shared(*(_at_points(centres, x, n) for x, n in zip((p, q), densities.pairs, strict=True)))
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
    joint = float(p @ q)
    return Bounded(value=float(p @ below) + joint / 2, error=joint / 2)
