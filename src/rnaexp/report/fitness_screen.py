"""Fitness on the screen."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from rnaexp.report import table as tables
from rnaexp.tasks.fitness import metrics as fitness
from rnaexp.tasks.fitness.record import as_frame
from rnaexp.tasks.metric import columns


def show(records: Sequence[Mapping[str, Any]], title: str = "", note: str = "") -> None:
    """The runs as one table on the screen, best first within each assay; of a suite its means only."""
    frame = as_frame(records)
    if hidden := frame[frame["suite"].notna()]["set"].nunique():
        note = " ".join([note, f"Means of {hidden} assays; --csv writes each assay's own rows."]).strip()
    tables.show(_table(frame), title, note)


def markdown(records: Sequence[Mapping[str, Any]]) -> str:
    """The same table, for the page of the question's run."""
    return tables.as_markdown(_table(as_frame(records)))


def _table(frame: pd.DataFrame) -> tables.Table:
    """Without the rows of a suite's single assays, which CSV, JSON and MLflow have."""
    rows = frame[frame["suite"].isna()].rename(columns=fitness.FROM_ROWS).to_dict("records")
    return tables.table_of(columns(fitness.METRICS, "screen"), rows)
