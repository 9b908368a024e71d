"""A task of another package as the runner runs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from rnaexp import models
from rnaexp.errors import InputError
from rnaexp.models.spec import Encoder
from rnaexp.tasks.context import Context
from rnaexp.tasks.task import Task, TaskResult, TaskSettings
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
    def tags(self) -> Mapping[str, object]:
        """The task's name."""
        return {TASK_TAG: self.task.name}

    def measure(self, context: Context) -> "PluggedOutcome":
        """Raises: InputError (also for a metric that is declared or measured, not both), UnavailableError."""
        encoder = self.encoder
        if encoder is None:
            encoder = models.load(self.model, device=self.device, seed=self.seed)
        result = self.task.run(encoder, self.settings, replace(context, seed=self.seed))
        declared = {name for spec in self.task.metrics for name in spec.parts}
        if strange := sorted(set(result.metrics) ^ declared):
            message = f"task {self.task.name}: metric {strange[0]!r} is declared or measured, not both"
            raise InputError(message)
        return PluggedOutcome(job=self, encoder=encoder, result=result)


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
        {"model": one["model"], "set": ", ".join(each["name"] for each in one["data"]), **one["metrics"]}
        for one in records
    ]
    return pd.DataFrame(rows)
