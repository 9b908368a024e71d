"""The verb and the question of a task of another package: compute, track, print."""

import json as json_format
import sys
from pathlib import Path
from typing import Any

from rnaexp.data.atomic import write_atomically
from rnaexp.errors import InputError
from rnaexp.experiment.question_file import read_task_words
from rnaexp.experiment.runner import Measured, as_frame, measure_all
from rnaexp.progress import announce, say
from rnaexp.report.task_tables import show
from rnaexp.tasks.context import Context
from rnaexp.tasks.registry import task_of
from rnaexp.tasks.task import Task
from rnaexp.track.orphan import watch_parent


def run(
    task: Task, given: dict[str, Any], *, model: list[str], device: str, seed: int, csv: Path | None, json: bool
) -> None:
    """The models and the task's baselines in one table."""
    _print(task, _measured(task, model, given, device=device, seed=seed), csv=csv, json=json)


def task_question(path: Path, *, csv: Path | None, json: bool) -> None:
    """A question file with `task`, `models` and a table `settings`. Raises: InputError naming the file."""
    words = read_task_words(path)
    try:
        task = task_of(words.task)
        found = _measured(task, words.models, words.settings, device=words.device, seed=words.seed)
    except InputError as error:
        raise InputError(str(error), path=path) from error
    _print(task, found, csv=csv, json=json, title=words.title or path.stem)


def _measured(task: Task, names: list[str], given: dict[str, Any], *, device: str, seed: int) -> list[Measured]:
    watch_parent()
    context = Context(announce=announce, seed=seed)
    found = measure_all(task, names, given, context, device=device)
    for note in context.notes:
        say(note)
    return found


def _print(task: Task, found: list[Measured], *, csv: Path | None, json: bool, title: str = "") -> None:
    records = [each.record for each in found]
    frame = as_frame(records)
    if csv is not None:
        write_atomically(csv, frame.to_csv(index=False).encode())
    if json:
        sys.stdout.write(json_format.dumps({"task": task.name, "runs": records}) + "\n")
    else:
        show(task, frame, title or task.title)
