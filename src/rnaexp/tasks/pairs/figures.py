"""Pictures of a run: every head's F1, a map beside its reference, how F1 spreads.

Those that every run draws have fixed places and are cropped when they are saved: Matplotlib's constrained layout took
two fifths of the time to draw them.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rnaexp.rna import Pair


def heat_map(trials: pd.DataFrame, best: Mapping[str, float], title: str) -> Figure:
    """Every head's best F1 on one set, layers down, heads across; the best is framed."""
    table = trials.pivot_table(index="layer", columns="head", values="f1")
    figure = Figure(figsize=(1.6 + 0.45 * table.shape[1], 1.4 + 0.4 * table.shape[0]))
    axes = figure.subplots()
    image = axes.imshow(table, cmap="viridis", vmin=0, aspect="auto")
    axes.set(title=title, xlabel="head", ylabel="layer", xticks=range(table.shape[1]), yticks=range(table.shape[0]))
    axes.add_patch(Rectangle((best["head"] - 0.5, best["layer"] - 0.5), 1, 1, fill=False, edgecolor="red", lw=2))
    bar = figure.colorbar(image)
    bar.set_label("F1 at the head's best threshold\n(a lower bound for heads that cannot win)", fontsize=7)
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
    figure = Figure(figsize=(6.2, 5.4))
    axes = figure.subplots()
    finite = scores[np.isfinite(scores)]
    low, high = np.quantile(finite, [0.5, 0.999]) if finite.size else (0.0, 1.0)
    image = axes.imshow(scores.T, cmap="Greys", vmin=low, vmax=max(high, low + 1e-9), interpolation="nearest")
    axes.scatter(known % n, known // n, s=9, marker="s", color="tab:blue", label="reference (above)")
    i, j = np.nonzero(np.nan_to_num(scores, nan=-np.inf) >= threshold)
    right = np.isin(i * n + j, known)
    for chosen, colour, label in ((right, "tab:green", "called, right"), (~right, "tab:red", "called, wrong")):
        axes.scatter(i[chosen], j[chosen], s=16, marker="o", fc="none", ec=colour, lw=0.8, label=label)
    axes.plot([0, n - 1], [0, n - 1], lw=0.5, color="grey")
    axes.set_title(title, fontsize=9)
    axes.set(xlabel="base", ylabel="base", xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5))
    figure.colorbar(image, label="pair score (below)", fraction=0.046)
    figure.legend(loc="lower center", ncols=3, fontsize=8, bbox_to_anchor=(0.5, -0.02))
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
    figure = Figure(figsize=(5, 3.2))
    axes = figure.subplots()
    axes.hist(table["f1"].dropna(), bins=[step / 20 for step in range(21)], color="tab:blue", edgecolor="white")
    axes.axvline(table["f1"].mean(), color="tab:red", label=f"mean {table['f1'].mean():.3f}")
    axes.set(title=title, xlabel="F1 of an RNA", ylabel="RNAs", xlim=(0, 1))
    axes.legend()
    return figure


def breakdown(table: pd.DataFrame, title: str) -> Figure:
    """Recall by kind of pair, and F1 by everything else that the table breaks the score down by."""
    parts = [(by, part) for by, part in table.groupby("by", sort=False) if by != "family"]
    figure = Figure(figsize=(2.6 * len(parts) + 0.6, 3.4))
    figure.suptitle(title)
    figure.subplots_adjust(top=0.84)
    for axes, (by, part) in zip(figure.subplots(1, len(parts), sharey=True, squeeze=False)[0], parts, strict=True):
        what = "recall" if by == "kind of pair" else "f1"
        axes.bar(range(len(part)), part[what].fillna(0), color="tab:blue")
        counts = part["references"] if by in ("kind of pair", "distance") else part["rnas"]
        ticks = [f"{group}\n({count:.0f})" for group, count in zip(part["group"], counts, strict=True)]
        axes.set_xticks(range(len(part)), ticks, rotation=60, ha="right", fontsize=7)
        axes.set(title=f"{what} by {by}".replace("f1", "F1"), ylim=(0, 1))
    return figure
