"""Tasks of other packages: tables from what they declare of their metrics, and their rows of `rnaexp compare`."""

from collections.abc import Sequence

import pandas as pd

from rnaexp.plugins import TASKS, plugged
from rnaexp.report import table as tables
from rnaexp.tasks.contacts.settings import TASK as CONTACTS
from rnaexp.tasks.metric import Column, TableName, columns
from rnaexp.tasks.registry import task_of
from rnaexp.tasks.task import Task
from rnaexp.track.task_runs import TASK_TAG

_TAG = f"tags.{TASK_TAG}"
_MODEL = Column(name="model", title="model", cell=lambda row: str(row["model"]), keep=9, words=True)
_SET = Column(name="set", title="set", cell=lambda row: str(row["set"]), keep=4, words=True)


def task_table(task: Task, frame: pd.DataFrame, which: TableName) -> tables.Table:
    """A line a model and a column a metric, its interval in brackets, best first by the first metric.

    Settings in which rows differ have columns of their own, and so has the task's version.
    """
    first = task.metrics[0]
    rows = frame.sort_values(first.name, ascending=first.better == "lower", kind="stable", na_position="last")
    differing = [_setting(name) for name in _about(task) if name in rows and rows[name].astype(str).nunique() > 1]
    shown = (_MODEL, *columns(task.metrics, which, missing="n/a"), *differing, _SET)
    return tables.table_of(shown, rows.to_dict("records"))


def _about(task: Task) -> Sequence[str]:
    return ("version", *task.Settings.model_fields)


def _setting(name: str) -> Column:
    return Column(name=name, title=name, cell=lambda row: _in_words(row[name]), keep=8, words=True)


def _in_words(value: object) -> str:
    return "unknown" if value is None or value != value else str(value)


def show(task: Task, frame: pd.DataFrame, title: str) -> None:
    """On the screen."""
    tables.show(task_table(task, frame, "screen"), title)


def tracked(runs: pd.DataFrame) -> list[tuple[Task, pd.DataFrame]]:
    """Of each installed task a row for each model, set, version and settings, from the newest finished run of each."""
    found = []
    for name in plugged(TASKS):
        if f"params.{name}.set" not in runs:
            continue
        task = task_of(name)
        columns = {"params.model": "model", f"params.{name}.set": "set", "started": "started"}
        columns |= {f"params.{name}.{about}": about for about in _about(task)}
        columns |= {f"metrics.{name}.{part}": part for spec in task.metrics for part in spec.headline}
        table = runs[runs["status"] == "FINISHED"].reindex(columns=list(columns)).rename(columns=columns)
        table = table.dropna(subset=["set"]).sort_values("started", ascending=False, kind="stable")
        if len(table):
            found.append((task, table.drop_duplicates(["model", "set", *_about(task)]).drop(columns="started")))
    return found


def not_installed(runs: pd.DataFrame) -> dict[str, int]:
    """Finished runs of tasks that no installed package has, by the task's name."""
    if _TAG not in runs:
        return {}
    names = runs.loc[runs["status"] == "FINISHED", _TAG].dropna()
    return {
        str(name): int(count) for name, count in names[~names.isin([*plugged(TASKS), CONTACTS])].value_counts().items()
    }
