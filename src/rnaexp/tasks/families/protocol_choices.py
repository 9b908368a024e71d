"""How one model's overlap ratio depends on each choice that the papers leave open: one choice changed at a time."""

from dataclasses import replace
from typing import Any

import pandas as pd

from rnaexp.classify.measure import ESTIMATORS, Design
from rnaexp.classify.protocol import EmbeddingProtocol
from rnaexp.models.spec import Encoder
from rnaexp.progress import Announce
from rnaexp.reading.store import Store
from rnaexp.tasks.families.measure import classify
from rnaexp.tasks.families.settings import ClassifyTask

_CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {"constant": "drop"},
    {"axes": "permuted"},
    {"centring": "mean"},
    {"reduction": "none"},
    {"reduction": "none", "centring": "mean"},
    {"reduction": "fft-resample"},
    {"reduction": "pca"},
    {"reduction": "random-projection"},
    {"pooling": "max"},
    {"bins": 50},
    {"bins": 200},
)
_DESIGN = Design(resamples=300, permutations=3)


def protocol_choices(task: ClassifyTask, store: Store, announce: Announce, encoder: Encoder | None) -> pd.DataFrame:
    """One row for each changed choice and kind of pairs: every estimator with its null, AUROC, and intervals."""
    rows = []
    for change in _CHANGES:
        protocol: EmbeddingProtocol = replace(task.protocol, **change)
        found = classify(replace(task, protocol=protocol, design=_DESIGN), store, announce, encoder)
        for kind, measured in (("all", found.every), ("length_matched", found.matched)):
            if measured is None:
                continue
            row: dict[str, Any] = {
                "model": task.model,
                "set": found.data.name,
                "changed": ", ".join(f"{name}: {value}" for name, value in change.items()) or "nothing",
                "pairs": kind,
                "unit": "area",
            }
            for name in ESTIMATORS:
                row[name] = measured.overlaps[name]
                if name in measured.null:
                    row[f"{name}_null"] = measured.null[name].mean
            interval = measured.intervals["histogram"]
            rows.append(row | {"low": interval.low, "high": interval.high, "auroc": measured.auroc.value})
    return pd.DataFrame(rows).round(6)
