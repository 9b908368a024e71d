"""What the verbs of the command line do, once their words are understood."""

import json as json_format
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rnaexp import models
from rnaexp.errors import InputError, LeakageError, UnavailableError
from rnaexp.experiment.classify_verbs import classify_beside
from rnaexp.experiment.conclude import conclude, write_csv
from rnaexp.experiment.question import places, read_question
from rnaexp.models.files import FileEncoder, load_maps, load_pairs
from rnaexp.models.spec import Encoder
from rnaexp.progress import Announce, announce, say, silence
from rnaexp.reading.left_out import list_left_out
from rnaexp.reading.processes import is_first_process
from rnaexp.reading.read import read_alone
from rnaexp.reading.store import Store
from rnaexp.report import screen
from rnaexp.structure.heads import TunedHead
from rnaexp.structure.protocol import PAIR_SCORES
from rnaexp.tasks.pairs import record as tables
from rnaexp.tasks.pairs.contacts import TASK
from rnaexp.tasks.pairs.contrasts import Answer, add_ranks, every_two, f1_of, with_controls
from rnaexp.tasks.pairs.result import Result, Task
from rnaexp.tasks.pairs.run import run_structure
from rnaexp.tasks.pairs.sets import unjudged
from rnaexp.tasks.pairs.settings import task
from rnaexp.tasks.pairs.tracking import record
from rnaexp.track.orphan import watch_parent
from rnaexp.track.runs import tracked_run

Failure = tuple[str, InputError | LeakageError | UnavailableError]
_NO_CONTACTS = "--register: contacts of proteins are a reference task; what is registered predicts base pairs of RNAs"


def run_one(
    task: Task,
    *,
    json: bool,
    csv: Path | None = None,
    encoder: Encoder | None = None,
    register: bool = False,
    name: str = "",
) -> dict[str, Any] | None:
    """One task: compute, track, print, and register if asked; what is told of it.

    Of several processes the first does all but compute, the others return None.
    """
    shown = _progress(task) if is_first_process() else silence
    store = Store()
    if not is_first_process():
        classify_beside(None, task, store, run_structure(task, store, shown, encoder).encoder)
        return None
    if register and task.scoring.of_proteins:
        raise InputError(_NO_CONTACTS)
    watch_parent()
    answer = _tracked(task, store, encoder, {})
    add_ranks([answer, *answer.controls])
    controls = [control.told for control in answer.controls]
    write_csv([answer.told, *controls], csv)
    if json:
        sys.stdout.write(json_format.dumps(answer.told | {"controls": controls}) + "\n")
    else:
        screen.show([answer.told, *controls])
    if register:
        _register([answer], name)
    return answer.told


def run_several(tasks: Sequence[Task], *, json: bool, csv: Path | None, register: bool) -> None:
    """Several models under one question: one table with their controls, and the paired difference of each two."""
    if register and any(task.scoring.of_proteins for task in tasks):
        raise InputError(_NO_CONTACTS)
    if not is_first_process():
        _help(tasks)
        return
    watch_parent()
    name = ", ".join(task.model for task in tasks)
    answers, failures = _answers(tasks, {"rnaexp.question": name})
    controls = with_controls(answers)[len(answers) :]
    conclude(answers, name=name, contrasts=every_two(answers), csv=csv, json=json, controls=controls)
    if register:
        _register(answers)
    _raise_first(failures, len(tasks))


def _register(answers: Sequence[Answer], name: str = "") -> None:
    for answer in answers:
        for line in _registered(answer.told["run_id"], name):
            say(line)


def _registered(run_id: str | None, name: str) -> list[str]:
    from rnaexp.experiment import registering

    if run_id is None:
        message = "the run is not in MLflow yet, so it is not registered: rnaexp sync, then rnaexp register RUN"
        raise UnavailableError(message)
    return registering.register(run_id, name=name)


def _tracked(task: Task, store: Store, encoder: Encoder | None, tags: Mapping[str, object]) -> Answer:
    """Run and log; what is told of it is small, its tables are let go."""
    start = time.monotonic()
    of_proteins = task.scoring.of_proteins
    with tracked_run(task.model, tags={**tags, **({"rnaexp.task": TASK} if of_proteins else {})}) as run:
        result = run_structure(task, store, _progress(task), encoder)
        if result.tuned is not None and result.validation is not None and not of_proteins:
            store.put_tuned(models.lasting_name(task.model), result.tuned.to_json())
        record(run, result, store, _progress(task), seconds=time.monotonic() - start)
        classify_beside(run, task, store, result.encoder)
    _warn(result, store)
    return _answer(result, run.run_id)


def _answer(result: Result, run_id: str | None) -> Answer:
    """What is told of a run and of the controls beside it, which are judged as it was."""
    told = tables.as_json(result, run_id)
    f1 = None if result.evaluation is None else f1_of(result.evaluation)
    same = {"protocol": told["protocol"], "control": True}  # of how k-mers become bases a control has nothing to say
    controls = {} if result.assessment is None else result.assessment.controls
    beside = [Answer(told={**each.told, **same}, f1=f1_of(each.evaluation)) for each in controls.values()]
    return Answer(told=told, f1=f1, controls=tuple(beside))


