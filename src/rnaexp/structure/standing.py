"""Whether a tuned head is worth more, on the RNAs it was tuned on, than what knows neither language nor energies."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from rnaexp.settings import RECORD, Share, Word, read_as
from rnaexp.stats.intervals import cluster_interval
from rnaexp.structure.evaluate import paired_f1


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A head's F1 less that of a control, paired by RNA, with its 95 % interval over clusters; None where too few."""

    __pydantic_config__ = RECORD

    control: Word
    control_f1: Share
    difference: float
    low: float | None
    high: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain values, as logged with a run."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Standing":
        """Raises: InputError naming a field that is missing, unknown or of another type."""
        return read_as(cls, values, "not a comparison with a control")


def standing(mine: pd.DataFrame, controls: Mapping[str, pd.DataFrame]) -> Standing | None:
    """Against the best of the controls (tables with columns rna, cluster, f1); None where they share no RNA."""
    if not controls:
        return None
    best = max(controls, key=lambda name: float(controls[name]["f1"].mean()))
    differences, clusters = paired_f1(mine, controls[best])
    if not len(differences):
        return None
    found = cluster_interval(differences, clusters, of="differences")
    return Standing(
        control=best,
        control_f1=float(controls[best]["f1"].mean()),
        difference=found.mean,
        low=found.low,
        high=found.high,
    )
