"""Heads that need no run of the user's own: tuned ones that ship, and what baselines define themselves.

`tracking/ship_heads.py` writes `shipped/MODEL.json`, and `shipped/views/MODEL.json` of those that need no tuning.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

from rnaexp.settings import read_as
from rnaexp.structure.heads import TunedHead, untuned_head
from rnaexp.structure.probabilities import StructureView
from rnaexp.structure.protocol import PROTOCOLS

# At a probability of one half each base has one partner at most, and the pairs are those of the centroid structure:
# Ding, Chan and Lawrence 2005, doi:10.1261/rna.2500605.
CENTROID = 0.5
FOLDED = ("viennarna", "alifold")  # their scores are probabilities of pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedHead:
    """A tuned head and its evidence: the 95 % interval of its validation F1 over clusters
    (None where there are too few), and what made it."""

    tuned: TunedHead
    f1_low: float | None
    f1_high: float | None
    commit: str
    command: str

    def to_json(self) -> dict[str, Any]:
        """Plain values, as the package keeps them."""
        evidence = {"f1_low": self.f1_low, "f1_high": self.f1_high, "commit": self.commit, "command": self.command}
        return {"tuned": self.tuned.to_json(), **evidence}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ShippedHead":
        """Raises: InputError if its head is none."""
        return cls(**{**values, "tuned": TunedHead.from_json(values["tuned"])})


def shipped_names() -> list[str]:
    """Models whose tuned head ships."""
    return sorted(path.name.removesuffix(".json") for path in _folder().iterdir() if path.name.endswith(".json"))


def shipped_head(model: str) -> ShippedHead | None:
    """The head that ships for a model of this name, or None."""
    if model not in shipped_names():
        return None
    return ShippedHead.from_json(json.loads(_folder().joinpath(f"{model}.json").read_text(encoding="utf-8")))


def centroid_head(model: str) -> TunedHead | None:
    """The calls of a model whose scores are probabilities of pairs; None for any other. Nothing is tuned.

    Its `weights` are empty: they are whichever version of the library is installed. How far its structures are right
    was measured (`shipped/views`): the probabilities themselves are too sure.
    """
    if model not in FOLDED:
        return None
    kept = _folder().joinpath("views", f"{model}.json").read_text(encoding="utf-8")
    view = read_as(StructureView, json.loads(kept), "not a view")
    return replace(untuned_head(model, threshold=CENTROID, scoring=PROTOCOLS["paper"]), view=view)


def _folder() -> Any:
    return files("rnaexp").joinpath("structure", "shipped")
