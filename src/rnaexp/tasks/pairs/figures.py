"""Pictures of a run: every head's F1, a map next to its reference, how F1 spreads.

Those that every run draws have all their places fixed, in inches: to let Matplotlib find them, by its constrained
layout or by cropping when they are saved, draws each of them twice.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from rnaexp.rna import Pair

TITLE_SIZE, INCHES_A_LETTER = 9, 0.073  # of titles: points, and about how wide a letter is


def placed_axes(
    width: float, height: float, title: str, xlabel: str, ylabel: str, *, right: float = 0.15, bottom: float = 0.55
) -> tuple[Figure, Axes]:
    """A figure with axes of this size in inches, room for their words, and `right` and `bottom` inches around them."""
    left, top = 0.65, 0.35
    whole = max(left + width + right, INCHES_A_LETTER * len(title) + 0.2), bottom + height + top
    figure = Figure(figsize=whole)
    axes = figure.add_axes((left / whole[0], bottom / whole[1], width / whole[0], height / whole[1]))
    figure.text(0.5, 1 - 0.5 * top / whole[1], title, ha="center", va="center", fontsize=TITLE_SIZE, parse_math=False)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.xaxis.set_label_coords(0.5, -0.3 / height)
    axes.yaxis.set_label_coords(-0.42 / width, 0.5)
    return figure, axes


def _bar_beside(figure: Figure, axes: Axes, image: AxesImage, label: str) -> None:
    """The scale of an image's colours, in the room at the right of its axes."""
    at, inches = axes.get_position(), figure.get_size_inches()[0]
    bar = figure.colorbar(image, cax=figure.add_axes((at.x1 + 0.12 / inches, at.y0, 0.14 / inches, at.height)))
    bar.set_label(label, fontsize=7)


def heat_map(trials: pd.DataFrame, best: Mapping[str, float], title: str) -> Figure:
    """Every head's best F1 on one set, layers down, heads across; the best is framed."""
    table = trials.pivot_table(index="layer", columns="head", values="f1")
    height, width = max(1.6, 0.4 * table.shape[0]), max(0.9, 0.45 * table.shape[1])
    figure, axes = placed_axes(width, height, title, "head", "layer", right=1.05)
    image = axes.imshow(table, cmap="viridis", vmin=0, aspect="auto")
    axes.set(xticks=range(table.shape[1]), yticks=range(table.shape[0]))
    axes.add_patch(Rectangle((best["head"] - 0.5, best["layer"] - 0.5), 1, 1, fill=False, edgecolor="red", lw=2))
    _bar_beside(figure, axes, image, "best F1 of a head\n(or a lower bound)")
    return figure


_OF_ATLAS = {
    "partner": "of paired bases on the partner",
    "itself": "on the base itself",
    "neighbours": "on the next bases",
    "special": "on special tokens",
    "letter": "on the letter seen most",
    "entropy_bits": "entropy, bits",
}


def atlas_figure(table: pd.DataFrame, title: str) -> Figure:
    """Layers down, heads across: shares of attention by what they go to, and how spread out it is."""
    table = table.assign(letter=table[list("ACGU")].max(axis=1))
    layers, heads = table["layer"].nunique(), table["head"].nunique()
    figure = Figure(figsize=(3 * max(2.3, 0.3 * heads + 0.9), 2 * max(1.4, 0.3 * layers + 0.7)), layout="constrained")
    for axes, (column, label) in zip(figure.subplots(2, 3).flat, _OF_ATLAS.items(), strict=True):
        most = None if column == "entropy_bits" else max(0.1, float(table[column].fillna(0).max()))
        grid = table.pivot_table(index="layer", columns="head", values=column, dropna=False)
        image = axes.imshow(grid, cmap="viridis", vmin=0, vmax=most, aspect="auto")
        axes.set(xlabel="head", ylabel="layer")
        axes.set_title(label, fontsize=TITLE_SIZE)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.yaxis.get_major_locator().set_params(integer=True)
        figure.colorbar(image, ax=axes)
    figure.suptitle(title, fontsize=TITLE_SIZE, parse_math=False)
    return figure


def search_progress(trials: pd.DataFrame, title: str) -> Figure:
    """What each configuration gave where it was searched, and the finalists where one was chosen."""
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.subplots()
    finalists = trials.dropna(subset=["chosen_on"])
    axes.plot(range(1, len(trials) + 1), trials["searched_on"], ".", color="tab:grey", label="where it was searched")
    axes.plot(finalists.index + 1, finalists["chosen_on"], "o", color="tab:blue", label="where one was chosen")
    axes.set(title=title, xlabel="configuration, best first", ylabel="F1", ylim=(0, None))
    axes.legend()
    return figure


