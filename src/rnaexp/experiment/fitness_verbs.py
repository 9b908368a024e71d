"""`rnaexp fitness` and questions about fitness: compute, track, print."""

import json as json_format
import sys
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from rnaexp.data.assay_rows import TableLayout
from rnaexp.data.atomic import write_atomically
from rnaexp.errors import InputError, UnavailableError
from rnaexp.progress import announce, say
from rnaexp.reading.processes import processes
from rnaexp.reading.store import Store
from rnaexp.report import fitness_screen
from rnaexp.tasks.fitness import record as tables
from rnaexp.tasks.fitness.measure import measure_fitness
from rnaexp.tasks.fitness.settings import FitnessTask
from rnaexp.tasks.fitness.tracking import record_fitness
from rnaexp.track.orphan import watch_parent
from rnaexp.track.runs import tracked_run

_FIELDS = {"title", "note", "models", "assays", "device", "precision", "seed"}
_LAYOUT = {"score_column", "mutant_column", "sequence_column", "offset"}
_OF_ASSAYS = {"name", "convention", "sample", "alignment", "wild_type", "direction"} | _LAYOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Every model or baseline on every assay."""

    name: str
    title: str
    note: str
    tasks: tuple[FitnessTask, ...]


def read_fitness(path: Path) -> Question:
    """Raises: InputError naming the file and what is wrong in it."""
    values = tomllib.loads(path.read_text())
    assays, names = values["assays"], values.get("models")
    if unknown := sorted(set(values) - _FIELDS):
        message = f"unknown field {unknown[0]!r}; known: {', '.join(sorted(_FIELDS))}"
    elif not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        message = "models: must be a list of names"
    elif not isinstance(assays, list) or not all(isinstance(one, dict) and "name" in one for one in assays):
        message = "assays: each is a table with a name"
    elif unknown := sorted({field for one in assays for field in one} - _OF_ASSAYS):
        message = f"assays: unknown field {unknown[0]!r}; known: {', '.join(sorted(_OF_ASSAYS))}"
    else:
        return _question(path, values)
    raise InputError(message, path=path)


def _question(path: Path, values: dict[str, Any]) -> Question:
    try:
        seed = int(values.get("seed", 0))
        words: dict[str, Any] = {name: str(values[name]) for name in ("device", "precision") if name in values}
        tasks = [
            FitnessTask(
                model=model,
                assay=about["name"],
                seed=seed,
                loading={"seed": seed, **words},
                layout=_layout(about),
                **{name: value for name, value in about.items() if name not in {"name", *_LAYOUT}},
            )
            for about, model in product(values["assays"], values["models"])
        ]
    except (TypeError, ValueError) as error:
        raise InputError(str(error), path=path) from error
    title, note = str(values.get("title", path.stem)), str(values.get("note", ""))
    return Question(name=path.stem, title=title, note=note, tasks=tuple(tasks))


def _layout(about: Mapping[str, Any]) -> TableLayout:
    """Raises: ValueError for an offset that is no whole number."""
    first = about.get("offset")
    if not (first is None or type(first) is int):
        message = f"offset {first!r}: must be a whole number"
        raise ValueError(message)
    return TableLayout(**{name: str(about[name]) for name in _LAYOUT - {"offset"} if name in about}, first=first)


def _told_once(tasks: Sequence[FitnessTask]) -> list[FitnessTask]:
    """Of a table's bad rows the first task that reads it tells."""
    assays = [task.assay for task in tasks]
    return [replace(task, silent=task.assay in assays[:at]) for at, task in enumerate(tasks)]


def fitness_several(tasks: Sequence[FitnessTask], *, csv: Path | None, json: bool) -> None:
    """Models or baselines on one assay, in one table beside the baselines."""
    _refuse_several_processes()
    watch_parent()
    told = [_tracked(task, {}) for task in _told_once(tasks)]
    _write(csv, told)
    _print(told, told[0] if len(told) == 1 else {"runs": told}, json=json)


def fitness_question(path: Path, shard: Sequence[int], *, csv: Path | None, json: bool) -> None:
    """All runs of a question, or those of `shard` (first, step), in one table."""
    _refuse_several_processes()
    question = read_fitness(path)
    told, failures = list[dict[str, Any]](), list[tuple[str, InputError | UnavailableError]]()
    for task in _told_once(question.tasks[shard[0] :: shard[1]]):
        try:
            told.append(_tracked(task, {"rnaexp.question": question.name}))
        except (InputError, UnavailableError) as error:
            failures.append((f"{task.model} on {task.assay}", error))
            say(f"{task.model} on {task.assay}: {error}")
    _write(csv, told)
    if told:
        _print(told, {"question": question.name, "runs": told}, json=json, title=question.title, note=question.note)
    if failures:
        message = f"{len(failures)} runs did not end: {', '.join(name for name, _ in failures)}"
        raise type(failures[0][1])(message)


def _tracked(task: FitnessTask, tags: dict[str, object]) -> dict[str, Any]:
    start, store = time.monotonic(), Store()
    with tracked_run(task.model, tags=tags) as run:
        result = measure_fitness(task, store, partial(announce, unit="variants"))
        record_fitness(run, result)
        run.metrics({"seconds": round(time.monotonic() - start, 1)})
    for line in (*result.assay.caveats, *tables.diagnose(result)):
        say(f"{result.judged.name} on {result.assay.name}, {result.convention}: {line}")
    return tables.as_json(result, run.run_id)


def _refuse_several_processes() -> None:
    if processes() > 1:
        message = "fitness runs in one process; share a question's runs by --shard i/n instead of torchrun"
        raise InputError(message)


def _write(csv: Path | None, told: list[dict[str, Any]]) -> None:
    if csv is not None and told:
        write_atomically(csv, tables.as_frame(told).to_csv(index=False).encode())


def _print(told: list[dict[str, Any]], whole: dict[str, Any], *, json: bool, title: str = "", note: str = "") -> None:
    if json:
        sys.stdout.write(json_format.dumps(whole) + "\n")
    else:
        fitness_screen.show(told, title, note)
