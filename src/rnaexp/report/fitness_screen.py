"""Fitness on the screen."""

from collections.abc import Mapping, Sequence
from typing import Any

from rnaexp.report import table as tables
from rnaexp.tasks.fitness import metrics as fitness
from rnaexp.tasks.fitness.record import as_frame
from rnaexp.tasks.metric import columns


def show(records: Sequence[Mapping[str, Any]], title: str = "", note: str = "") -> None:
    """The runs as one table on the screen, best first within each assay; of a suite its means only."""
    frame = as_frame(records)
    single = frame["suite"].notna()  # one assay's row; CSV, JSON and MLflow have it
    if single.any():
        hidden = frame[single]["set"].nunique()
        note = " ".join([note, f"Means of {hidden} assays; --csv writes each assay's own rows."]).strip()
    rows = frame[~single].rename(columns=fitness.FROM_ROWS).to_dict("records")
    tables.show(tables.table_of(columns(fitness.METRICS, "screen"), rows), title, note)
