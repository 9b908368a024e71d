"""Tables of any task, from what it declares of its metrics: the screen's, and those of `rnaexp compare`."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from rnaexp.plugins import TASKS, plugged
from rnaexp.report.console import console
from rnaexp.report.words import Line, Words, on_screen
from rnaexp.tasks.registry import task_of
from rnaexp.tasks.task import MetricSpec, Task


def task_words(task: Task, frame: pd.DataFrame) -> Words:
    """A line a model and a column a metric, its interval in brackets, best first by the first metric."""
    first = task.metrics[0]
    rows = frame.sort_values(first.name, ascending=first.better == "lower", kind="stable", na_position="last")
    headings = ("model", *(_heading(spec) for spec in task.metrics), "set")
    lines = tuple(
        Line(cells=(str(row["model"]), *(_cell(row, spec) for spec in task.metrics), str(row["set"])))
        for row in rows.to_dict("records")
    )
    return Words(headings=headings, parts=(("", lines),))


def show(task: Task, frame: pd.DataFrame, title: str) -> None:
    """On the screen."""
    console().print(on_screen(task_words(task, frame), title), markup=False)


def tracked(runs: pd.DataFrame) -> list[tuple[Task, pd.DataFrame]]:
    """Of each installed task a row for each model and set, from its newest finished run; none of a task never run."""
    found = []
    for name in plugged(TASKS):
        if f"params.{name}.set" not in runs:
            continue
        task = task_of(name)
        columns = {"params.model": "model", f"params.{name}.set": "set", "started": "started"}
        columns |= {f"metrics.{name}.{part}": part for spec in task.metrics for part in spec.parts}
        table = runs[runs["status"] == "FINISHED"].reindex(columns=list(columns)).rename(columns=columns)
        table = table.dropna(subset=["set"]).sort_values("started", ascending=False, kind="stable")
        if len(table):
            found.append((task, table.drop_duplicates(["model", "set"]).drop(columns="started")))
    return found


def _heading(spec: MetricSpec) -> str:
    return f"{spec.title} [95 %]" if spec.low and spec.high else spec.title


def _cell(row: Mapping[Any, Any], spec: MetricSpec) -> str:
    value = row.get(spec.name)
    if value is None or pd.isna(value):
        return "n/a"
    text = f"{float(value):.{spec.digits}f}"
    if spec.low and spec.high and not (pd.isna(row.get(spec.low)) or pd.isna(row.get(spec.high))):
        text += f" [{float(row[spec.low]):.{spec.digits}f}, {float(row[spec.high]):.{spec.digits}f}]"
    return text
