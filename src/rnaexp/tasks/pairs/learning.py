"""A learning curve: what was found of a model at each training step, as tables and one picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from rnaexp.structure.steps import Emergence, Point, best_step, between, clears, emergence
from rnaexp.tasks.pairs.contrasts import Answer
from rnaexp.tasks.pairs.diagnosis import FOLDING

_FIGURES = ("f1", "f1_low", "f1_high", "validation_f1", "oracle_f1", "p_at_n", "layer", "head")
_FAMILIES = ("overlap_ratio", "overlap_low", "overlap_high", "overlap_iou")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One step. `figures`: by the names that they have in MLflow. `logged`: when, in milliseconds since 1970.

    `controls`: F1 RNA by RNA of each control on the same sets (columns rna, cluster, f1).
    """

    step: int
    checkpoint: str
    test: str
    fingerprint: str
    logged: int
    figures: Mapping[str, float]
    f1: pd.DataFrame
    controls: Mapping[str, pd.DataFrame]

    @property
    def point(self) -> Point:
        """For the statistics."""
        return Point(step=self.step, validation_f1=self.figures["rnaexp/pairs/validation_f1"], f1=self.f1)


def row_of(answer: Answer, *, step: int, checkpoint: str, fingerprint: str, logged: int) -> Row:
    """Figures of a run of base pairs, named as the probe of `rnaexp.callbacks` names it."""
    assert answer.f1 is not None, "a curve has a set to tune on"
    structure, families = answer.record["structure"], answer.record.get("families", {})
    controls = {each.record["model"]: each.f1 for each in answer.controls if each.f1 is not None}
    figures = {f"rnaexp/pairs/{name}": structure.get(name) for name in _FIGURES}
    figures |= {f"rnaexp/pairs/{name}_f1": float(table["f1"].mean()) for name, table in controls.items()}
    figures |= {f"rnaexp/families/{name}": families.get(name) for name in _FAMILIES}
    return Row(
        step=step,
        checkpoint=checkpoint,
        test=answer.record["test"],
        fingerprint=fingerprint,
        logged=logged,
        figures={name: float(value) for name, value in figures.items() if value is not None},
        f1=answer.f1.reset_index(drop=True),
        controls={name: table.reset_index(drop=True) for name, table in controls.items()},
    )


def rivals(rows: Sequence[Row]) -> dict[str, pd.DataFrame]:
    """What a step must clear: the controls that know no energies, and the untrained model where step 0 is there."""
    plain = {name: table for name, table in rows[0].controls.items() if name not in FOLDING}
    untrained = [row.f1 for row in rows if row.step == 0]
    return {**plain, "step 0": untrained[0]} if untrained else plain


def curve_table(rows: Sequence[Row]) -> pd.DataFrame:
    """One row a step, in their order; `clears_controls`: whether it is clearly above all of `rivals`."""
    controls = rivals(rows)
    named = [
        {
            "step": row.step,
            "checkpoint": row.checkpoint,
            **{name.rpartition("/")[2]: value for name, value in row.figures.items()},
            "clears_controls": clears(row.point, controls),
            "fingerprint": row.fingerprint,
        }
        for row in sorted(rows, key=lambda row: row.step)
    ]
    return pd.DataFrame(named).astype({"layer": int, "head": int})


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """`best`: the step with the highest F1 on the validation set. `comparisons`: step against step, on the test set."""

    best: int
    emergence: Emergence
    comparisons: pd.DataFrame

    def to_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "best_step": self.best,
            "emergence": self.emergence.first,
            "lasting_emergence": self.emergence.lasting,
            "comparisons": self.comparisons.to_dict("records"),
        }


def findings(rows: Sequence[Row], compare: Sequence[tuple[int, int]] = ()) -> Findings:
    """Best step against the last, last against the first, and each two of `compare` that are both there."""
    points = {row.step: row.point for row in rows}
    best, first, last = best_step(list(points.values())).step, min(points), max(points)
    pairs = dict.fromkeys([(best, last), (last, first), *compare])
    comparisons = [
        _comparison(points[one], points[other])
        for one, other in pairs
        if one != other and one in points and other in points
    ]
    return Findings(
        best=best, emergence=emergence(list(points.values()), rivals(rows)), comparisons=pd.DataFrame(comparisons)
    )


