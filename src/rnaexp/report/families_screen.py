"""Overlap of families on the screen."""

from collections.abc import Mapping, Sequence
from typing import Any

from rnaexp.report import table as tables
from rnaexp.tasks.families import metrics as families
from rnaexp.tasks.metric import columns


def show(records: Sequence[Mapping[str, Any]], title: str = "", note: str = "") -> None:
    """The runs as one table on the screen, least overlap first within each set."""
    tables.show(_table(records), title, note)
    if drawn := [run for run in records if run["drawn"] is not None]:
        heading = "Drawn pairs: mean ± standard deviation over the repetitions"
        tables.show(tables.table_of(columns(families.METRICS, "drawn"), drawn), heading)


def markdown(records: Sequence[Mapping[str, Any]]) -> str:
    """The same table, for the page of the question's run."""
    return tables.as_markdown(_table(records))


def _table(records: Sequence[Mapping[str, Any]]) -> tables.Table:
    ordered = sorted(records, key=lambda run: (run["set"], run["classify"]["overlap_ratio"]))
    rows = [{**run["classify"], "model": run["model"], "set": run["set"]} for run in ordered]
    return tables.table_of(columns(families.METRICS, "screen"), rows)
