"""Fit probabilities of base pairs on the RNAs that a head was tuned on, and measure how far they hold elsewhere.

The scores of pairs that a structure may hold (AU, GC, GU; three bases or more between them) are pooled into steps by
isotonic regression; the curve through the steps' middles (centered isotonic regression: Oron and Flournoy 2017,
Statistics in Biopharmaceutical Research 9, 258-267) keeps the order of the scores within a step, which one
probability a step would lose. A logistic regression on its log-odds and the RNA's length then takes up what length
alone explains: the pairs of an RNA grow as its bases, the candidates as their square.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float64, Int

from rnaexp.rna import Rna
from rnaexp.structure.heads import RnaScores
from rnaexp.structure.pairs import canonical
from rnaexp.structure.probabilities import Calibration, Curve, log_odds

HAIRPIN = 3  # fewest bases between the two of a pair, as in every folding program: no smaller loop closes
_BINS = 10  # of a reliability table


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawable:
    """The pairs of one RNA that a structure may hold: places i * n + j, scores, and which are reference pairs."""

    bases: int
    places: Int[np.ndarray, "p"]
    scores: Float64[np.ndarray, "p"]
    paired: Bool[np.ndarray, "p"]


def drawable(rna: Rna, scores: RnaScores) -> Drawable:
    """Of one head's pairs those that are AU, GC or GU with at least three bases between them."""
    n, kept = len(rna), scores.indices[0] >= 0
    places, values = scores.indices[0][kept], scores.scores[0][kept].astype(np.float64)
    i, j = places // n, places % n
    able = canonical(rna.sequence)[i, j] & (j - i > HAIRPIN)
    known = np.zeros(n * n, bool)
    known[scores.reference] = True
    return Drawable(bases=n, places=places[able], scores=values[able], paired=known[places[able]])


def fit_calibration(rnas: Sequence[Drawable]) -> Calibration:
    """Fit on all of these RNAs together.

    Raises: ValueError if they have no pair that a structure may hold.
    """
    scores = np.concatenate([rna.scores for rna in rnas])
    paired = np.concatenate([rna.paired for rna in rnas])
    curve = fit_curve(scores, paired)
    bases = np.concatenate([np.full(len(rna.scores), rna.bases) for rna in rnas])
    slope, length, intercept = _with_length(log_odds(curve(scores)), np.log(bases / 100), paired)
    return Calibration(
        curve=curve,
        slope=slope,
        length=length,
        intercept=intercept,
        pairs_per_base=float(paired.sum() / sum(rna.bases for rna in rnas)),
    )


def fit_curve(values: Float64[np.ndarray, "p"], paired: Bool[np.ndarray, "p"]) -> Curve:
    """The share of real pairs by value, never falling.

    A step without any is no proof that there are none: one pair more, real at the mean rate, is counted in each.
    Raises: ValueError for no values.
    """
    from sklearn.isotonic import IsotonicRegression

    if not len(values):
        message = "no pair that a structure may hold: nothing to calibrate on"
        raise ValueError(message)
    real = paired.astype(np.float64)
    _, member = np.unique(IsotonicRegression().fit_transform(values, real), return_inverse=True)
    counts = np.bincount(member)
    middles = np.bincount(member, values) / counts
    rates = np.maximum.accumulate((np.bincount(member, real) + real.mean()) / (counts + 1))
    apart = np.concatenate([np.diff(_plain(middles)) > 0, [True]])  # two that a rounding puts on one place are one
    return Curve(values=tuple(_plain(middles)[apart].tolist()), rates=tuple(_plain(rates)[apart].tolist()))


def _plain(values: np.ndarray) -> np.ndarray:
    """Nine digits: as much as a float32 score holds."""
    return np.array([float(f"{value:.9g}") for value in values])


def _with_length(odds: np.ndarray, length: np.ndarray, paired: np.ndarray) -> tuple[float, float, float]:
    """Slope, length and intercept. Nothing of length where longer RNAs would have more probable pairs: such a trend
    of a few families is theirs, not that of RNAs."""
    if paired.all() or not paired.any():
        return 1.0, 0.0, 0.0
    slope, by_length, intercept = _regression(np.column_stack([odds, length]), paired)
    if by_length < 0:
        return slope, by_length, intercept
    slope, intercept = _regression(odds[:, None], paired)
    return slope, 0.0, intercept


def _regression(columns: np.ndarray, paired: np.ndarray) -> tuple[float, ...]:
    from sklearn.linear_model import LogisticRegression

    found = LogisticRegression(C=1e6, max_iter=1000).fit(columns, paired)
    return tuple(float(f"{value:.6g}") for value in (*found.coef_[0], found.intercept_[0]))


class Tenths:
    """The table of `reliability`, of some RNAs' pairs after others': none are held."""

    def __init__(self) -> None:
        self._counts: np.ndarray = np.zeros(_BINS, np.int64)
        self._sums: np.ndarray = np.zeros(_BINS)
        self._real: np.ndarray = np.zeros(_BINS)

    def add(self, probabilities: Float64[np.ndarray, "p"], paired: Bool[np.ndarray, "p"]) -> None:
        """Pairs, and which of them are real."""
        tenth = np.minimum((probabilities * _BINS).astype(int), _BINS - 1)
        self._counts += np.bincount(tenth, minlength=_BINS)
        # The sums so far come first, so that they are those of all pairs at once, to the bit.
        tenth = np.concatenate([np.arange(_BINS), tenth])
        self._sums = np.bincount(tenth, np.concatenate([self._sums, probabilities]), _BINS)
        self._real = np.bincount(tenth, np.concatenate([self._real, paired]), _BINS)

    def table(self) -> pd.DataFrame:
        """Of all that were added."""
        table = pd.DataFrame(
            {
                "from": np.arange(_BINS) / _BINS,
                "pairs": self._counts,
                "expected": self._sums / np.maximum(self._counts, 1),
                "observed": self._real / np.maximum(self._counts, 1),
            }
        )
        return table[table["pairs"] > 0].reset_index(drop=True)


def reliability(probabilities: Float64[np.ndarray, "p"], paired: Bool[np.ndarray, "p"]) -> pd.DataFrame:
    """In each tenth of the probabilities that holds any: how many pairs, their mean, and the share that are real."""
    tenths = Tenths()
    tenths.add(probabilities, paired)
    return tenths.table()


def calibration_error(table: pd.DataFrame) -> float:
    """Expected calibration error of a reliability table: mean |expected - observed| over pairs; NaN of none."""
    if not len(table):
        return float("nan")
    return float(((table["expected"] - table["observed"]).abs() * table["pairs"]).sum() / table["pairs"].sum())
