"""Overlap of families on the screen."""

from collections.abc import Mapping, Sequence
from typing import Any

from rnaexp.report.console import console


def show(told: Sequence[Mapping[str, Any]], title: str = "", note: str = "") -> None:
    """The runs as one table on the screen, least overlap first within each set."""
    from rich.table import Table

    table = Table(title=title or None, caption=note or None, caption_justify="left")
    for name in ("model", "set"):
        table.add_column(name)
    for name in (
        "OR, area [95 %]",
        "OR, IoU",
        "shuffled",
        "AUROC",
        "length-matched OR, area [95 %]",
        "shuffled",
        "AUROC",
        "remote homologs: OR [95 %]",
        "nearest is own",
        "RNAs",
    ):
        table.add_column(name, justify="right")
    for run in sorted(told, key=lambda run: (run["set"], run["classify"]["overlap_ratio"])):
        table.add_row(*_row(run["model"], run["set"], run["classify"]))
    console().print(table, markup=False)
    _show_drawn([run for run in told if run["drawn"] is not None])


def _show_drawn(told: Sequence[Mapping[str, Any]]) -> None:
    """The figures of drawn pairs, as the paper's second table has them, each overlap in the protocol's unit."""
    from rich.table import Table

    if not told:
        return
    table = Table(title="Drawn pairs: mean ± standard deviation over the repetitions")
    for name in ("model", "set", "pairs", "negatives"):
        table.add_column(name)
    for name in ("unit", "OR", "delta of means", "delta of medians", "F1", "MCC", "of one family"):
        table.add_column(name, justify="right")
    for run in told:
        protocol, drawn = run["protocol"], run["drawn"]
        words = [
            f"{drawn['mean'][name]:.3f} ± {drawn['sd'][name]:.3f}"
            for name in (f"overlap_{protocol['unit']}", "delta_mean", "delta_median", "f1", "mcc")
        ]
        named = (run["model"], run["set"], f"{protocol['pairs']} x {drawn['repetitions']}", protocol["negatives"])
        table.add_row(*named, protocol["unit"], *words, f"{drawn['same_family']:.1%}")
    console().print(table, markup=False)


def _row(model: str, data: str, figures: Mapping[str, float]) -> list[str]:
    cells = [model, data]
    for prefix in ("", "matched_"):
        if f"{prefix}overlap_ratio" not in figures:
            cells += ["none", *([""] if prefix else ["", ""]), ""]
            continue
        low, high = figures[f"{prefix}overlap_low"], figures[f"{prefix}overlap_high"]
        null = figures.get(f"{prefix}null_overlap")
        cells += [
            f"{figures[f'{prefix}overlap_ratio']:.3f} [{low:.3f}, {high:.3f}]",
            *([] if prefix else [f"{figures['overlap_iou']:.3f}"]),
            "" if null is None else f"{null:.3f}",
            f"{figures[f'{prefix}auroc']:.3f}",
        ]
    if "remote_overlap_ratio" in figures:
        cells.append(
            "{remote_overlap_ratio:.3f} [{remote_overlap_low:.3f}, {remote_overlap_high:.3f}]".format(**figures)
        )
    else:
        cells.append("")
    nearest = figures.get("nearest_is_own")
    return [*cells, "" if nearest is None else f"{nearest:.2f}", str(int(figures["rnas"]))]
