"""The verb `watch`: every checkpoint of a training scored once as it appears, all of them one curve and one run."""

import json as json_format
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from rnaexp.data.atomic import write_atomically
from rnaexp.errors import InputError, LeakageError, ScoreError, UnavailableError
from rnaexp.experiment.checkpoints import Checkpoint, arrivals, look
from rnaexp.experiment.jobs import pairs_job
from rnaexp.experiment.runner import measure
from rnaexp.models.in_training import load_checkpoint
from rnaexp.progress import announce, say
from rnaexp.reading.derived import packed, unpacked
from rnaexp.reading.store import Store, key_of
from rnaexp.report import screen
from rnaexp.stats.verdict import too_few
from rnaexp.tasks.context import Context
from rnaexp.tasks.pairs.learning import Row, curve_figure, curve_table, findings, row_of, tradeoff_path
from rnaexp.tasks.pairs.settings import Task
from rnaexp.track.export import runs_in
from rnaexp.track.orphan import watch_parent
from rnaexp.track.outbox import now, sync
from rnaexp.track.runs import RunHandle, tracked_run
from rnaexp.track.store import EXPERIMENT, target

_SCHEMA = 1  # raise when what is kept of a checkpoint changes
_TAG = "rnaexp.watch"
_SHOWN = ["step", "f1", "f1_low", "f1_high", "validation_f1", "layer", "head", "overlap_ratio", "clears_controls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """How a folder is looked at. `every`, `idle`: seconds; `compare`: steps, each against another."""

    once: bool = False
    every: float = 10.0
    idle: float = 0.0
    compare: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class _Curve:
    """What is known so far. `left_out`: the reason, by checkpoint."""

    rows: dict[int, Row] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def in_order(self) -> list[Row]:
        return [self.rows[step] for step in sorted(self.rows)]


def watch(folder: Path, task: Task, like: str, how: Watching, *, csv: Path | None, json: bool) -> None:
    """Score each checkpoint, add it to the curve, and go on until the end that `how` names, or until stopped.

    What was scored before is read from the store, and the run in MLflow is continued.

    Raises: InputError for a folder that is none, UnavailableError; InputError if no checkpoint could be scored.
    """
    watch_parent()
    look(folder)
    store, curve, question = Store(), _Curve(), _question(folder, task, like)
    with tracked_run(
        f"{folder.resolve().name} watched",
        kind="watch",
        tags={_TAG: key_of(question)},
        continues=_earlier(question, store),
    ) as run:
        store.put(key_of(question), packed({}))
        run.params({name: value for name, value in question.items() if name != "uri"})
        for checkpoint in arrivals(folder, every=how.every, once=how.once, idle=how.idle):
            if _take(checkpoint, task, like, store, curve, question):
                _log(run, curve, how, folder)
        curve.left_out |= {each.path.name: f"not whole: {each.lacks}" for each in look(folder) if each.lacks}
        if curve.rows:
            _log(run, curve, how, folder)
        elif how.once:
            raise InputError(_nothing(curve), path=folder)
        _conclude(run, curve, how, csv=csv, json=json)


def _question(folder: Path, task: Task, like: str) -> dict[str, Any]:
    """What the curve is of: with another answer to any of these it is another curve and another run."""
    return {
        "checkpoints": str(folder.resolve()),
        "model_like": like or None,
        "validation": task.validation,
        "test": task.test,
        "families": task.families or None,
        "protocol": str(asdict(task.scoring)),
        "read_out": f"{task.score_scale} {task.squash}",
        "related": task.related,
        "long": task.long,
        "alignment": task.alignment,
        "token_pairs": task.loading.get("token_pairs"),
        "config": task.loading.get("config"),
        "precision": task.loading.get("precision"),
        "uri": target().public_uri,
    }


def _earlier(question: Mapping[str, Any], store: Store) -> str | None:
    """MLflow's id of the run that an earlier watching of the same left, if its rows are in the store."""
    if not store.has(key_of(question)):
        return None
    sync()  # what a killed one could not send, while its run can still be found
    with suppress(UnavailableError):
        found = runs_in(EXPERIMENT, f"tags.`{_TAG}` = '{key_of(question)}'")
        return str(found[0].info.run_id) if found else None
    return None


def _take(
    checkpoint: Checkpoint, task: Task, like: str, store: Store, curve: _Curve, question: Mapping[str, Any]
) -> bool:
    """Its row into the curve, or why there is none among what was left out; whether the row is a new one."""
    name = checkpoint.path.name
    curve.left_out.pop(name, None)
    for step in [step for step, row in curve.rows.items() if row.checkpoint == name]:
        del curve.rows[step]  # it was written anew
    key = key_of({"watched": _SCHEMA, **question, "name": name, "state": checkpoint.state})
    held = store.get(key)
    try:
        row = _scored(checkpoint.path, task, like) if held is None else unpacked(held)
    except (InputError, UnavailableError, ScoreError, LeakageError) as error:
        curve.left_out[name] = str(error)
        say(f"{name}: left out: {error}")
        return False
    if held is None:
        store.put(key, packed(row))
    if row.step in curve.rows:
        curve.left_out[name] = f"step {row.step} is that of {curve.rows[row.step].checkpoint}"
        return False
    curve.rows[row.step] = row
    what = "known" if held is not None else f"F1 {row.figures['rnaexp/pairs/f1']:.3f}"
    say(f"step {row.step}, {name}: {what}")
    return held is None


def _scored(path: Path, task: Task, like: str) -> Row:
    how = {name: value for name, value in task.loading.items() if name not in ("name", "weights")}
    step, encoder = load_checkpoint(path, like=like, **how)
    done = measure(pairs_job(task, encoder), Context(announce=announce), None)
    if done.answer is None or done.answer.f1 is None:
        message = "no head could be tuned"
        raise InputError(message, path=path)
    return row_of(done.answer, step=step, checkpoint=path.name, fingerprint=encoder.fingerprint, logged=now())


def _log(run: RunHandle, curve: _Curve, how: Watching, folder: Path) -> None:
    """All of the curve. A step that MLflow has is not there twice: its figures have the time of their making."""
    rows = curve.in_order
    for row in rows:
        run.metrics(row.figures, step=row.step, time=row.logged)
    table, found = curve_table(rows), findings(rows, how.compare)
    run.table(table, "curve.csv")
    run.table(found.comparisons, "comparisons.csv")
    title = f"{folder.resolve().name} on {rows[0].test}"
    run.figure(curve_figure(table, list(rows[0].controls), title), "curve.png")
    if "overlap_ratio" in table:
        run.figure(tradeoff_path(table, found.best, title), "tradeoff.png")
    what = {"best_step": found.best, "emergence": found.emergence.first, "emergence.lasting": found.emergence.lasting}
    run.tags({f"rnaexp.{name}": "none" if value is None else value for name, value in what.items()})


def _conclude(run: RunHandle, curve: _Curve, how: Watching, *, csv: Path | None, json: bool) -> None:
    if curve.left_out:
        run.table(pd.DataFrame(curve.left_out.items(), columns=["checkpoint", "reason"]), "left_out.csv")
    if not curve.rows:
        return
    rows = curve.in_order
    table, found = curve_table(rows), findings(rows, how.compare)
    if csv is not None:
        write_atomically(csv, table.to_csv(index=False).encode())
    if json:
        left_out = [{"checkpoint": name, "reason": why} for name, why in curve.left_out.items()]
        record = {"curve": json_format.loads(table.to_json(orient="records")), "left_out": left_out}
        sys.stdout.write(json_format.dumps({**record, **found.to_json(), "run_id": run.run_id}) + "\n")
        return
    screen.show_frame(table[[name for name in _SHOWN if name in table]], "learning curve")
    if len(found.comparisons):
        screen.show_frame(found.comparisons, "steps compared on the test set (the best is the validation set's)")
    first, lasting = found.emergence.first, found.emergence.lasting
    clusters = rows[0].f1["cluster"].nunique()
    few = f" ({why})" if (why := too_few(int(clusters))) else ""
    when = (
        f"at no step{few}"
        if first is None
        else f"first at step {first}, "
        + ("but not at the last one" if lasting is None else f"for good from step {lasting}")
    )
    sys.stdout.write(f"clearly above every control without energies: {when}\n")
    for name, why in curve.left_out.items():
        sys.stdout.write(f"left out: {name}: {why}\n")


def _nothing(curve: _Curve) -> str:
    if not curve.left_out:
        return "no checkpoint in it: folders checkpoint-N, files .ckpt, .pt or .pth"
    name, why = next(iter(curve.left_out.items()))
    return f"none of {len(curve.left_out)} checkpoints could be scored; {name}: {why}"
