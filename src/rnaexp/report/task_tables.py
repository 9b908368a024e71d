"""Tasks of other packages: tables from what they declare of their metrics, and their rows of `rnaexp compare`."""

import pandas as pd

from rnaexp.plugins import TASKS, plugged
from rnaexp.report import table as tables
from rnaexp.tasks.metric import Column, TableName, columns
from rnaexp.tasks.registry import task_of
from rnaexp.tasks.task import Task

_MODEL = Column(name="model", title="model", cell=lambda row: str(row["model"]), keep=9, words=True)
_SET = Column(name="set", title="set", cell=lambda row: str(row["set"]), keep=4, words=True)


def task_table(task: Task, frame: pd.DataFrame, which: TableName) -> tables.Table:
    """A line a model and a column a metric, its interval in brackets, best first by the first metric."""
    first = task.metrics[0]
    rows = frame.sort_values(first.name, ascending=first.better == "lower", kind="stable", na_position="last")
    return tables.table_of((_MODEL, *columns(task.metrics, which, missing="n/a"), _SET), rows.to_dict("records"))


def show(task: Task, frame: pd.DataFrame, title: str) -> None:
    """On the screen."""
    tables.show(task_table(task, frame, "screen"), title)


def tracked(runs: pd.DataFrame) -> list[tuple[Task, pd.DataFrame]]:
    """Of each installed task a row for each model and set, from its newest finished run; none of a task never run."""
    found = []
    for name in plugged(TASKS):
        if f"params.{name}.set" not in runs:
            continue
        task = task_of(name)
        columns = {"params.model": "model", f"params.{name}.set": "set", "started": "started"}
        columns |= {f"metrics.{name}.{part}": part for spec in task.metrics for part in spec.headline}
        table = runs[runs["status"] == "FINISHED"].reindex(columns=list(columns)).rename(columns=columns)
        table = table.dropna(subset=["set"]).sort_values("started", ascending=False, kind="stable")
        if len(table):
            found.append((task, table.drop_duplicates(["model", "set"]).drop(columns="started")))
    return found
