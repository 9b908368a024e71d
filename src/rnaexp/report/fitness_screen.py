"""Fitness on the screen."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from rnaexp.report.console import console
from rnaexp.tasks.fitness.record import as_frame


def show(told: Sequence[Mapping[str, Any]], title: str = "", note: str = "") -> None:
    """The runs as one table on the screen, best first within each assay."""
    from rich.table import Table

    table = Table(title=title or None, caption=note or None, caption_justify="left")
    for name in ("model", "set", "convention"):
        table.add_column(name)
    for name in (
        "Spearman [95 % over sites]",
        "equal mutations",
        "minus that of mutations",
        "variants",
    ):
        table.add_column(name, justify="right")
    for one in as_frame(told).to_dict("records"):
        table.add_row(*_cells(one))
    console().print(table, markup=False)


def _cells(one: Mapping[Any, Any]) -> list[str]:
    homologs = (
        "" if pd.isna(one["alignment_rows"]) or one["alignment_rows"] < 2 else f" ({one['alignment_rows']:.0f} rows)"
    )
    return [
        one["model"] + homologs,
        one["set"],
        one["convention"],
        _interval(one, "spearman", "low", "high"),
        _number(one["within_mutations"]),
        _interval(one, "over_mutations", "over_mutations_low", "over_mutations_high"),
        "" if pd.isna(one["variants"]) else _variants(one),
    ]


def _variants(one: Mapping[Any, Any]) -> str:
    scored = round(one["variants"] * one["coverage"])
    return f"{scored}" + (f" of {one['of']:.0f}" if scored < one["of"] else "")


def _interval(one: Mapping[Any, Any], mean: str, low: str, high: str) -> str:
    ends = "" if pd.isna(one[low]) else f" [{one[low]:.3f}, {one[high]:.3f}]"
    return "" if pd.isna(one[mean]) else f"{one[mean]:.3f}{ends}"


def _number(value: Any) -> str:
    return "" if pd.isna(value) else f"{value:.3f}"
