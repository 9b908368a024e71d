"""What the verbs of the command line do, once their words are understood."""

import json as json_format
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rnaexp import models
from rnaexp.data.alter import HOWS
from rnaexp.errors import InputError, LeakageError, UnavailableError
from rnaexp.models.files import FileEncoder, load_maps, load_pairs
from rnaexp.models.spec import Encoder, refuse_without_attention
from rnaexp.report import screen, tables
from rnaexp.report.progress import announce, say, silence
from rnaexp.run.classify_verbs import classify_beside, families_beside
from rnaexp.run.conclude import conclude, write_csv
from rnaexp.run.contacts import TASK, validation_of_proteins
from rnaexp.run.contrasts import Answer
from rnaexp.run.own import list_left_out
from rnaexp.run.question import places, read_question
from rnaexp.run.read import is_first_process, read_alone
from rnaexp.run.record import record
from rnaexp.run.structure import run_structure
from rnaexp.run.task import Announce, Result, Task
from rnaexp.store import Store, read_json
from rnaexp.structure.heads import TunedHead
from rnaexp.structure.protocol import PAIR_SCORES, ReadOut, scoring, squash_of
from rnaexp.structure.windows import long_policy
from rnaexp.track.orphan import watch_parent
from rnaexp.track.runs import tracked_run


def task(
    *,
    model: str,
    test: str,
    validation: str | None = None,
    protocol: str = "paper",
    overrides: Mapping[str, Any] | None = None,
    related: str = "drop",
    families: str = "",
    score_scale: str = "raw",
    alignment: str = "intact",
    long: str = "skip",
    tuned: TunedHead | None = None,
    **how: Any,
) -> Task:
    """A task from words; an empty word leaves the protocol's own value. `how`: see `loading`.

    Raises: InputError for a value that is not allowed.
    """
    if not model:
        message = "say which model: --model NAME (`rnaexp models` lists them)"
        raise InputError(message)
    for name, value, known in (("related", related, ("drop", "keep")), ("alignment", alignment, HOWS)):
        if value not in known:
            message = f"--{name} {value!r}: must be {' or '.join(known)}"
            raise InputError(message)
    try:
        squash = tuned.read_out.squash if tuned else squash_of(protocol)
        ReadOut(score_scale=score_scale, squash=squash)  # type: ignore[arg-type]
        chosen = tuned.scoring if tuned else scoring(protocol, **{k: v or None for k, v in (overrides or {}).items()})
    except ValueError as error:
        raise InputError(str(error)) from error
    if chosen.of_proteins:
        families, validation = "none", validation_of_proteins(validation, test)
    return Task(
        model=model,
        validation=validation or None,
        test=test,
        scoring=chosen,
        score_scale=score_scale,  # type: ignore[arg-type]
        squash=squash,
        alignment=alignment,  # type: ignore[arg-type]
        related="keep" if related == "keep" else "drop",
        long=long_policy(long),
        families=families_beside(model, families),
        tuned=tuned,
        loading=loading(model, tuned=tuned, **how),
    )


def loading(
    model: str,
    weights: str = "",
    config: str = "",
    device: str = "auto",
    seed: int = 0,
    precision: str = "fp32",
    token_pairs: str = "mean",
    tuned: TunedHead | None = None,
) -> dict[str, Any]:
    """What `models.load` needs; a tuned head is applied to scores made as those that it was tuned on."""
    return {
        "name": model,
        "weights": Path(weights) if weights else None,
        "config": read_json(Path(config)) if config else None,
        "device": device,
        "seed": seed,
        "precision": precision,
        "token_pairs": token_pairs if tuned is None else tuned.read_out.token_pairs,
    }


def run_one(
    task: Task, *, json: bool, csv: Path | None = None, encoder: Encoder | None = None, register: bool = False
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
        message = (
            "--register: contacts of proteins are a reference task; what is registered predicts base pairs of RNAs"
        )
        raise InputError(message)
    watch_parent()
    told = _tracked(task, store, encoder, {}).told
    write_csv([told], csv)
    if json:
        sys.stdout.write(json_format.dumps(told) + "\n")
    else:
        screen.show([told])
    if register:
        for line in _registered(told["run_id"]):
            say(line)
    return told


def _registered(run_id: str | None) -> list[str]:
    from rnaexp.run import registering

    if run_id is None:
        message = "the run is not in MLflow yet, so it is not registered: rnaexp sync, then rnaexp register RUN"
        raise UnavailableError(message)
    return registering.register(run_id)


def _tracked(task: Task, store: Store, encoder: Encoder | None, tags: Mapping[str, object]) -> Answer:
    """Run and log; what is told of it is small, its tables are let go."""
    start = time.monotonic()
    of_proteins = task.scoring.of_proteins
    with tracked_run(task.model, tags={**tags, **({"rnaexp.task": TASK} if of_proteins else {})}) as run:
        result = run_structure(task, store, _progress(task), encoder)
        if result.tuned is not None and result.validation is not None and not of_proteins:
            store.put_tuned(task.model, result.tuned.to_json())
        record(run, result, store, _progress(task), seconds=time.monotonic() - start)
        classify_beside(run, task, store, result.encoder)
    _warn(result, store)
    f1 = None if result.evaluation is None else result.evaluation.per_rna[["rna", "cluster", "f1"]]
    return Answer(told=tables.as_json(result, run.run_id), f1=f1)


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
        for one in tasks:
            classify_beside(None, one, Store(), run_structure(one, Store(), silence).encoder)
        return
    answers: list[Answer] = []
    failures: list[tuple[str, InputError | LeakageError | UnavailableError]] = []
    for one in tasks:
        try:
            answers.append(_tracked(one, Store(), None, {"rnaexp.question": question.name}))
        except (InputError, LeakageError, UnavailableError) as error:
            failures.append((one.model, error))
            say(f"{one.model}: {error}")
    conclude(question, answers, csv=csv, json=json)
    if failures:
        message = f"{len(failures)} of {len(tasks)} runs did not end: {', '.join(name for name, _ in failures)}"
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


def find_tuned(model: str, where: str) -> TunedHead:
    """A tuned head from a file, an MLflow run, or the newest of the model in the store.

    Raises: UnavailableError naming the command that makes one.
    """
    if where and Path(where).is_file():
        return TunedHead.from_json(read_json(Path(where)))
    if where:
        from rnaexp.track.export import fetch_artifact

        return TunedHead.from_json(read_json(fetch_artifact(where, "tuned_head.json")))
    found = Store().newest_tuned(model)
    if found is None:
        refuse_without_attention(models.spec(model))
        message = f"no tuned head of {model} in the store; make one: rnaexp run --model {model}"
        raise UnavailableError(message)
    return TunedHead.from_json(found)