def _comparison(one: Point, other: Point) -> dict[str, Any]:
    found = between(one, other)
    return {
        "step": one.step,
        "against": other.step,
        "rnas": len(one.f1.merge(other.f1, on="rna")),
        **found.row(),
    }


def curve_figure(curve: pd.DataFrame, controls: Sequence[str], title: str) -> Figure:
    """F1 over steps with its interval, the controls' lines; below, the overlap ratio where families were classified."""
    families = "overlap_ratio" in curve
    figure = Figure(figsize=(6.4, 5.6 if families else 3.8), layout="constrained")
    axes = figure.subplots(1 + families, 1, sharex=True, squeeze=False)[:, 0]
    _drawn(axes[0], curve, "f1", ("f1_low", "f1_high"), "F1 of the tuned head")
    axes[0].plot(curve["step"], curve["oracle_f1"], ":", lw=1, color="tab:grey", label="best head of the test set")
    for at, name in enumerate(controls):
        axes[0].axhline(curve[f"{name}_f1"].iloc[0], ls="--", lw=1, color=f"C{at + 1}", label=name)
    axes[0].set(ylabel="F1", ylim=(0, None))
    if families:
        _drawn(axes[1], curve, "overlap_ratio", ("overlap_low", "overlap_high"), "overlap ratio (less is better)")
        axes[1].set(ylabel="overlap ratio", ylim=(0, 1.05))
    first, last, early = curve["step"].min(), curve["step"].max(), curve["step"][curve["step"] > 0].min()
    if last > 50 * early:
        axes[-1].set_xscale("symlog", linthresh=early)
        axes[-1].set_xlim(first - 0.1 * early, last * 1.2)
    axes[-1].set(xlabel="training step")
    axes[0].set_title(title, fontsize=9, parse_math=False)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8)
    return figure


def tradeoff_path(curve: pd.DataFrame, best: int, title: str) -> Figure:
    """F1 against the overlap ratio, step by step: a training that gains one at the cost of the other turns back.

    Up and to the left is better in both. The first, the best (on the validation set) and the last step are named.
    """
    path = curve.dropna(subset=["f1", "overlap_ratio"]).sort_values("step")
    figure = Figure(figsize=(5.4, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.plot(path["overlap_ratio"], path["f1"], "-", lw=1, color="0.6", zorder=1)
    dots = axes.scatter(path["overlap_ratio"], path["f1"], c=range(len(path)), cmap="viridis", s=28, zorder=3)
    named = {int(path["step"].iloc[0]), best, int(path["step"].iloc[-1])} if len(path) else set()
    for row in path[path["step"].isin(named)].to_dict("records"):
        label = f"step {row['step']}" + (" (best)" if row["step"] == best else "")
        at = row["overlap_ratio"], row["f1"]
        axes.annotate(label, at, xytext=(6, 6), textcoords="offset points", fontsize=8)
        ends = {name: float(row.get(name, "nan")) for name in ("f1_low", "f1_high", "overlap_low", "overlap_high")}
        axes.plot([row["overlap_ratio"]] * 2, [ends["f1_low"], ends["f1_high"]], color="0.5", lw=1)
        axes.plot([ends["overlap_low"], ends["overlap_high"]], [row["f1"]] * 2, color="0.5", lw=1)
    axes.set(xlabel="overlap ratio of families (less is better)", ylabel="F1 of base pairs", ylim=(0, None))
    figure.colorbar(dots, ax=axes, label="order of the steps")
    axes.set_title(title, fontsize=9, parse_math=False)
    return figure


def _drawn(axes: Any, curve: pd.DataFrame, what: str, ends: tuple[str, str], label: str) -> None:
    axes.plot(curve["step"], curve[what], "o-", ms=4, color="tab:blue", label=label)
    if set(ends) <= set(curve):
        low, high = (curve[name].astype(float) for name in ends)
        axes.fill_between(curve["step"], low, high, alpha=0.2, color="tab:blue", lw=0)