def _progress(task: Task) -> Announce:
    return partial(announce, unit="chains") if task.scoring.of_proteins else announce


def _warn(result: Result, store: Store) -> None:
    if store.corrupt:
        say(f"{len(store.corrupt)} stored results were damaged, set aside and made again")
    what = "chains" if result.task.scoring.of_proteins else "RNAs"
    if result.related and result.validation is not None:
        done = "were not tuned on" if result.task.related == "drop" else "were tuned on all the same (--related keep)"
        say(
            f"{len(result.related)} {what} of {result.validation.data.name} have relatives in "
            f"{result.test.data.name} and {done}: {', '.join(result.related)}"
        )
    for line in [] if result.task.scoring.of_proteins else unjudged(result):
        say(line)
    if result.task.scoring.of_proteins:
        for note in dict.fromkeys(
            note for part in (result.validation, result.test) if part for note in part.data.notes
        ):
            say(note)
    if alone := read_alone(result.encoder, result.test.rnas, result.test.data.name):
        say(alone)
    if windowed := tables.windowed(result):
        say(f"{result.test.data.name}: {windowed}")
    reasons: dict[str, list[str]] = {}
    for one in result.skipped:
        why = f"{'failed' if one.failed else 'skipped'}: {one.reason.removeprefix(one.id + ': ')}"
        reasons.setdefault(why, []).append(one.id)
    for why, ids in reasons.items():
        say(f"{len(ids)} {what} {why} ({', '.join(ids[:3])}{', ...' if len(ids) > 3 else ''})")


def pairs_question(path: Path, shard: str, *, csv: Path | None, json: bool) -> None:
    """All runs of a question, or one shard of them, in one table; what is done already is read from the store."""
    question = read_question(path)
    first, step = places(shard)
    tasks = question.tasks()[first::step]
    if not is_first_process():
        _help(tasks)
        return
    answers, failures = _answers(tasks, {"rnaexp.question": question.name})
    conclude(
        answers,
        name=question.name,
        title=question.title,
        note=question.note,
        contrasts=question.contrasts,
        csv=csv,
        json=json,
    )
    _raise_first(failures, len(tasks))


def _help(tasks: Sequence[Task]) -> None:
    """A process that computes its share for the first one."""
    for one in tasks:
        classify_beside(None, one, Store(), run_structure(one, Store(), silence).encoder)


def _answers(tasks: Sequence[Task], tags: Mapping[str, object]) -> tuple[list[Answer], list[Failure]]:
    """Each task done and tracked; what fails is said, and the others go on."""
    answers, failures = list[Answer](), list[Failure]()
    for one in tasks:
        try:
            answers.append(_tracked(one, Store(), None, tags))
        except (InputError, LeakageError, UnavailableError) as error:
            failures.append((one.model, error))
            say(f"{one.model}: {error}")
    return answers, failures


def _raise_first(failures: Sequence[Failure], tasks: int) -> None:
    if failures:
        message = f"{len(failures)} of {tasks} runs did not end: {', '.join(name for name, _ in failures)}"
        raise type(failures[0][1])(message)


def score(
    *,
    name: str,
    pairs: Path | None,
    maps: Path | None,
    heads_per_layer: int,
    suffix: str,
    validation: str,
    test: str,
    protocol: str,
    overrides: Mapping[str, Any],
    related: str,
    json: bool,
    strict: bool = False,
) -> None:
    """Another tool's output as a row: its files stand in for the model.

    An RNA whose file is missing or wrong is left out, and listed in `skipped.csv`.
    Raises: InputError also, if `strict`, for such an RNA.
    """
    if not name.strip() or name in models.names():
        message = f"--name {name!r}: choose a name that no model of the catalogue has"
        raise InputError(message)
    if (pairs is None) == (maps is None):
        message = "give either --pairs or --maps"
        raise InputError(message)
    if maps is not None:
        encoder = load_maps(maps, name=name, heads_per_layer=heads_per_layer or None, suffix=suffix)
    else:
        assert pairs is not None
        encoder = load_pairs(pairs, name=name, suffix=suffix)
    asked = task(model=name, validation=validation, test=test, protocol=protocol, overrides=overrides, related=related)
    if encoder.binary and not validation:
        asked = replace(asked, tuned=_called_already(encoder, asked))
    told = run_one(asked, json=json, encoder=encoder)
    if told is not None and told["skipped"]:
        list_left_out(maps or pairs or Path(), told["skipped"], strict=strict)


def _called_already(encoder: FileEncoder, asked: Task) -> TunedHead:
    """Pairs without scores leave nothing to tune: every one of them is a call."""
    return TunedHead(
        model=encoder.spec.name,
        weights=encoder.fingerprint,
        layer=0,
        head=0,
        threshold=0.5,
        validation_f1=None,
        tuned_on="",
        tuned_on_sha256="",
        sequences=(),
        clusters=(),
        read_out=PAIR_SCORES,
        scoring=asked.scoring,
    )
