"""From scores to probabilities of base pairs, as plain numbers that a tuned head carries."""

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from jaxtyping import Float64
from pydantic import Field

from rnaexp.settings import RECORD, Line, Share, Word

_LEAST = 1e-6  # a probability is never nearer to 0 or 1: its log-odds are used


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """`rates` at rising `values`, never falling; straight between them, level beyond them."""

    __pydantic_config__ = RECORD

    values: tuple[float, ...]
    rates: tuple[Share, ...]

    def __post_init__(self) -> None:
        if not self.values or len(self.values) != len(self.rates):
            message = f"a curve of {len(self.values)} values and {len(self.rates)} rates"
            raise ValueError(message)
        if np.any(np.diff(self.values) <= 0) or np.any(np.diff(self.rates) < 0):
            message = "a curve's values must rise, and its rates not fall"
            raise ValueError(message)

    def __call__(self, values: Float64[np.ndarray, "p"]) -> Float64[np.ndarray, "p"]:
        """The rate at each value."""
        found: np.ndarray = np.interp(values, self.values, self.rates)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Probability of a pair that a structure may hold, from its score and the length of its RNA.

    Its log-odds are `slope` times those of the curve, plus `length` times log(bases / 100), plus `intercept`.
    `pairs_per_base`: such pairs per base in the RNAs it was fitted on.
    """

    __pydantic_config__ = RECORD

    curve: Curve
    slope: float = 1.0
    length: float = 0.0
    intercept: float = 0.0
    pairs_per_base: Annotated[float, Field(ge=0)]

    def __call__(self, scores: Float64[np.ndarray, "p"], bases: int) -> Float64[np.ndarray, "p"]:
        """The probability at each score in an RNA of so many bases."""
        from scipy.special import expit

        shift = self.length * float(np.log(bases / 100)) + self.intercept
        found: np.ndarray = expit(self.slope * log_odds(self.curve(scores)) + shift)
        return found

    def log_likelihood_ratio(self, scores: Float64[np.ndarray, "p"], bases: int) -> Float64[np.ndarray, "p"]:
        """How much more often real pairs score so than others do: the log-odds above those of a pair unseen."""
        unseen = np.array(min(self.pairs_per_base * bases / max(1, len(scores)), 0.5))
        ratio: np.ndarray = log_odds(self(scores, bases)) - log_odds(unseen)
        return ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureView:
    """How a head's structures are drawn, and what they were worth on the RNAs that the head was tuned on.

    `gamma`: weight of paired against unpaired bases in the decoder. `confidence`: of the pairs of such structures, the
    share that are real, by their probability. `f1` with its 95 % interval over clusters: of the structures against all
    reference pairs. On the same RNAs: `unscored_f1` of structures with as many pairs as fit, whatever their scores,
    `folding_f1` of ViennaRNA's own, and `control_f1` of those drawn in the same way from the best control without
    energies, `control`. `folded_confidence` and `folded_f1`: of ViennaRNA's with the scores as soft constraints.
    `measured_on`: the set, where the head itself was not tuned on it. What was not measured is None.
    """

    __pydantic_config__ = RECORD

    calibration: Calibration
    gamma: Annotated[float, Field(gt=0)]
    confidence: Curve
    f1: Share | None = None
    f1_low: Share | None = None
    f1_high: Share | None = None
    unscored_f1: Share | None = None
    folding_f1: Share | None = None
    folded_confidence: Curve | None = None
    folded_f1: Share | None = None
    control: Word | None = None
    control_f1: Share | None = None
    measured_on: Line | None = None

    @property
    def folded(self) -> "StructureView":
        """How ViennaRNA's structures with the scores as soft constraints are drawn: its own gamma, 1.

        Where their confidence was not calibrated it is the probability in the ensemble, which is too sure.
        """
        return replace(OF_PROBABILITIES, confidence=self.folded_confidence or _AS_IT_IS, f1=self.folded_f1)


_AS_IT_IS = Curve(values=(0.0, 1.0), rates=(0.0, 1.0))
# Of scores that are probabilities themselves. Gamma 1 is ViennaRNA's own; half of an RNA's bases are about paired.
OF_PROBABILITIES = StructureView(
    calibration=Calibration(curve=_AS_IT_IS, pairs_per_base=0.25), gamma=1.0, confidence=_AS_IT_IS
)


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """Of probabilities kept a millionth away from 0 and 1."""
    inside = np.clip(probabilities, _LEAST, 1 - _LEAST)
    odds: np.ndarray = np.log(inside / (1 - inside))
    return odds
