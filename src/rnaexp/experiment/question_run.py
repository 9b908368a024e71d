"""The run of a question in MLflow: its settings as parameters, its models' runs below it, its tables on top."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from rnaexp.data.markdown_text import markdown_text
from rnaexp.experiment.recipe import recipe_of_question
from rnaexp.experiment.runner import Done, Failed, Labels, keep_origin, raise_first
from rnaexp.reading.processes import is_first_process
from rnaexp.tasks.task import Job
from rnaexp.track.orphan import watch_parent
from rnaexp.track.runs import RunHandle, tracked_run

_SETS = ("validation", "test", "families", "assay")  # fields of a job's task
FAILED = "rnaexp.failed"  # tag of a question's run: jobs that did not end, and why


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRun:
    """The run while its question is answered. `task`: of the tables, "" for the first one of a question."""

    run: RunHandle
    task: str = ""
    texts: list[str] = field(default_factory=list)

    def part(self, task: str) -> "QuestionRun":
        """The same run, for the tables of a further task."""
        return replace(self, task=task)

    def answered(self, tables: Mapping[str, pd.DataFrame], text: str) -> None:
        """Keep a task's tables as NAME.csv, or NAME_TASK.csv; `text`, in Markdown, stands on the run's page."""
        for name, table in tables.items():
            self.run.table(table, f"{name}_{self.task}.csv" if self.task else f"{name}.csv")
        self.texts.append(text)
        self.run.describe("\n\n".join(self.texts))


@contextmanager
def question_run(
    name: str, jobs: Sequence[Job], labels: Labels, title: str = ""
) -> Iterator[tuple[QuestionRun | None, Labels]]:
    """The run above those of the jobs, and the labels of these; no run in all but the first process."""
    labels = replace(labels, tags={**labels.tags, "rnaexp.question": name})
    if not is_first_process():
        yield None, labels
        return
    watch_parent()
    kind = "question" if labels.kind == "parent" else labels.kind
    params = _parameters(jobs, labels, title)
    with tracked_run(name, kind=kind, tags=labels.tags, params=params, experiment=labels.experiment) as run:
        keep_origin(run, recipe_of_question(name), labels)
        yield QuestionRun(run=run, texts=[f"**{markdown_text(title)}**"] if title else []), replace(labels, under=run)


def note_failures(above: QuestionRun | None, done: Sequence[Done], failed: Sequence[Failed]) -> None:
    """Say in the question's run which jobs did not end. Raises: the first one's error where none did."""
    if above is not None and failed:
        above.run.tags({FAILED: "; ".join(f"{one.job.label}: {one.error}" for one in failed)})
    if not done:
        raise_first(failed, len(failed))


def _parameters(jobs: Sequence[Job], labels: Labels, title: str) -> dict[str, object]:
    tasks = [getattr(job, "task", None) for job in jobs]
    values = {name: _named(getattr(task, name, None) for task in tasks) for name in _SETS}
    return {
        "title": title or None,
        "models": _named(job.model for job in jobs),
        "runs": len(jobs),
        **{name: value for name, value in values.items() if value},
        "shard": labels.shard or None,
        "question.sha256": hashlib.sha256(labels.question.encode()).hexdigest() if labels.question else None,
    }


def _named(values: Any) -> str:
    return ", ".join(dict.fromkeys(str(value) for value in values if value))
