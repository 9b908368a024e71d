"""The page's pictures as plain Plotly figures, data and layout: names in them are text, not markup."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from rnaexp.report.classes import CLASSES
from rnaexp.report.leaderboards import Leaderboard

Figure = dict[str, Any]

# One colour a class, told apart by the colour-blind as well (Okabe and Ito).
COLOURS = dict(
    zip(CLASSES, ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#000000", "#999999"), strict=True)
)
_WIDTH = 960
_NAMED = 20  # points of a scatter plot that still get a name each
_DEEP = 120  # rows of a heat map that still get a name each
_TALL = 25  # lines of a picture whose axis stands above it: below, it would be a screen away
_ROW = 24  # pixels of a line


def forest(leaderboard: Leaderboard) -> Figure:
    """F1 with its interval, a line a model, best above; hollow: the oracle's."""
    rows = leaderboard.rows.iloc[::-1]
    data = []
    for name, title in CLASSES.items():
        some = rows[rows["class"] == name]
        if len(some):
            data.append(_with_ends(some, "f1", "label", COLOURS[name], title, across=True))
    oracle = {"color": "rgba(0,0,0,0)", "size": 9, "line": {"color": "#888", "width": 1}}
    data.append(
        _points(rows["oracle_f1"], _plain(rows["label"]), marker=oracle, name="oracle: best head of the test set")
    )
    order = _plain(leaderboard.rows.sort_values("f1", na_position="first")["label"])
    layout = _layout("F1 with its 95 % interval over clusters", height=140 + _ROW * len(rows), x="F1", y="")
    layout["yaxis"] |= {"type": "category", "categoryorder": "array", "categoryarray": order}
    layout["yaxis"] |= {"range": [-0.7, len(order) - 0.3]}
    layout["xaxis"] |= {"rangemode": "tozero"} | _above(len(rows))
    return {"data": data, "layout": layout}


def tradeoff(leaderboard: Leaderboard) -> Figure | None:
    """Overlap ratio across, F1 up, with their intervals; up and to the left is better. None without both figures."""
    rows = leaderboard.rows.dropna(subset=["f1", "overlap_ratio"])
    if rows.empty:
        return None
    data = []
    for name, title in CLASSES.items():
        some = rows[rows["class"] == name]
        if len(some):
            trace = _with_ends(some, "f1", "overlap_ratio", COLOURS[name], title, across=False)
            trace["error_x"] = _reach(some, "overlap_ratio", "overlap_low", "overlap_high")
            data.append(trace | _named(some, written=len(rows) <= _NAMED))
    families = rows["overlap_set"].iloc[0]
    layout = _layout(
        f"{leaderboard.title}; families: {families}", height=520, x="overlap ratio, area (less is better)", y="F1"
    )
    layout["xaxis"] |= {"range": [0, 1.05]}
    layout["yaxis"] |= {"rangemode": "tozero"}
    return {"data": data, "layout": layout}


def sizes(leaderboard: Leaderboard, what: str, title: str) -> Figure | None:
    """A score against the number of parameters, on a logarithmic axis. None where no size is known."""
    rows = leaderboard.rows.dropna(subset=["parameters", what])
    if rows.empty:
        return None
    data = []
    for name, of_class in CLASSES.items():
        some = rows[rows["class"] == name]
        if len(some):
            trace = _with_ends(some, what, "parameters", COLOURS[name], of_class, across=False)
            data.append(trace | _named(some, written=len(rows) <= _NAMED))
    layout = _layout(leaderboard.title, height=480, x="parameters", y=title)
    layout["xaxis"] |= {"type": "log"}
    layout["yaxis"] |= {"rangemode": "tozero"}
    return {"data": data, "layout": layout}


