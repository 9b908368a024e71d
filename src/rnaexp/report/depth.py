"""F1 and P@N of models against the depth of the alignments they read.

A picture from a question's CSV, rows drawn within each RNA:
`python -m rnaexp.report.depth tracking/results/nano_depth.csv docs/nano_depth.png`
`strata` makes a table of paired differences by depth, Neff and evidence; `python tracking/strata_table.py` calls it.
"""

import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnaexp.stats.intervals import cluster_interval
from rnaexp.stats.paired import holm, sign_flip_test

_STEPS = ("depth-1", "depth-2", "depth-4", "depth-8", "depth-16", "depth-32", "depth-64", "intact")
# Lower ends; the last group is open. The paper asks about fewer than 10 and more than 100 homologs.
_ENDS = {"depth": (2, 10, 32, 101), "neff": (1, 4, 16, 64)}
_NAMES = {"f1": "F1 at the frozen threshold", "p_at_n": "P@N"}


def depth_curves(table: pd.DataFrame) -> Figure:
    """One line a model, 95 % bands of F1 over clusters; a model of single sequences is a level line."""
    figure = Figure(figsize=(9.5, 4.0), layout="constrained")
    for axes, column in zip(figure.subplots(1, 2, sharey=True), _NAMES, strict=True):
        for at, (model, rows) in enumerate(table.groupby("model", sort=False)):
            _line(axes, str(model), rows, column, f"C{at}")
        axes.set(xlabel="rows of the alignment, at most", ylabel=_NAMES[column], ylim=(0, 1))
        axes.set_xticks(range(len(_STEPS)), [step.removeprefix("depth-").replace("intact", "all") for step in _STEPS])
    lines, names = figure.get_axes()[0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=len(names), fontsize=8)
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
        axes.fill_between(
            kept, chosen["f1_low"].astype(float), chosen["f1_high"].astype(float), color=colour, alpha=0.12, lw=0
        )


def strata(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The first model against each other one: mean paired difference of F1, its 95 % interval over clusters.

    Of all RNAs and by depth, Neff (80 %) and evidence, where the tables tell these: groups that are fixed here, before
    any run, so that `p_holm` is the sign-flip p-value after Holm over every row of the table.
    """
    (model, ours), *others = ((name, table.dropna(subset=["f1"]).set_index("rna")) for name, table in tables.items())
    rows = []
    for against, theirs in others:
        both = ours.join(theirs["f1"].rename("against"), how="inner")
        for by, group, part in _parts(both):
            differences, clusters = (part["f1"] - part["against"]).to_numpy(float), part["cluster"].to_numpy(str)
            found = cluster_interval(differences, clusters, of="differences")
            named = (model, against, by, group, len(part), found.clusters, part["f1"].mean(), part["against"].mean())
            rows.append((*named, found.mean, found.low, found.high, sign_flip_test(differences, clusters)))
    columns = ["model", "against", "by", "group", "rnas", "clusters", "f1", "f1_against", "difference", "low", "high"]
    table = pd.DataFrame(rows, columns=[*columns, "p_sign_flip"])
    return table.assign(p_holm=holm(table["p_sign_flip"].tolist())).round(6)


def _parts(table: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """(by what, which group, its RNAs), the whole table first; empty groups are left out."""
    yield "all", "all", table
    for by, ends in _ENDS.items():
        for low, end in zip(ends, (*ends[1:], math.inf), strict=True):
            part = table[(table[by] >= low) & (table[by] < end)]
            if len(part):
                yield by, _words(by, low, end), part
    if "evidence" in table:
        for evidence, part in table.groupby("evidence"):
            yield "evidence", str(evidence), part


def _words(by: str, low: float, end: float) -> str:
    """A depth is a whole number, so its groups end before the next begins."""
    if end == math.inf:
        return f"{low:g} or more"
    return f"{low:g} to {end - 1:g}" if by == "depth" else f"{low:g} to under {end:g}"


if __name__ == "__main__":
    depth_curves(pd.read_csv(sys.argv[1])).savefig(Path(sys.argv[2]), dpi=150)
