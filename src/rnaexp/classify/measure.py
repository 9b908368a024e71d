"""One overlap ratio with all that must be reported with it: other estimators, AUROC, interval, permutation null."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from jaxtyping import Float32, Float64, Int64

from rnaexp.classify.layout import Layout
from rnaexp.classify.matching import Matching, length_matching
from rnaexp.classify.overlap import Bounded, Densities, auroc, overlap
from rnaexp.classify.protocol import EmbeddingProtocol, Estimator
from rnaexp.classify.resample import Spread, family_bootstrap, figures, interval, length_groups, permuted
from rnaexp.classify.similarity import Counts, count_pairs, spread

ESTIMATORS: tuple[Estimator, ...] = get_args(Estimator)


def resampled(protocol: EmbeddingProtocol) -> tuple[Estimator, ...]:
    """The estimators that get an interval and a null: the released code's costs as much as all others together."""
    return tuple(name for name in ESTIMATORS if name in ("histogram", "kde", "ks", protocol.estimator))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The overlap ratio of one kind of pairs (all, or length-matched).

    `intervals` and `null` are by estimator and `auroc`; the null is that of labels shuffled among the RNAs (among
    those of like lengths, where pairs are matched). `kept`: share of the homologous pairs' weight that is compared.
    """

    overlaps: dict[Estimator, float]
    auroc: Bounded
    intervals: dict[str, Spread]
    null: dict[str, Spread]
    densities: Densities
    kept: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """How much is resampled, and how counts of several processes become one."""

    resamples: int = 1000
    permutations: int = 20
    part: tuple[int, int] = (0, 1)
    add_up: Callable[[Counts], Counts] = lambda counts: counts


def measure(
    vectors: Float32[np.ndarray, "r d"],
    lengths: Sequence[int],
    layout: Layout,
    protocol: EmbeddingProtocol,
    design: Design,
    *,
    matched: bool,
) -> tuple[Measured, Counts]:
    """Count, estimate, resample, shuffle; vectors and lengths in layout order.

    Raises: ValueError if length matching leaves nothing to compare.
    """
    place = np.empty(len(layout), np.int64)
    place[layout.order] = np.arange(len(layout))
    matching = length_matching(np.asarray(lengths)[place].tolist(), layout) if matched else None
    over = spread(vectors, matching, seed=protocol.seed)

    def counted(rows: Float32[np.ndarray, "r d"], weights: Matching | None, *, by_unit: bool) -> Counts:
        counts = count_pairs(
            rows, layout, spread=over, bins=protocol.bins, matching=weights, part=design.part, by_unit=by_unit
        )
        return design.add_up(counts)

    counts = counted(vectors, matching, by_unit=True)
    densities = counts.densities
    groups = length_groups(np.asarray(lengths)) if matched else np.zeros(len(layout), np.int64)
    shuffled = []
    for at in range(design.permutations):
        # RNAs change places under the labels; their lengths go with them, so the weights are found anew.
        order = permuted(len(layout), groups, protocol.seed + 1 + at)
        again = length_matching(np.asarray(lengths)[order][place].tolist(), layout) if matched else None
        shuffled.append(
            figures(counted(vectors[order], again, by_unit=False).densities, resampled(protocol), protocol.bins)
        )
    return (
        Measured(
            overlaps={name: overlap(densities, estimator=name, bins=protocol.bins) for name in ESTIMATORS},
            auroc=auroc(densities),
            intervals=family_bootstrap(counts, resampled(protocol), resamples=design.resamples, seed=protocol.seed),
            null=_null(shuffled),
            densities=densities,
            kept=1.0 if matching is None else matching.kept,
        ),
        counts,
    )


def _null(shuffled: list[dict[str, float]]) -> dict[str, Spread]:
    """Least, greatest and mean over the shuffles."""
    names = shuffled[0] if shuffled else ()
    values = {name: [one[name] for one in shuffled] for name in names}
    return {name: Spread(low=min(v), high=max(v), mean=float(np.mean(v))) for name, v in values.items()}


def measure_pairs(
    homologous: tuple[Int64[np.ndarray, "p 2"], Float64[np.ndarray, "p"]],
    others: tuple[Int64[np.ndarray, "q 2"], Float64[np.ndarray, "q"]],
    layout: Layout,
    protocol: EmbeddingProtocol,
    design: Design,
    *,
    kept: float,
) -> Measured:
    """The same from sampled pairs (layout order) and their similarities, for what is too slow to do for all."""
    values = np.concatenate([homologous[1], others[1]])
    own = np.arange(len(values)) < len(homologous[1])
    first, second = (layout.unit[np.concatenate([homologous[0][:, at], others[0][:, at]])] for at in (0, 1))
    random = np.random.default_rng(protocol.seed)
    chance = np.full(layout.units, 1 / layout.units)
    redrawn = []
    for drawn in random.multinomial(layout.units, chance, size=design.resamples):
        weights = np.where(own, drawn[first], drawn[first] * drawn[second]).astype(np.float64)
        if weights[own].any() and weights[~own].any():
            redrawn.append(figures(_sampled(values, own, weights, protocol.bins), resampled(protocol), protocol.bins))
    equal = np.ones(len(values))
    densities = _sampled(values, own, equal, protocol.bins)
    found = figures(densities, ESTIMATORS, protocol.bins)
    shuffled = [
        figures(_sampled(values, random.permutation(own), equal, protocol.bins), resampled(protocol), protocol.bins)
        for _ in range(design.permutations)
    ]
    return Measured(
        overlaps={name: found[name] for name in ESTIMATORS},
        auroc=auroc(densities),
        intervals={
            name: interval(np.array([one[name] for one in redrawn]), found[name])
            for name in (*resampled(protocol), "auroc")
        },
        null=_null(shuffled),
        densities=densities,
        kept=kept,
    )


def _sampled(values: np.ndarray, own: np.ndarray, weights: np.ndarray, bins: int) -> Densities:
    """Sampled similarities on fine bins of their range."""
    low, high = float(values.min()), float(values.max())
    fine = bins * max(1, round(2000 / bins))
    masses = []
    for chosen in (own, ~own):
        counts = np.histogram(values[chosen], fine, (low, high), weights=weights[chosen])[0]
        masses.append(counts / counts.sum())
    squares = [float(weights[c].sum() ** 2 / (weights[c] ** 2).sum()) for c in (own, ~own)]
    return Densities(low=low, high=high, homologous=masses[0], non_homologous=masses[1], pairs=(squares[0], squares[1]))