def breakdowns(leaderboard: Leaderboard) -> list[Figure]:
    """A heat map for each thing that scores are broken down by: models down, its groups across."""
    tables = leaderboard.column("test", "breakdown.csv")
    if not tables:
        return []
    whole = pd.concat([table.assign(label=label) for label, table in tables.items()], ignore_index=True)
    return [_breakdown(str(by), some) for by, some in whole.groupby("by", sort=False) if by != "evidence"]


def head_maps(leaderboard: Leaderboard) -> list[Figure]:
    """Every head's F1 on the validation set (the test set where nothing was tuned), layers down; the cross: chosen."""
    tuned, tested = leaderboard.column("tune", "heads.csv"), leaderboard.column("test", "heads.csv")
    found = []
    for row in leaderboard.rows.to_dict("records"):
        table = tuned.get(row["label"], tested.get(row["label"]))
        if table is not None and len(table) > 1:
            where = leaderboard.question["validation"] if row["label"] in tuned else leaderboard.question["test"]
            found.append(_head_map(table, row, f"{row['label']}: F1 of every head on {where}"))
    return found


def rna_map(leaderboard: Leaderboard) -> Figure | None:
    """F1 of each RNA under each model, hardest RNA below."""
    columns = {
        label: table.dropna(subset=["f1"]).set_index("rna")["f1"]
        for label, table in leaderboard.column("test", "per_rna.csv").items()
    }
    if not columns:
        return None
    wide = pd.DataFrame(columns)
    wide = wide.loc[wide.mean(axis=1).sort_values(kind="stable").index]
    height, least = 200 + (14 * len(wide) if len(wide) <= _DEEP else 900), min(_WIDTH, 160 + 12 * wide.shape[1])
    figure = _heat(wide.to_numpy(), list(wide.columns), list(wide.index), "F1 of each RNA", height=height, least=least)
    figure["layout"]["yaxis"] |= {"tickfont": {"size": 9}, "showticklabels": len(wide) <= _DEEP, "dtick": 1}
    figure["layout"]["xaxis"] |= {"tickfont": {"size": 9 if wide.shape[1] > _TALL else 12}, "dtick": 1}
    return figure


def _breakdown(by: str, rows: pd.DataFrame) -> Figure:
    what = "recall" if by == "kind of pair" else "f1"
    sizes = "references" if by in ("kind of pair", "distance") else "rnas"
    counted = rows.groupby("group", sort=False)[sizes].max()
    wide = rows.pivot_table(index="label", columns="group", values=what, sort=False, dropna=False)
    wide = wide.reindex(index=list(dict.fromkeys(rows["label"]))[::-1], columns=list(counted.index))
    unit = "pairs" if sizes == "references" else "RNAs"
    across = [f"{group} ({counted[group]:.0f} {unit})" for group in wide.columns]
    title = f"{'Recall' if what == 'recall' else 'F1'} by {by}"
    least, height = min(_WIDTH, 240 + 44 * len(across)), 190 + _ROW * len(wide)
    figure = _heat(wide.to_numpy(), across, list(wide.index), title, height=height, least=least)
    figure["data"][0]["texttemplate"] = "%{z:.2f}"
    figure["layout"]["xaxis"] |= _above(len(wide))
    figure["layout"]["yaxis"] |= {"dtick": 1}
    return figure


def _head_map(table: pd.DataFrame, row: Mapping[Any, Any], title: str) -> Figure:
    wide = table.pivot_table(index="layer", columns="head", values="f1")
    heads, layers = ([str(at) for at in axis] for axis in (wide.columns, wide.index))
    width = min(_WIDTH, 300 + 30 * wide.shape[1])
    figure = _heat(wide.to_numpy(), heads, layers, title, height=170 + 26 * len(wide), width=width)
    figure["layout"]["xaxis"] |= {"title": {"text": "head"}}
    figure["layout"]["yaxis"] |= {"title": {"text": "layer"}, "autorange": "reversed"}
    if pd.notna(row["layer"]):
        cross = {"symbol": "x-thin", "size": 12, "line": {"color": "#D55E00", "width": 3}}
        chosen = [str(int(row["head"]))], [str(int(row["layer"]))]
        figure["data"].append(_points(*chosen, marker=cross, name="chosen") | {"showlegend": False})
    return figure


