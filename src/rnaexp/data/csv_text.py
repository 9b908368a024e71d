"""CSV in which no id is a formula: a spreadsheet runs a cell that begins with = + - @, and ids are data."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_FORMULA = re.compile(r"[=+\-@\t\r].", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-](inf|nan)")


def neutral(cell: Any) -> Any:
    """The cell; a text that a spreadsheet would run gets an apostrophe before it, which spreadsheets do not show.

    >>> [neutral(cell) for cell in ("=cmd|x", "-0.5", "rna-1", -0.5)]
    ["'=cmd|x", '-0.5', 'rna-1', -0.5]
    """
    if isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def csv_text(table: "pd.DataFrame") -> str:
    """The table as CSV without its index; pandas reads an id back by `.str.removeprefix("'")`."""
    return _neutral(table).to_csv(index=False)


def neutral_rows(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Rows for a `csv.writer`."""
    return [[neutral(cell) for cell in row] for row in rows]


def _neutral(table: "pd.DataFrame") -> "pd.DataFrame":
    changed = {
        name: cells
        for name in table.select_dtypes(exclude="number").columns
        if (cells := [neutral(cell) for cell in table[name]]) != [*table[name]]
    }
    return table.assign(**changed) if changed else table
