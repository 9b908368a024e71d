"""A task of another package as the runner runs it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from rnaexp import models
from rnaexp.errors import REFUSED, InputError, UnavailableError
from rnaexp.models.spec import Encoder
from rnaexp.plugins import TASKS, package, plugged
from rnaexp.tasks.context import Context
from rnaexp.tasks.task import Task, TaskResult, TaskSettings
from rnaexp.track.names import titled
from rnaexp.track.runs import RunHandle
from rnaexp.track.task_runs import TASK_TAG, record_task


@dataclass(frozen=True, slots=True, kw_only=True)
class PluggedJob:
    """One model under a task's checked settings."""

    task: Task
    model: str
    settings: TaskSettings
    encoder: Encoder | None = None
    device: str = "auto"
    seed: int = 0

    @property
    def label(self) -> str:
        """In messages."""
        return self.model

    @property
    def title(self) -> str:
        """Of the run: the model, the task."""
        return titled(self.model, self.task.name)

    @property
    def tags(self) -> Mapping[str, object]:
        """The task's name."""
        return {TASK_TAG: self.task.name}

    def measure(self, context: Context) -> "PluggedOutcome":
        """Raises: InputError (also for metrics that are not those declared), UnavailableError (its code failed)."""
        encoder = self.encoder
        if encoder is None:
            encoder = models.load(self.model, device=self.device, seed=self.seed)
        result = self._run(encoder, replace(context, seed=self.seed))
        declared = {name for spec in self.task.metrics for name in spec.parts}
        if strange := sorted(set(result.metrics) ^ declared):
            message = f"task {self.task.name}: metric {strange[0]!r} is declared or measured, not both"
            raise InputError(message)
        if odd := [name for name, value in result.metrics.items() if value is not None and not math.isfinite(value)]:
            message = (
                f"task {self.task.name}: metric {odd[0]!r} is {result.metrics[odd[0]]}; None is for what is not known"
            )
            raise InputError(message)
        return PluggedOutcome(job=self, encoder=encoder, result=result)

    def _run(self, encoder: Encoder, context: Context) -> TaskResult:
        try:
            return self.task.run(encoder, self.settings, context)
        except REFUSED:
            raise
        except Exception as error:  # in code that is not ours: this model fails, and the others go on
            point = plugged(TASKS).get(self.task.name)
            whose = f" of {package(point)}" if point is not None else ""
            message = f"task {self.task.name}{whose} failed: {type(error).__name__}: {error}"
            raise UnavailableError(message) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class PluggedOutcome:
    """All that was found, until it is logged."""

    job: PluggedJob
    encoder: Encoder
    result: TaskResult

    @property
    def metrics(self) -> Mapping[str, float | None]:
        """By their names in MLflow."""
        return {f"{self.job.task.name}.{name}": value for name, value in self.result.metrics.items()}

    @property
    def rows(self) -> pd.DataFrame:
        """As the task gives them."""
        return self.result.rows

    @property
    def notes(self) -> list[str]:
        """As the task gives them."""
        return [f"{self.job.model}: {note}" for note in self.result.notes]

    def log(self, run: RunHandle) -> None:
        """Headline figures into the model's run, all of it into a child."""
        record_task(run, self.job.task, self.encoder, self.job.settings, self.result)

    def record(self, run_id: str | None) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "model": self.job.model,
            "task": self.job.task.name,
            "version": self.job.task.version,
            "metrics": dict(self.result.metrics),
            "data": [{"name": each.name, "sha256": each.sha256, "items": each.items} for each in self.result.data],
            "settings": self.job.settings.model_dump(mode="json"),
            "notes": list(self.result.notes),
            "run_id": run_id,
        }


def as_frame(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a model: what `--csv` writes."""
    rows = [
        {
            "model": one["model"],
            "set": ", ".join(each["name"] for each in one["data"]),
            "version": str(one["version"]),
            **{name: value for name, value in one["settings"].items() if name not in ("model", "set", "version")},
            **one["metrics"],
        }
        for one in records
    ]
    return pd.DataFrame(rows)
