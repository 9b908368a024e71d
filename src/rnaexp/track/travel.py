"""Runs out of a tracking store into result files, and result files into a tracking store, or into tables alone."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnaexp.data.csv_text import neutral_rows
from rnaexp.errors import InputError
from rnaexp.track.export import find_run, model_runs_of, params_of, read_table, runs_in, text_of_artifacts
from rnaexp.track.names import safe_name
from rnaexp.track.result_file import FORMAT, VERSION, Header, ResultData, ResultFile, ResultRun
from rnaexp.track.runs import RunHandle, tracked_run
from rnaexp.track.store import client, target

if TYPE_CHECKING:
    import pandas as pd

IMPORTED = "rnaexp.imported"  # tag of an imported run: the hash of its file
_STEPS = ("tune", "test", "classify", "fitness", "task")
_OWN_TAGS = ("rnaexp.uuid", "rnaexp.heartbeat", "rnaexp.kind", IMPORTED)  # made anew where it is imported
_NOTE = "mlflow.note.content"


def export(run_id: str, folder: Path) -> list[Path]:
    """Write a model's run into a file of its own; a question's with each finished run of its models.

    Raises: UnavailableError if there is no such run, InputError for a run that did not finish or is of no such kind.
    """
    run = find_run(run_id)
    run_id = run.info.run_id
    kind = run.data.tags.get("rnaexp.kind")
    if kind not in ("parent", "question") or run.info.status != "FINISHED":
        message = f"run {run_id}: {kind}, {run.info.status}; give a finished run of a model or of a question"
        raise InputError(message)
    path = folder / f"{safe_name(run.info.run_name.replace(' · ', '_'))}-{run_id[:8]}.jsonl"
    _file_of(client(target()), run).write(path)
    return [path, *(written for one in model_runs_of(run_id, "parent") for written in export(one, folder))]


def _file_of(connection: Any, run: Any) -> ResultFile:
    below = f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
    steps = connection.search_runs([run.info.experiment_id], below, order_by=["attributes.start_time ASC"])
    own = [one for one in steps if one.data.tags.get("rnaexp.kind") in _STEPS]
    kept = text_of_artifacts(run, "recipe.json").get("recipe.json")
    # Where it lay on the machine that made it is nobody else's.
    recipe = None if kept is None else {key: value for key, value in json.loads(kept).items() if key != "directory"}
    return ResultFile(
        header=Header(
            format=FORMAT,
            version=VERSION,
            run_id=run.info.run_id,
            rnaexp=run.data.tags.get("rnaexp.version", version("rnaexp")),
            recipe=recipe,
        ),
        runs=tuple(_run(one) for one in (run, *own)),
    )


def _run(run: Any) -> ResultRun:
    tags = {key: value for key, value in run.data.tags.items() if key not in _OWN_TAGS}
    return ResultRun(
        kind=run.data.tags["rnaexp.kind"],
        name=run.info.run_name,
        started=run.info.start_time,
        ended=run.info.end_time,
        params=params_of(run),
        metrics=dict(run.data.metrics),
        tags={key: value for key, value in tags.items() if key == _NOTE or not key.startswith("mlflow.")},
        data=tuple(_data(one) for one in run.inputs.dataset_inputs),
        tables=text_of_artifacts(run, ".csv"),
    )


def _data(used: Any) -> ResultData:
    profile, source = json.loads(used.dataset.profile), json.loads(used.dataset.source)
    return ResultData(
        name=used.dataset.name,
        sha256=profile["sha256"],
        source=source.get("uri", ""),
        context=next((tag.value for tag in used.tags if tag.key == "mlflow.data.context"), "data"),
        rows=profile["num_rows"],
    )


def imported_already(experiment: str) -> dict[str, str]:
    """Ids of imported runs by the hashes of their files."""
    runs = runs_in(experiment, f"tags.`{IMPORTED}` LIKE '%' and attributes.status = 'FINISHED'")
    return {run.data.tags[IMPORTED]: run.info.run_id for run in runs}


def bring_in(found: ResultFile, experiment: str) -> str | None:
    """The id of the new run, marked as imported, at the times that it had; None while the store is not reachable."""
    first, *steps = found.runs
    marked = {**first.tags, IMPORTED: found.sha256, "rnaexp.imported.run": found.header.run_id}
    kind: Any = first.kind
    with tracked_run(
        first.name, kind=kind, params=first.params, tags=marked, experiment=experiment, at=(first.started, first.ended)
    ) as run:
        _fill(run, first)
        if found.header.recipe is not None:
            run.text(json.dumps(found.header.recipe, indent=1), "recipe.json")
        for step in steps:
            of_step: Any = step.kind
            with run.child(
                step.name, kind=of_step, params=step.params, tags=step.tags, at=(step.started, step.ended)
            ) as child:
                _fill(child, step)
    return run.run_id


def _fill(run: RunHandle, found: ResultRun) -> None:
    run.metrics(found.metrics)
    for one in found.data:
        run.data_set(one.name, sha256=one.sha256, source=one.source, context=one.context, rows=one.rows)
    for name, text in found.tables.items():
        run.text(_neutral(text), name)


def _neutral(text: str) -> str:
    """The same table, every digit kept, in which no cell is a formula."""
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerows(neutral_rows([*csv.reader(io.StringIO(text))]))
    return made.getvalue()


def runs_of_files(files: Sequence[ResultFile]) -> "pd.DataFrame":
    """As `export.runs_table` gives them of a store: a row a model's run, newest first."""
    import pandas as pd

    fixed = ["run_id", "name", "status", "started"]
    rows = [
        {
            "run_id": file.header.run_id,
            "name": file.runs[0].name,
            "status": "FINISHED",
            "started": pd.Timestamp(file.runs[0].started, unit="ms", tz="UTC"),
            **{f"params.{key}": value for key, value in file.runs[0].params.items()},
            **{f"metrics.{key}": value for key, value in file.runs[0].metrics.items()},
            **{f"tags.{key}": value for key, value in file.runs[0].tags.items()},
        }
        for file in sorted(files, key=lambda file: -file.runs[0].started)
        if file.runs[0].kind == "parent"
    ]
    table = pd.DataFrame(rows)
    return table.reindex(columns=[*fixed, *sorted(set(table.columns) - set(fixed))])


def tables_of_files(
    files: Sequence[ResultFile], wanted: Mapping[str, Sequence[str]]
) -> "dict[str, dict[tuple[str, str], pd.DataFrame]]":
    """As `export.child_tables` gives them of a store: of each run its steps' tables by (kind, name)."""
    return {
        file.header.run_id: {
            (step.kind, name): read_table(io.StringIO(step.tables[name]))
            for step in file.runs[1:]
            for name in wanted.get(step.kind, ())
            if name in step.tables
        }
        for file in files
    }


def question_tables_of_files(files: Sequence[ResultFile], name: str) -> "dict[str, pd.DataFrame]":
    """As `export.question_tables` gives them of a store: the newest table of each question."""
    found: dict[str, pd.DataFrame] = {}
    for file in sorted(files, key=lambda file: file.runs[0].started):
        first = file.runs[0]
        if first.kind == "question" and name in first.tables:
            found[first.tags.get("rnaexp.question", first.name)] = read_table(io.StringIO(first.tables[name]))
    return found
