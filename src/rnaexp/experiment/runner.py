"""Run a task of another package: load the model, measure, keep the run in MLflow, and give back its record."""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rnaexp import models
from rnaexp.errors import InputError
from rnaexp.models.spec import Encoder
from rnaexp.tasks.context import Context
from rnaexp.tasks.registry import settings_of
from rnaexp.tasks.task import Task, TaskResult, TaskSettings
from rnaexp.track.runs import RunHandle, tracked_run
from rnaexp.track.task_runs import TASK_TAG, record_task


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A task's result of one model, and the record that `--json` prints."""

    result: TaskResult
    record: dict[str, Any]


def measure(
    task: Task,
    model: str,
    settings: TaskSettings,
    context: Context,
    *,
    encoder: Encoder | None = None,
    device: str = "auto",
    run: RunHandle | None = None,
) -> Measured:
    """One model. Raises: InputError (also for a result without a declared metric), UnavailableError."""
    if encoder is None:
        encoder = models.load(model, device=device, seed=context.seed)
    result = task.run(encoder, settings, context)
    declared = {name for spec in task.metrics for name in spec.parts}
    if strange := sorted(set(result.metrics) ^ declared):
        message = f"task {task.name}: metric {strange[0]!r} is declared or measured, not both"
        raise InputError(message)
    if run is not None:
        record_task(run, task, encoder, settings, result)
    context.notes.extend(f"{model}: {note}" for note in result.notes)
    record = {
        "model": model,
        "task": task.name,
        "version": task.version,
        "metrics": dict(result.metrics),
        "data": [{"name": each.name, "sha256": each.sha256, "items": each.items} for each in result.data],
        "settings": settings.model_dump(mode="json"),
        "notes": list(result.notes),
        "run_id": None if run is None else run.run_id,
    }
    return Measured(result=result, record=record)


def measure_all(
    task: Task, names: Sequence[str], given: dict[str, Any], context: Context, *, device: str, track: bool = True
) -> list[Measured]:
    """Each model and then the task's baselines, each in a run of its own."""
    settings = settings_of(task, given)
    found = []
    for name in dict.fromkeys([*names, *task.baselines]):
        start = time.monotonic()
        with tracked_run(name, tags={TASK_TAG: task.name}) if track else nullcontext() as run:
            found.append(measure(task, name, settings, context, device=device, run=run))
            if run is not None:
                run.metrics({"seconds": round(time.monotonic() - start, 1)})
    return found


def as_frame(records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """One row a model: what `--csv` writes."""
    rows = [
        {"model": one["model"], "set": ", ".join(each["name"] for each in one["data"]), **one["metrics"]}
        for one in records
    ]
    return pd.DataFrame(rows)
