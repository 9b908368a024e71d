"""The same question again: found by the hash of all that its answer depends on, shown without a run."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rnaexp.errors import InputError, UnavailableError
from rnaexp.experiment.conclude import Shown
from rnaexp.experiment.recipe import recipe
from rnaexp.experiment.runner import Labels
from rnaexp.models.source import HUB
from rnaexp.plugins import BASELINES, MODELS, SETS, plugged
from rnaexp.progress import say
from rnaexp.reading.derived import source_sha256
from rnaexp.reading.processes import processes
from rnaexp.reading.store import read_json
from rnaexp.tasks.task import Job
from rnaexp.track.export import fetch_artifact, runs_in
from rnaexp.track.runs import RunHandle
from rnaexp.track.sealed import hash_of_part
from rnaexp.track.store import target

ANSWER = "answer.json"  # artifact of the run: what was shown
KEY = "rnaexp.answers"  # tag of the run: the hash of the question
_VARIABLES = ("RNAEXP_CATALOG", "RNAEXP_MODELS")
_PATIENCE = 2  # seconds
_TASKS = ("pairs", "families", "fitness")
_MOST_BYTES = 2**30  # of files that are hashed again


def key_of(jobs: Sequence[Job], labels: Labels) -> str | None:
    """Of what is run, the contents of the files it names, this code, and what its user calls it.

    None under torchrun, whose processes must all do the same; under `mlflow run`, which has opened a run that is to be
    filled; and where something may have changed that is not seen: a model in memory or at a hub, what another package
    adds, a very large folder.
    """
    if "MLFLOW_RUN_ID" in os.environ or processes() > 1:
        return None
    wanted, foreign = list[dict[str, Any]](), {name for group in (MODELS, BASELINES, SETS) for name in plugged(group)}
    for job in jobs:
        made = recipe(job)
        if made["task"] not in _TASKS or any(text.startswith(HUB) or text in foreign for text in _texts(made)):
            return None
        wanted.append({name: made[name] for name in ("task", "settings", "more") if name in made})
    given = {name: os.environ[name] for name in _VARIABLES if os.environ.get(name)}
    contents = {}
    for path in dict.fromkeys([*_paths(wanted), *map(Path, given.values())]):
        digest = _digest(path)
        if digest is None:
            return None
        contents[str(path)] = digest
    about = [dict(labels.tags), labels.name, labels.question, labels.shard, given]
    return hashlib.sha256(json.dumps([wanted, contents, about, source_sha256()], sort_keys=True).encode()).hexdigest()


def answered(key: str | None, experiment: str) -> tuple[str, list[Shown]] | None:
    """The newest finished run with an answer to this, and what it showed; a line names it. None where the store is out
    of reach, too."""
    if key is None or not _answers(target(experiment).uri):
        return None
    try:
        found = runs_in(experiment, f"tags.`{KEY}` = '{key}' and attributes.status = 'FINISHED'")
    except (UnavailableError, OSError):
        return None  # the run itself says so
    for run in found:
        run_id = str(run.info.run_id)
        try:
            held: list[dict[str, Any]] = read_json(fetch_artifact(run_id, ANSWER))["shown"]
            shown = [Shown(**part) for part in held]
        except (InputError, KeyError, TypeError, UnavailableError):
            continue  # of another version, or cut short: run it again
        say(f"answered by run {run_id} already, with the same settings, files and version; --again runs it anew")
        return run_id, shown
    return None


def _answers(uri: str) -> bool:
    """Whether a server is worth asking: one that hangs must not cost a run its patience twice."""
    if not uri.startswith("http"):
        return True
    import requests

    try:
        return bool(requests.get(f"{uri.rstrip('/')}/health", timeout=_PATIENCE).ok)
    except requests.RequestException:
        return False


def keep(run: RunHandle, key: str | None, shown: Sequence[Shown | None]) -> None:
    """What was shown, with the question's hash, in its run."""
    if key is not None:
        run.text(json.dumps({"shown": [asdict(part) for part in shown if part is not None]}), ANSWER)
        run.tags({KEY: key})


def _texts(values: Any) -> Iterator[str]:
    """Every text in plain values, however deep."""
    if isinstance(values, Mapping):
        values = list(values.values())
    if isinstance(values, list | tuple):
        for value in values:
            yield from _texts(value)
    elif isinstance(values, str):
        yield values


def _paths(values: Any) -> Iterator[Path]:
    """Every text in the settings that is a file or folder: a recipe has their paths in full."""
    for text in _texts(values):
        path = Path(text)
        if path.is_absolute() and path.exists():
            yield path


def _digest(path: Path) -> str | None:
    """Of a file, or of all files of a folder with their names; None of more than can be hashed in seconds."""
    size = sum(one.stat().st_size for one in [path, *path.rglob("*")] if one.is_file())
    return None if size > _MOST_BYTES else hash_of_part(path)
