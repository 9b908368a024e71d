"""`rnaexp classify` and questions about classification: compute, track, print."""

import json as json_format
import sys
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from rnaexp import models
from rnaexp.classify.controls import CONTROLS
from rnaexp.classify.protocol import EmbeddingProtocol, embedding_protocol
from rnaexp.data.atomic import write_atomically
from rnaexp.errors import InputError, UnavailableError
from rnaexp.models.choices import Long, long_policy
from rnaexp.models.spec import Encoder
from rnaexp.progress import announce, say, silence
from rnaexp.reading.distributed import take_own_device
from rnaexp.reading.processes import is_first_process
from rnaexp.reading.read import unreadable
from rnaexp.reading.store import Store
from rnaexp.report import families_screen
from rnaexp.tasks.families import record as tables
from rnaexp.tasks.families.measure import Classified, classify
from rnaexp.tasks.families.protocol_choices import protocol_choices
from rnaexp.tasks.families.representations import cka_figure, compare_layers
from rnaexp.tasks.families.settings import ClassifyTask, has_embedding
from rnaexp.tasks.families.stored import Shelf
from rnaexp.tasks.families.tracking import record_classification
from rnaexp.tasks.pairs.result import Task
from rnaexp.track.names import safe_name
from rnaexp.track.orphan import watch_parent
from rnaexp.track.runs import RunHandle, tracked_run

_FIELDS = {"title", "note", "models", "families", "choices", "device", "seed", "long", "controls", "embeddings"}
# Of the other half of a file that also asks of base pairs; `run.question` reads them.
_OF_PAIRS = {"sets", "protocols", "alignments", "related", "contrasts", "precision"}
_SKIPPED_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Every model and control on every set with families; `choices`: models whose protocol choices are compared."""

    name: str
    title: str
    note: str
    tasks: tuple[ClassifyTask, ...]
    choices: tuple[str, ...]


def read_classification(path: Path) -> Question:
    """Raises: InputError naming the file and what is wrong in it."""
    values = tomllib.loads(path.read_text())
    if unknown := sorted(set(values) - _FIELDS - (_OF_PAIRS if "sets" in values else set())):
        message = f"unknown field {unknown[0]!r}; known: {', '.join(sorted(_FIELDS))}"
        raise InputError(message, path=path)
    for name in ("models", "choices", "controls"):
        words = values.get(name, [])
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            message = f"{name}: must be a list of names"
            raise InputError(message, path=path)
    try:
        models = [*values["models"], *values.get("controls", [])]
        if "sets" in values:  # baselines of pairs have no embeddings
            models = [model for model in models if has_embedding(model)]
        loading = {"device": str(values.get("device", "auto")), "seed": int(values.get("seed", 0))}
        tasks = [
            ClassifyTask(
                model=model,
                families=sets["name"],
                protocol=protocol_of(sets),
                loading=loading,
                long=long_policy(str(values.get("long", "skip"))),
            )
            for sets, model in product(values["families"], models)
        ]
        shelves = [Shelf(families=shelf["set"], folder=shelf["folder"]) for shelf in values.get("embeddings", [])]
        tasks += [task for shelf in shelves for task in shelf.tasks(path, tasks)]
    except (KeyError, TypeError, ValueError) as error:
        message = (
            "families: each has a name and fields of the protocol, embeddings: each a set and a folder: "
            f"{type(error).__name__} {error}"
        )
        raise InputError(message, path=path) from error
    if strange := set(values.get("choices", [])) - set(values["models"]):
        message = f"choices: {strange.pop()!r} is not among the models"
        raise InputError(message, path=path)
    return Question(
        name=path.stem,
        title=str(values.get("title", path.stem)),
        note=str(values.get("note", "")),
        tasks=tuple(tasks),
        choices=tuple(values.get("choices", [])),
    )


def protocol_of(sets: Mapping[str, Any]) -> EmbeddingProtocol:
    """That of one entry of a question: `protocol` names a ready-made one, other fields override it."""
    fields = {name: value for name, value in sets.items() if name not in ("name", "protocol")}
    return embedding_protocol(sets.get("protocol", "paper"), **fields)


def protocol(name: str = "paper", **fields: Any) -> EmbeddingProtocol:
    """A protocol from the words of the command line; "" or 0 leaves the ready-made protocol's own value.

    Raises: InputError for a value that is not allowed.
    """
    try:
        return embedding_protocol(name, **{field: value or None for field, value in fields.items()})
    except ValueError as error:
        raise InputError(str(error)) from error


def classify_several(
    asked: Sequence[tuple[str, Mapping[str, Any]]],
    families: str,
    protocol: EmbeddingProtocol,
    *,
    choices: bool,
    beside: str,
    csv: Path | None,
    json: bool,
    long: Long = "skip",
) -> None:
    """Models or controls (each with how it is loaded) on one set, in one table."""
    how: dict[str, Any] = {"families": families, "protocol": protocol, "long": long}
    tasks = [ClassifyTask(model=model, loading=loading, **how) for model, loading in asked]
    classify_tasks(tasks, choices=choices, beside=beside, csv=csv, json=json)


def classify_tasks(
    tasks: Sequence[ClassifyTask],
    *,
    choices: bool = False,
    beside: str = "",
    csv: Path | None = None,
    json: bool = False,
) -> None:
    """A row each, in one table. Of several processes only the first tracks and prints."""
    take_own_device()
    told, changed = list[dict[str, Any]](), list[pd.DataFrame]()
    for task in tasks:
        if not is_first_process():
            _untracked(task, choices=choices)
            continue
        watch_parent()
        one, frames = _tracked(task, {}, choices=choices, beside=beside)
        told, changed = [*told, one], [*changed, *frames]
    if told:
        _write(csv, told, changed)
        _print(told, json=json)


def classify_question(path: Path, shard: Sequence[int], *, csv: Path | None, json: bool) -> None:
    """All runs of a question, or those of `shard` (first, step), in one table."""
    question = read_classification(path)
    take_own_device()
    told, changed = list[dict[str, Any]](), list[pd.DataFrame]()
    failures = list[tuple[str, InputError | UnavailableError]]()
    for task in question.tasks[shard[0] :: shard[1]]:
        choices = task.model in question.choices
        if not is_first_process():
            _untracked(task, choices=choices)
            continue
        try:
            one, frames = _tracked(task, {"rnaexp.question": question.name}, choices=choices)
            told, changed = [*told, one], [*changed, *frames]
        except (InputError, UnavailableError) as error:
            failures.append((f"{task.model} on {task.families}", error))
            say(f"{task.model} on {task.families}: {error}")
    if not is_first_process():
        return
    _write(csv, told, changed)
    if json:
        sys.stdout.write(json_format.dumps({"question": question.name, "runs": told}) + "\n")
    elif told:
        families_screen.show(told, title=question.title, note=question.note)
    if failures:
        message = f"{len(failures)} runs did not end: {', '.join(name for name, _ in failures)}"
        raise type(failures[0][1])(message)


def classify_beside(run: RunHandle | None, task: Task, store: Store, encoder: Encoder) -> None:
    """The classification that belongs to a structure run, as its child; none for a model without embeddings.

    `run` None: a process that helps and does not track.
    """
    if not task.families or encoder.spec.output != "attention":
        return
    shown = silence if run is None else announce
    asked = ClassifyTask(model=task.model, families=task.families, long=task.long)
    result = classify(asked, store, shown, encoder)
    if run is not None:
        record_classification(run, result)


def _tracked(
    task: ClassifyTask, tags: Mapping[str, object], *, choices: bool, beside: str = ""
) -> tuple[dict[str, Any], list[pd.DataFrame]]:
    """What is told of the run, and its table of protocol choices, if that was asked for."""
    start, store, changed = time.monotonic(), Store(), list[pd.DataFrame]()
    if task.stored is None and not has_embedding(task.model):
        message = f"{task.model} has no embeddings to classify by; choose a language model or a control"
        raise InputError(message)
    if beside and not has_embedding(beside):
        message = f"--beside {beside}: it has no embeddings; choose a language model"
        raise InputError(message)
    with tracked_run(task.model, tags=tags) as run:
        run.params({"model": task.model})
        result = classify(task, store, announce)
        record_classification(run, result)
        if choices:
            changed.append(protocol_choices(task, store, announce, result.encoder))
            run.table(changed[0], "protocol_choices.csv")
        if beside:
            _record_layers(run, result, beside)
        run.metrics({"seconds": round(time.monotonic() - start, 1)})
    _warn(result)
    return tables.as_json(result, run.run_id), changed


def _record_layers(run: RunHandle, result: Classified, beside: str) -> None:
    """The heat map of both models' layers. Raises: InputError for a control, which has no layers."""
    name = result.task.model
    if result.encoder is None or name != result.encoder.spec.name or beside in CONTROLS:
        message = f"--beside compares two models' layers; {name} and {beside} are not both models"
        raise InputError(message)
    other = models.load(**{**result.task.loading, "name": beside, "weights": None, "config": None})
    if apart := sum(bool(unreadable(other, rna)) for rna in result.rnas):
        say(f"{apart} of {len(result.rnas)} RNAs that {beside} cannot read are not compared layer by layer")
    table = compare_layers(result.encoder, other, result.rnas, announce)
    run.table(table, f"cka_{safe_name(beside)}.csv")
    run.figure(cka_figure(table, name, beside, result.data.name), f"cka_{safe_name(beside)}.png")


