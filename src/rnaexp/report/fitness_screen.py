"""Fitness on the screen."""

from collections.abc import Mapping, Sequence
from typing import Any

from rnaexp.report import table as tables
from rnaexp.tasks.fitness import metrics as fitness
from rnaexp.tasks.fitness.record import as_frame
from rnaexp.tasks.metric import columns


def show(records: Sequence[Mapping[str, Any]], title: str = "", note: str = "") -> None:
    """The runs as one table on the screen, best first within each assay."""
    tables.show(_table(records), title, note)


def markdown(records: Sequence[Mapping[str, Any]]) -> str:
    """The same table, for the page of the question's run."""
    return tables.as_markdown(_table(records))


def _table(records: Sequence[Mapping[str, Any]]) -> tables.Table:
    rows = as_frame(records).rename(columns=fitness.FROM_ROWS).to_dict("records")
    return tables.table_of(columns(fitness.METRICS, "screen"), rows)
