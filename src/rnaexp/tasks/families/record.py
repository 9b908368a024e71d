"""Classification results for people and programs: metrics, one JSON object, one row a figure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from rnaexp.classify.measure import ESTIMATORS, Measured
from rnaexp.classify.overlap import iou
from rnaexp.classify.protocol import Estimator
from rnaexp.tasks.families import metrics as declared
from rnaexp.tasks.families.measure import Classified
from rnaexp.tasks.metric import measured

_OF_ALL_PAIRS = ("rnas", "families", "coverage", "nearest_is_own", "silhouette")


def metrics(result: Classified) -> dict[str, float | None]:
    """Every figure as an MLflow metric, by the protocol's estimator; what was not measured is None."""
    return {declared.PREFIX + name: value for name, value in measured(declared.METRICS, result).items()}


def headline(result: Classified) -> dict[str, Any]:
    """The set and its overlap ratio with interval, as they are shown with a model's base pairs."""
    found = metrics(result)
    names = ("overlap_ratio", "overlap_low", "overlap_high", "overlap_iou")
    return {"set": result.data.name, **{name: found[f"{declared.PREFIX}{name}"] for name in names}}


def as_json(result: Classified, run_id: str | None) -> dict[str, Any]:
    """What `--json` prints."""
    estimator = result.task.protocol.estimator
    parts = {"all": result.every, "length_matched": result.matched}
    if result.task.protocol.below_identity:
        parts[f"homologs under {result.task.protocol.below_identity:.0%} identity"] = result.remote
    return {
        "model": result.task.model,
        "set": result.data.name,
        "set_sha256": result.data.sha256,
        "classify": measured(declared.METRICS, result),
        "pairs": {name: None if part is None else _part(part, estimator) for name, part in parts.items()},
        "drawn": None if result.drawn is None else asdict(result.drawn),
        "unmatched_reason": result.unmatched_reason,
        "long": result.task.long,
        "windowed": list(result.windowed),
        "left_out": dict(result.data.left_out),
        "skipped": [{"rna": one.id, "reason": one.reason} for one in result.skipped],
        "protocol": result.task.protocol.fields(),
        "run_id": run_id,
    }


def _part(measured: Measured, estimator: Estimator) -> dict[str, Any]:
    """Overlaps by every estimator as areas, and the headline's as intersection over union."""
    return {
        **{name: measured.overlaps[name] for name in ESTIMATORS},
        **{f"{name}_low": spread.low for name, spread in measured.intervals.items()},
        **{f"{name}_high": spread.high for name, spread in measured.intervals.items()},
        **{f"{name}_null": spread.mean for name, spread in measured.null.items()},
        "auroc": measured.auroc.value,
        "auroc_error": measured.auroc.error,
        "unit": "area",
        "overlap_iou": iou(measured.overlaps[estimator]),
        "kept": measured.kept,
        "effective_homologous": measured.densities.pairs[0],
        "effective_others": measured.densities.pairs[1],
    }


def as_frame(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row for each run and kind of pairs: what `tracking/results` keeps."""
    rows = []
    for run in records:
        figures = run["classify"]
        whole = {name: figures.get(name) for name in dict.fromkeys((*_OF_ALL_PAIRS, *declared.of_all_pairs(figures)))}
        for kind, part in run["pairs"].items():
            if part is not None:
                rows.append({"model": run["model"], "set": run["set"], "pairs": kind, **part, **whole})
        if run["drawn"] is not None:
            rows.append({"model": run["model"], "set": run["set"], **_drawn_row(run), **whole})
    return pd.DataFrame(rows).sort_values(["set", "pairs", "histogram"], kind="stable").round(6)


def _drawn_row(run: Mapping[str, Any]) -> dict[str, Any]:
    drawn = run["drawn"]
    each = {f"drawn_{name}": value for name, value in drawn["mean"].items()}
    each |= {f"drawn_{name}_sd": value for name, value in drawn["sd"].items()}
    counts = {name: drawn[name] for name in ("repetitions", "same_family")}
    return {"pairs": run["protocol"]["pairs"], "unit": run["protocol"]["unit"], **each, **counts}