def _untracked(task: ClassifyTask, *, choices: bool) -> None:
    """A process that computes its share for the first one."""
    result = classify(task, Store(), silence)
    if choices:
        protocol_choices(task, Store(), silence, result.encoder)


def _warn(result: Classified) -> None:
    if result.skipped:
        reasons = "; ".join(f"{one.id}: {one.reason}" for one in result.skipped[:_SKIPPED_SHOWN])
        more = ", ..." if len(result.skipped) > _SKIPPED_SHOWN else ""
        say(f"{len(result.skipped)} RNAs of {result.data.name} are not in the figures ({reasons}{more})")
    if windowed := result.windowed:
        say(f"{len(windowed)} RNAs of {result.data.name} were read in windows ({', '.join(windowed[:_SKIPPED_SHOWN])})")
    if result.matched is None:
        say(f"no length-matched figures on {result.data.name}: {result.unmatched_reason}")


def _write(csv: Path | None, told: Sequence[Mapping[str, Any]], changed: Sequence[pd.DataFrame]) -> None:
    """The runs, and beside them, as NAME_choices.csv, the protocol choices."""
    if csv is not None and told:
        write_atomically(csv, tables.as_frame(told).to_csv(index=False).encode())
    if csv is not None and changed:
        choices = pd.concat(changed, ignore_index=True)
        write_atomically(csv.with_name(f"{csv.stem}_choices{csv.suffix}"), choices.to_csv(index=False).encode())


def _print(told: Sequence[dict[str, Any]], *, json: bool) -> None:
    if json:
        sys.stdout.write(json_format.dumps(told[0] if len(told) == 1 else {"runs": told}) + "\n")
    else:
        families_screen.show(told)