def _heat(
    values: np.ndarray,
    across: Iterable[str],
    down: Iterable[str],
    title: str,
    *,
    height: int,
    width: int = _WIDTH,
    least: int = 0,
) -> Figure:
    cells = [[None if not np.isfinite(value) else round(float(value), 4) for value in row] for row in values]
    trace = {
        "type": "heatmap",
        "z": cells,
        "x": _plain(across),
        "y": _plain(down),
        "colorscale": "Viridis",
        "zmin": 0,
        "zmax": max([value for row in cells for value in row if value is not None], default=0) or 1,
        "hovertemplate": "%{y}<br>%{x}<br>%{z:.3f}<extra></extra>",
        "colorbar": {"thickness": 12},
    }
    layout = _layout(title, height=height, x="", y="") | {"width": width, "meta": {"least": least}}
    for axis in ("xaxis", "yaxis"):
        layout[axis] |= {"type": "category"}
    return {"data": [trace], "layout": layout}


def _above(lines: int) -> Figure:
    return {"side": "top"} if lines > _TALL else {}


def _with_ends(rows: pd.DataFrame, what: str, other: str, colour: str, name: str, *, across: bool) -> Figure:
    """Points of one class with the interval of `what`, which runs across or up."""
    beside = _plain(rows[other]) if other == "label" else rows[other]
    x, y = (rows[what], beside) if across else (beside, rows[what])
    stem = what.removesuffix("_ratio")
    ends = {"error_x" if across else "error_y": _reach(rows, what, f"{stem}_low", f"{stem}_high")}
    return _points(x, y, marker={"color": colour, "size": 9}, name=name) | ends


def _named(rows: pd.DataFrame, *, written: bool) -> Figure:
    """Each point's name: written at it, or, where that would be a tangle, shown under the pointer."""
    return {
        "mode": "markers+text" if written else "markers",
        "text": _plain(rows["label"]),
        "textposition": "top center",
    }


def _points(x: Iterable[Any], y: Iterable[Any], *, marker: Mapping[str, Any], name: str) -> Figure:
    axes = {"x": _known(x), "y": _known(y)}
    return {"type": "scatter", "mode": "markers", "marker": dict(marker), "name": escape(name), **axes}


def _reach(rows: pd.DataFrame, mean: str, low: str, high: str) -> Figure:
    """How far an interval reaches to both sides; nothing where it is not known."""
    ends = {"array": rows[high] - rows[mean], "arrayminus": rows[mean] - rows[low]}
    lengths = {name: [max(0.0, value or 0.0) for value in _known(side)] for name, side in ends.items()}
    return {"type": "data", "symmetric": False, "thickness": 1.2, "width": 3, **lengths}


def _known(values: Iterable[Any]) -> list[Any]:
    """Plain numbers and words; None for what is not known."""
    return [None if pd.isna(value) else value if isinstance(value, str) else float(value) for value in values]


def _plain(names: Iterable[Any]) -> list[str]:
    """Plotly reads a few tags in its texts."""
    return [escape(str(name), quote=False) for name in names]


def _layout(title: str, *, height: int, x: str, y: str) -> Figure:
    return {
        "title": {"text": escape(title, quote=False), "font": {"size": 14}, "x": 0, "xanchor": "left"},
        "width": _WIDTH,
        "height": height,
        "margin": {"l": 10, "r": 10, "t": 50, "b": 50},
        "xaxis": {"title": {"text": x}, "automargin": True},
        "yaxis": {"title": {"text": y}, "automargin": True},
        "legend": {"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0},
        "meta": {"least": 0},  # pixels, below which the page lets it scroll
        "font": {"size": 12},
        "paper_bgcolor": "white",
        "plot_bgcolor": "#f6f6f6",
    }
