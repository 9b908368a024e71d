"""F1 and P@N of models against the depth of the alignments they read: a picture from a question's CSV.

`python -m rnaexp.report.depth tracking/results/nano_depth.csv docs/nano_depth.png`
"""

import sys
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_STEPS = ("depth-1", "depth-2", "depth-4", "depth-8", "depth-16", "depth-32", "depth-64", "intact")
_NAMES = {"f1": "F1 at the frozen threshold", "p_at_n": "P@N"}


def depth_curves(table: pd.DataFrame) -> Figure:
    """One line a model, 95 % cluster-bootstrap bands of F1; a model of single sequences is a level line."""
    figure = Figure(figsize=(9.5, 4.0), layout="constrained")
    for axes, column in zip(figure.subplots(1, 2, sharey=True), _NAMES, strict=True):
        for at, (model, rows) in enumerate(table.groupby("model", sort=False)):
            _line(axes, str(model), rows, column, f"C{at}")
        axes.set(xlabel="rows of the alignment, at most", ylabel=_NAMES[column], ylim=(0, 1))
        axes.set_xticks(range(len(_STEPS)), [step.removeprefix("depth-").replace("intact", "all") for step in _STEPS])
    figure.get_axes()[0].legend(fontsize=8)
    figure.suptitle(f"{table['test'].iloc[0]}, {int(table['rnas'].max())} RNAs: rows drawn at random within each RNA")
    return figure


def _line(axes: Axes, model: str, rows: pd.DataFrame, column: str, colour: str) -> None:
    by_depth = rows.set_index("alignment")
    if not set(by_depth.index) & set(_STEPS[:-1]):
        axes.axhline(float(rows[column].iloc[0]), color=colour, ls="--", lw=1.2, label=f"{model} (sequence)")
        return
    kept = [at for at, step in enumerate(_STEPS) if step in by_depth.index]
    chosen = by_depth.loc[[_STEPS[at] for at in kept]]
    axes.plot(kept, chosen[column], "o-", color=colour, ms=3, lw=1.5, label=model)
    if column == "f1":
        axes.fill_between(kept, chosen["f1_low"], chosen["f1_high"], color=colour, alpha=0.12, lw=0)


if __name__ == "__main__":
    depth_curves(pd.read_csv(sys.argv[1])).savefig(Path(sys.argv[2]), dpi=150)
