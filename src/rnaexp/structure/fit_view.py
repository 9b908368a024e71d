"""How a head's structures are to be drawn, found on the RNAs that the head was tuned on."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rnaexp.rna import Pair, Rna
from rnaexp.stats.intervals import cluster_interval
from rnaexp.structure.calibrate import Drawable, drawable, fit_calibration, fit_curve
from rnaexp.structure.heads import RnaScores
from rnaexp.structure.probabilities import OF_PROBABILITIES, Curve, StructureView
from rnaexp.structure.view import PairTable, folded_table, helices, nested, nested_each, pair_table

GAMMAS = (1.0, 4.0, 16.0, 64.0, 256.0)
_EVERY_PAIR = 1e4  # a gamma at which any pair is worth its two bases
_SEED = 0


def fit_view(
    rnas: Sequence[Rna], scores: Sequence[RnaScores], *, unscored_f1: float, folding_f1: float | None = None
) -> StructureView:
    """Calibrate, choose gamma by the mean F1 over RNAs, and calibrate the confidence of the pairs then drawn.

    `scores`: every candidate of each RNA under the head. The pairs that are drawn stand in helices with others, so
    more of them are real than of all pairs of their probability: hence the second curve.
    Raises: ValueError if no RNA has a pair that a structure may hold.
    """
    drawn = [drawable(rna, each) for rna, each in zip(rnas, scores, strict=True)]
    calibration = fit_calibration(drawn)
    tables = [pair_table(one, calibration) for one in drawn]
    each = [nested_each(table, rna.sequence, GAMMAS) for rna, table in zip(rnas, tables, strict=True)]
    found = {gamma: [helices(one[at]) for one in each] for at, gamma in enumerate(GAMMAS)}
    f1 = {gamma: _f1(structures, scores) for gamma, structures in found.items()}
    gamma = max(GAMMAS, key=lambda gamma: f1[gamma].mean())
    worth = cluster_interval(f1[gamma], np.array([each.cluster for each in scores]), of="shares")
    return StructureView(
        calibration=calibration,
        gamma=gamma,
        confidence=_confidence(tables, found[gamma], scores),
        f1=_plain(worth.mean),
        f1_low=_plain(worth.low),
        f1_high=_plain(worth.high),
        unscored_f1=unscored_f1,
        folding_f1=_plain(folding_f1),
    )


def fit_confidence(rnas: Sequence[Rna], scores: Sequence[RnaScores]) -> StructureView:
    """For scores that are probabilities themselves: drawn as they are, the confidence of the pairs calibrated."""
    how = OF_PROBABILITIES
    tables = [pair_table(drawable(rna, each), how.calibration) for rna, each in zip(rnas, scores, strict=True)]
    found = _structures(rnas, tables, how.gamma)
    worth = cluster_interval(_f1(found, scores), np.array([each.cluster for each in scores]), of="shares")
    return replace(
        how,
        confidence=_confidence(tables, found, scores),
        f1=_plain(worth.mean),
        f1_low=_plain(worth.low),
        f1_high=_plain(worth.high),
        unscored_f1=unscored_f1(rnas, scores),
    )


def unscored_f1(rnas: Sequence[Rna], scores: Sequence[RnaScores]) -> float:
    """Mean F1 of as many pairs as fit into one structure, whatever their scores: what decoding alone is worth."""
    tables = [_unscored(drawable(rna, each)) for rna, each in zip(rnas, scores, strict=True)]
    return round(float(_f1(_structures(rnas, tables, _EVERY_PAIR), scores).mean()), 6)


def with_folding(view: StructureView, rnas: Sequence[Rna], scores: Sequence[RnaScores]) -> StructureView:
    """With what ViennaRNA's structures are worth, on the same RNAs, when the scores are its soft constraints."""
    tables = [folded_table(rna, drawable(rna, each), view.calibration) for rna, each in zip(rnas, scores, strict=True)]
    found = _structures(rnas, tables, OF_PROBABILITIES.gamma)
    sure = _confidence(tables, found, scores)
    return replace(view, folded_confidence=sure, folded_f1=_plain(_f1(found, scores).mean()))


def structure_f1(pairs: Sequence[Pair], known: RnaScores) -> float:
    """F1 of a structure against all reference pairs of the RNA."""
    right = np.isin(places_of(pairs, known.bases), known.reference).sum()
    return float(2 * right / (len(pairs) + known.references))


def places_of(pairs: Sequence[Pair], bases: int) -> np.ndarray:
    """Each pair as i * n + j."""
    return np.array([i * bases + j for i, j in pairs], np.int64)


def _structures(rnas: Sequence[Rna], tables: Sequence[PairTable], gamma: float) -> list[tuple[Pair, ...]]:
    return [helices(nested(table, rna.sequence, gamma)) for rna, table in zip(rnas, tables, strict=True)]


def _f1(structures: Sequence[Sequence[Pair]], scores: Sequence[RnaScores]) -> np.ndarray:
    return np.array([structure_f1(pairs, known) for pairs, known in zip(structures, scores, strict=True)])


def _confidence(
    tables: Sequence[PairTable], structures: Sequence[Sequence[Pair]], scores: Sequence[RnaScores]
) -> Curve:
    """The share of real ones among the pairs drawn, by their probability; that itself where nothing is drawn."""
    values = np.concatenate(
        [np.array(table.at(pairs), np.float64) for table, pairs in zip(tables, structures, strict=True)]
    )
    real = [
        np.isin(places_of(pairs, known.bases), known.reference) for pairs, known in zip(structures, scores, strict=True)
    ]
    return fit_curve(values, np.concatenate(real)) if len(values) else OF_PROBABILITIES.confidence


def _unscored(found: Drawable) -> PairTable:
    """The same pairs, all about equally probable: random within a factor of two, so that no place is preferred."""
    values = np.random.default_rng(_SEED).uniform(0.5, 1, len(found.places)) / found.bases
    return PairTable(bases=found.bases, places=np.sort(found.places), probabilities=values)


def _plain(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6)