def pair_map(scores: np.ndarray, known: np.ndarray, threshold: float, title: str) -> Figure:
    """Scores below the diagonal's mirror, reference above it: both triangles of one square, calls ringed.

    `known`: the reference pairs, each as i * n + j.
    """
    n = len(scores)
    figure, axes = placed_axes(4.4, 4.4, title, "base", "base", right=0.9, bottom=0.8)
    finite = scores[np.isfinite(scores)]
    low, high = np.quantile(finite, [0.5, 0.999]) if finite.size else (0.0, 1.0)
    image = axes.imshow(scores.T, cmap="Greys", vmin=low, vmax=max(high, low + 1e-9), interpolation="nearest")
    axes.scatter(known % n, known // n, s=9, marker="s", color="tab:blue", label="reference (above)")
    i, j = np.nonzero(np.nan_to_num(scores, nan=-np.inf) >= threshold)
    right = np.isin(i * n + j, known)
    for chosen, colour, label in ((right, "tab:green", "called, right"), (~right, "tab:red", "called, wrong")):
        axes.scatter(i[chosen], j[chosen], s=16, marker="o", fc="none", ec=colour, lw=0.8, label=label)
    axes.plot([0, n - 1], [0, n - 1], lw=0.5, color="grey")
    axes.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5))
    _bar_beside(figure, axes, image, "pair score (below)")
    figure.legend(loc="lower center", ncols=3, fontsize=8)
    return figure


def predicted_map(scores: np.ndarray, calls: Sequence[Pair], shown: Sequence[Pair], title: str) -> Figure:
    """Every pair's score [n n] below the diagonal; above it the calls, and of them the pairs of the dot-bracket."""
    n = len(scores)
    figure = Figure(figsize=(6.2, 5.6), layout="constrained")
    axes = figure.subplots()
    finite = scores[np.isfinite(scores)]
    low, high = np.quantile(finite, [0.5, 0.999]) if finite.size else (0.0, 1.0)
    image = axes.imshow(scores.T, cmap="Greys", vmin=low, vmax=max(high, low + 1e-9), interpolation="nearest")
    for pairs, size, look, label in (
        (calls, 16, {"fc": "none", "ec": "tab:orange", "lw": 0.8}, "called"),
        (shown, 5, {"fc": "tab:blue", "ec": "none"}, "in the dot-bracket"),
    ):
        axes.scatter([j for _, j in pairs], [i for i, _ in pairs], s=size, marker="s", label=label, **look)
    axes.plot([0, n - 1], [0, n - 1], lw=0.5, color="grey")
    axes.set(xlabel="base", ylabel="base", xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5))
    axes.set_title(title, parse_math=False, fontsize=9)
    figure.colorbar(image, label="pair score (below)")
    figure.legend(loc="outside lower center", ncols=2, fontsize=8)
    return figure


def f1_distribution(table: pd.DataFrame, title: str) -> Figure:
    """How F1 spreads over the RNAs."""
    figure, axes = placed_axes(4.2, 2.4, title, "F1 of an RNA", "RNAs")
    axes.hist(table["f1"].dropna(), bins=[step / 20 for step in range(21)], color="tab:blue", edgecolor="white")
    axes.axvline(table["f1"].mean(), color="tab:red", label=f"mean {table['f1'].mean():.3f}")
    axes.set_xlim(0, 1)
    axes.legend(loc="upper center", fontsize=8)
    return figure


def reliability(table: pd.DataFrame, title: str) -> Figure:
    """Observed against expected shares of real pairs, by tenths of the probability; on the diagonal they hold."""
    figure, axes = placed_axes(3.4, 3.4, title, "expected share of real pairs", "observed share")
    axes.plot([0, 1], [0, 1], lw=0.8, color="grey", ls="--")
    for of, colour, label in (("all", "tab:grey", "all pairs"), ("drawn", "tab:blue", "pairs drawn")):
        part = table[table["of"] == of]
        axes.plot(part["expected"], part["observed"], "o-", ms=4, lw=1.2, color=colour, label=label)
        for row in part.itertuples() if of == "drawn" else ():
            axes.annotate(
                f"{row.pairs}", (row.expected, row.observed), xytext=(4, -8), textcoords="offset points", size=6
            )
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="upper left", fontsize=8)
    return figure


def breakdown(table: pd.DataFrame, title: str) -> Figure:
    """Recall by kind of pair, and F1 by everything else that the table breaks the score down by."""
    parts = [(by, part) for by, part in table.groupby("by", sort=False) if by != "family"]
    longest = max(len(str(group)) for _, part in parts for group in part["group"])
    size, left, top, bottom = 2.3, 0.45, 0.6, 0.35 + 0.05 * longest  # inches
    width, height = len(parts) * (size + 0.3) + left, top + size + bottom
    figure = Figure(figsize=(width, height))
    figure.text(0.5, 1 - 0.2 / height, title, ha="center", va="center", fontsize=TITLE_SIZE, parse_math=False)
    for at, (by, part) in enumerate(parts):
        x = (left + at * (size + 0.3)) / width
        axes = figure.add_axes((x, bottom / height, size / width, size / height))
        what = "recall" if by == "kind of pair" else "f1"
        axes.bar(range(len(part)), part[what].fillna(0), color="tab:blue")
        counts = part["references"] if by in ("kind of pair", "distance") else part["rnas"]
        ticks = [f"{group}\n({count:.0f})" for group, count in zip(part["group"], counts, strict=True)]
        axes.set_xticks(range(len(part)), ticks, rotation=60, ha="right", fontsize=7)
        axes.set_title(f"{what} by {by}".replace("f1", "F1"), y=1.0, fontsize=TITLE_SIZE)
        axes.set_ylim(0, 1)
        axes.tick_params(axis="y", labelleft=at == 0)
    return figure
