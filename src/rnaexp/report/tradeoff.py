"""Structure against function: each model's F1 against its overlap ratio, from all tracked runs."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rnaexp.data.atomic import write_atomically
from rnaexp.data.csv_text import csv_text
from rnaexp.errors import InputError

_STRUCTURE = ["params.model", "params.test", "params.protocol"]
_CLASSIFY = ["params.model", "params.classify.set"]
_F1, _OR = "metrics.structure.f1", "metrics.classify.overlap_ratio"


def tradeoff_points(runs: pd.DataFrame) -> pd.DataFrame:
    """One row for each model, test set, protocol and family set that finished runs know both figures of.

    The newest run of each kind counts; the two figures may come from two runs. Columns: model, test, protocol, set,
    f1, f1_low, f1_high, overlap_ratio, overlap_low, overlap_high.
    """
    wanted = [*_STRUCTURE, *_CLASSIFY, _F1, f"{_F1}_low", f"{_F1}_high", _OR, *_interval(_OR), "status", "started"]
    wanted.append("params.alignment")
    table = runs.reindex(columns=list(dict.fromkeys(wanted)))
    intact = table["params.alignment"].isna() | table["params.alignment"].eq("intact")
    table = table[intact & table["status"].eq("FINISHED")].sort_values("started", ascending=False)
    structure = table.dropna(subset=[*_STRUCTURE, _F1]).drop_duplicates(_STRUCTURE)
    function = table.dropna(subset=[*_CLASSIFY, _OR]).drop_duplicates(_CLASSIFY)
    both = structure[[*_STRUCTURE, _F1, f"{_F1}_low", f"{_F1}_high"]].merge(
        function[[*_CLASSIFY, _OR, *_interval(_OR)]], on="params.model"
    )
    both.columns = pd.Index(
        ["model", "test", "protocol", "f1", "f1_low", "f1_high", "set", "overlap_ratio", "overlap_low", "overlap_high"]
    )
    return both.sort_values(["test", "protocol", "set", "f1"], ascending=[True, True, True, False], ignore_index=True)


def _interval(name: str) -> list[str]:
    stem = name.removesuffix("_ratio")
    return [f"{stem}_low", f"{stem}_high"]


def write_tradeoff(runs: pd.DataFrame, path: Path) -> None:
    """The scatter as a picture (.png, .svg, .pdf) or its points (.csv).

    Raises: InputError if no model has both figures, or for another ending.
    """
    points = tradeoff_points(runs)
    if points.empty:
        message = "no model has both a structure F1 and an overlap ratio yet; run: rnaexp run --model rnabert"
        raise InputError(message)
    if path.suffix == ".csv":
        write_atomically(path, csv_text(points).encode())
        return
    if path.suffix not in (".png", ".svg", ".pdf"):
        message = "a picture ends in .png, .svg or .pdf, its points in .csv"
        raise InputError(message, path=path)
    path.parent.mkdir(parents=True, exist_ok=True)
    tradeoff_figure(points).savefig(path, dpi=150)


def tradeoff_figure(points: pd.DataFrame) -> Figure:
    """Overlap ratio across, F1 up, with 95 % intervals; a panel for each question. Up and to the left is better."""
    questions = list(points.groupby(["test", "protocol", "set"], sort=True))
    columns = min(3, len(questions))
    rows = -(-len(questions) // columns)
    figure = Figure(figsize=(5.2 * columns, 4.2 * rows), layout="constrained")
    panels = np.atleast_1d(np.array(figure.subplots(rows, columns, squeeze=False))).ravel()
    for axes, ((test, protocol, families), some) in zip(panels, questions, strict=False):
        _draw(axes, some)
        axes.set_title(f"{test} ({protocol}), families: {families}", fontsize=9)
    for axes in panels[len(questions) :]:
        axes.set_visible(False)
    return figure


def _draw(axes: Any, points: pd.DataFrame) -> None:
    for at, row in enumerate(points.to_dict("records")):
        across = _reach(row["overlap_ratio"], row["overlap_low"], row["overlap_high"])
        up = _reach(row["f1"], row["f1_low"], row["f1_high"])
        axes.errorbar(
            row["overlap_ratio"], row["f1"], xerr=across, yerr=up, fmt="o", color=f"C{at % 10}", capsize=2, lw=1
        )
        axes.annotate(
            row["model"], (row["overlap_ratio"], row["f1"]), xytext=(5, 5), textcoords="offset points", fontsize=8
        )
    axes.set(xlabel="overlap ratio, area (less: families told apart)", ylabel="structure F1", xlim=(0, 1.02))
    axes.set_ylim(bottom=0)


def _reach(value: float, low: float, high: float) -> np.ndarray:
    """How far an interval reaches below and above a value; nothing where it is not known."""
    return np.asarray(np.nan_to_num(np.array([[value - low], [high - value]])).clip(min=0))
