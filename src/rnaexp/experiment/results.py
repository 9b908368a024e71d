"""What `rnaexp.evaluate` gives back: one row a model, and every table that the command line writes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from rnaexp.data.atomic import write_atomically
from rnaexp.data.csv_text import csv_text
from rnaexp.errors import InputError
from rnaexp.tasks.families import record as classification_tables
from rnaexp.tasks.fitness import record as fitness_tables
from rnaexp.tasks.pairs import record as tables
from rnaexp.tasks.plugged import as_frame

_FRAMES = {
    "pairs": tables.as_frame,
    "contacts": tables.as_frame,
    "families": classification_tables.as_frame,
    "fitness": fitness_tables.as_frame,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """All numbers of an evaluation.

    `records`: of each task, each model's record as the command line prints it with `--json`. `headlines`: of each
    model its MLflow metrics by name. `run_ids`: MLflow's id of each model's run, None where nothing was tracked.
    `notes`: what the command line prints with the table (RNAs left out, relatives, coverage).

    >>> import rnaexp
    >>> found = rnaexp.evaluate("stems", tasks=["pairs"], track=False)
    >>> found.table("pairs")["model"].item(), len(found.per_rna()), found.run_ids
    ('stems', 37, {'stems': None})
    """

    records: Mapping[str, tuple[dict[str, Any], ...]]
    headlines: Mapping[str, Mapping[str, float | None]]
    run_ids: Mapping[str, str | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rows: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def frame(self) -> pd.DataFrame:
        """One row a model (its index) and a column for each metric, called as in MLflow; NaN: not measured."""
        found = pd.DataFrame.from_dict(dict(self.headlines), orient="index", dtype=float)
        return found.rename_axis("model")

    def table(self, task: str) -> pd.DataFrame:
        """The task's table to every digit, as `--csv` writes it. Raises: InputError for a task that was not run."""
        return _FRAMES.get(self._known(task), as_frame)(self.records[task]).reset_index(drop=True)

    def per_rna(self, task: str = "pairs") -> pd.DataFrame:
        """One row an RNA (or chain) and model; of fitness one row a variant. Raises: InputError as `table`."""
        return self.rows[self._known(task)].copy()

    def to_csv(self, path: Path | str) -> Path:
        """Write `frame`; returns the path."""
        write_atomically(Path(path), csv_text(self.frame.reset_index()).encode())
        return Path(path)

    def _known(self, task: str) -> str:
        if task not in self.records:
            message = f"task {task!r}: this evaluation has {', '.join(self.records)}"
            raise InputError(message)
        return task

    def _repr_html_(self) -> str:
        """In a notebook: the frame."""
        return str(self.frame.round(3).to_html())
