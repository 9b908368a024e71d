"""A task: what is measured of a model, declared once; the command line, MLflow and every table are made from it.

A package adds one by an entry point of the group `rnaexp.tasks`; CONTRIBUTING has a whole one in 15 lines.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import pandas as pd

from rnaexp.models.spec import Encoder
from rnaexp.settings import SettingsBase
from rnaexp.tasks.context import Context
from rnaexp.tasks.metric import MetricSpec
from rnaexp.track.runs import RunHandle

__all__ = ["Job", "MetricSpec", "Outcome", "Task", "TaskResult", "TaskSettings", "UsedData"]


class TaskSettings(SettingsBase):
    """Base of a task's settings: each field with a type, a default and a description becomes an option and a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedData:
    """A set that went in: its name, the hash of what was read, where from, and how many items."""

    name: str
    sha256: str
    source: str
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """What a task found of one model. `metrics`: by the names that the task declares; None: not measured.

    `rows`: one row an item (an RNA, a variant). `tables` and `figures`: further artifacts by file name (.csv, .parquet;
    .png, .html). `notes`: what should be known before the numbers are believed.
    """

    metrics: Mapping[str, float | None]
    data: tuple[UsedData, ...]
    rows: pd.DataFrame
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@runtime_checkable
class Task(Protocol):
    """`version` stands in every record: raise it when a number changes. `baselines`: models for every table."""

    name: str
    title: str
    version: int
    Settings: ClassVar[type[TaskSettings]]
    metrics: tuple[MetricSpec, ...]
    baselines: tuple[str, ...]

    def run(self, model: Encoder, settings: Any, context: Context) -> TaskResult:
        """Measure one model. Raises: InputError, UnavailableError."""
        ...


class Outcome(Protocol):
    """What was found of one model: its numbers as they are shown, and how they go into its run."""

    @property
    def metrics(self) -> Mapping[str, float | None]:
        """The headline numbers by their names in MLflow; None: not measured."""
        ...

    @property
    def rows(self) -> pd.DataFrame:
        """One row an item: an RNA, a chain, a variant."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What should be known with the numbers, a line each."""
        ...

    def log(self, run: RunHandle) -> None:
        """Parameters, metrics, tables and pictures into the model's run and its children."""
        ...

    def record(self, run_id: str | None) -> dict[str, Any]:
        """What `--json` prints of it."""
        ...


class Job(Protocol):
    """One model under one task's settings: what the runner runs."""

    @property
    def model(self) -> str:
        """Its name."""
        ...

    @property
    def label(self) -> str:
        """The model, and on what: in messages."""
        ...

    @property
    def title(self) -> str:
        """Of the run: the model, the set, the protocol."""
        ...

    @property
    def tags(self) -> Mapping[str, object]:
        """Of the run."""
        ...

    def measure(self, context: Context) -> Outcome:
        """Raises: InputError, LeakageError, UnavailableError."""
        ...
