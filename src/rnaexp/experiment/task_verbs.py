"""The verb and the question of a task of another package: compute, track, print."""

import json as json_format
import sys
import tomllib
from pathlib import Path
from typing import Any

from rnaexp.data.atomic import write_atomically
from rnaexp.errors import InputError
from rnaexp.experiment.runner import Measured, as_frame, measure_all
from rnaexp.report.progress import announce, say
from rnaexp.report.task_tables import show
from rnaexp.tasks.context import Context
from rnaexp.tasks.registry import task_of
from rnaexp.tasks.task import Task
from rnaexp.track.orphan import watch_parent

_FIELDS = {"task", "title", "note", "models", "settings", "device", "seed"}


def run(
    task: Task, given: dict[str, Any], *, model: list[str], device: str, seed: int, csv: Path | None, json: bool
) -> None:
    """The models and the task's baselines in one table."""
    _print(task, _measured(task, model, given, device=device, seed=seed), csv=csv, json=json)


def asks_for_task(path: Path) -> bool:
    """Whether a question file names a task."""
    try:
        return "task" in tomllib.loads(path.read_text())
    except (OSError, ValueError):
        return False


def task_question(path: Path, *, csv: Path | None, json: bool) -> None:
    """`task`, `models` and a table `settings`. Raises: InputError naming the file and what is wrong in it."""
    values = tomllib.loads(path.read_text())
    names = values.get("models")
    if unknown := sorted(set(values) - _FIELDS):
        message = f"unknown field {unknown[0]!r}; known: {', '.join(sorted(_FIELDS))}"
    elif not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        message = "models: must be a list of names"
    elif not isinstance(values.get("settings", {}), dict):
        message = "settings: must be a table"
    else:
        try:
            task = task_of(str(values["task"]))
            device, seed = str(values.get("device", "auto")), int(values.get("seed", 0))
            found = _measured(task, names, values.get("settings", {}), device=device, seed=seed)
        except InputError as error:
            raise InputError(str(error), path=path) from error
        _print(task, found, csv=csv, json=json, title=str(values.get("title", path.stem)))
        return
    raise InputError(message, path=path)


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
