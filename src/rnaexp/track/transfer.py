"""One tracking store into another by MLflow's own client: experiments and runs.

MLflow gives every run a new id; the earlier one stays as a tag, by which rnaexp still finds the run, and by which a
transfer that was stopped goes on: what is marked whole is not touched again, the rest is written once more, and MLflow
keeps one row for equal metrics, parameters and tags.
"""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnaexp.errors import UnavailableError
from rnaexp.progress import announce
from rnaexp.track.names import EARLIER
from rnaexp.track.store import Target, client, open_experiment, pages

_WHOLE = "rnaexp.transferred.whole"
OWN_TAGS = frozenset({EARLIER, _WHOLE})
_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_PAGE, _BATCH, _METRICS = 1000, 100, 500  # runs, tags or parameters, points in one call; MLflow takes 100 tags at most
_TRANSFERRED = f"tags.`{EARLIER}` LIKE '%'"
OPEN = ("RUNNING", "SCHEDULED")  # statuses of runs that are not over
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "5", "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}  # no run waits for these


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Where from and where to; ids here and there of runs and logged models, as they become known."""

    source: Any
    target: Any
    source_uri: str
    target_uri: str
    ids: dict[str, str] = field(default_factory=dict)

    def mapped(self, text: str) -> str:
        """The text with every id of this store's as the other store has it."""
        return _ID.sub(lambda found: self.ids.get(found[0], found[0]), text)

    def mapped_all(self, values: Mapping[str, str]) -> dict[str, str]:
        """Of each value."""
        return {key: self.mapped(value) for key, value in values.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A run here and there; `whole`: it arrived in an earlier call."""

    source: Any
    target_id: str
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One experiment: its ids, its runs, and how many that still run were left."""

    source_id: str
    target_id: str
    runs: tuple[Pair, ...]
    running: int


def opened(source: Target, uri: str) -> Stores:
    """Both stores. Raises: UnavailableError where they are the same."""
    os.environ |= {name: value for name, value in _PATIENCE.items() if name not in os.environ}
    if source.uri.rstrip("/") == uri.rstrip("/"):
        message = f"{source.public_uri}: a store cannot be transferred into itself"
        raise UnavailableError(message)
    there = Target(uri=uri, experiment=source.experiment)
    return Stores(source=client(source), target=client(there), source_uri=source.uri, target_uri=uri)


def begin(stores: Stores) -> list[Moved]:
    """Make every experiment and run that is not there yet; nothing of the runs is written, but all ids are known."""
    found = []
    for experiment in pages(stores.source.search_experiments):
        runs = [*pages(stores.source.search_runs, [experiment.experiment_id], size=_PAGE)]
        left = _running(runs)
        if not runs and experiment.name == "Default":
            continue
        there = open_experiment(Target(uri=stores.target_uri, experiment=experiment.name))
        known = {
            run.data.tags[EARLIER]: run for run in pages(stores.target.search_runs, [there], _TRANSFERRED, size=_PAGE)
        }
        pairs = []
        for run in runs:
            if run.info.run_id in left:
                continue
            made = known.get(run.info.run_id) or _created(stores, run, there)
            stores.ids[run.info.run_id] = made.info.run_id
            pairs.append(Pair(source=run, target_id=made.info.run_id, whole=_WHOLE in made.data.tags))
        _experiment_tags(stores, experiment, there)
        found.append(Moved(source_id=experiment.experiment_id, target_id=there, runs=tuple(pairs), running=len(left)))
    return found


def _running(runs: Sequence[Any]) -> set[str]:
    """Ids of the runs that are not over, and of all that stand below them."""
    left = {run.info.run_id for run in runs if run.info.status in OPEN}
    while more := {run.info.run_id for run in runs if run.data.tags.get("mlflow.parentRunId") in left} - left:
        left |= more
    return left


def _created(stores: Stores, run: Any, experiment: str) -> Any:
    user = {key: value for key, value in run.data.tags.items() if key == "mlflow.user"}  # MLflow looks for it at once
    tags = {EARLIER: run.info.run_id, **user}
    return stores.target.create_run(experiment, run.info.start_time, tags, run.info.run_name)


def _experiment_tags(stores: Stores, experiment: Any, there: str) -> None:
    """Those that the experiment there does not have: its own description stays."""
    present = stores.target.get_experiment(there).tags
    for key, value in experiment.tags.items():
        if key not in present:
            stores.target.set_experiment_tag(there, key, stores.mapped(value))


def fill(stores: Stores, moved: Sequence[Moved]) -> None:
    """Write all of every run that is not whole there."""
    pairs = [pair for one in moved for pair in one.runs]
    with announce("transfer", len(pairs), "runs") as done:
        for pair in pairs:
            if not pair.whole:
                _fill(stores, pair.source, pair.target_id)
            done(1)


def _fill(stores: Stores, run: Any, there: str) -> None:
    from mlflow.entities import Param, RunTag

    target = stores.target
    for some in batches([Param(*each) for each in run.data.params.items()], _BATCH):
        target.log_batch(there, params=some)
    for some in batches(points(stores.source, run), _METRICS):
        target.log_batch(there, metrics=some)
    for some in batches([RunTag(*each) for each in stores.mapped_all(run.data.tags).items()], _BATCH):
        target.log_batch(there, tags=some)
    _links(stores, run, there)
    with local_copy(run.info.artifact_uri, stores.source_uri) as folder:
        if any(folder.iterdir()):
            target.log_artifacts(there, str(folder))
    target.set_terminated(there, run.info.status, run.info.end_time)
    target.set_tag(there, _WHOLE, "yes")


def _links(stores: Stores, run: Any, there: str) -> None:
    """Data sets, and logged models that went in and came out."""
    from mlflow.entities import DatasetInput, LoggedModelInput, LoggedModelOutput

    for used in run.inputs.dataset_inputs:  # one by one: MLflow drops one of two that differ in their tags alone
        stores.target.log_inputs(there, [DatasetInput(used.dataset, used.tags)])
    known = stores.target.get_run(there)
    present = {one.model_id for one in known.inputs.model_inputs}
    for read in run.inputs.model_inputs:
        if (model := stores.mapped(read.model_id)) not in present:
            stores.target.log_inputs(there, models=[LoggedModelInput(model)])
    present = {one.model_id for one in known.outputs.model_outputs}  # which MLflow would enter twice
    for made in run.outputs.model_outputs:
        if (model := stores.mapped(made.model_id)) not in present:
            stores.target.log_outputs(there, [LoggedModelOutput(model, made.step)])


def points(connection: Any, run: Any) -> list[Any]:
    """Every value of every metric, with its time and step."""
    from mlflow.entities import Metric

    return [
        Metric(one.key, one.value, one.timestamp, one.step)
        for key in sorted(run.data.metrics)
        for one in connection.get_metric_history(run.info.run_id, key)
    ]


@contextmanager
def local_copy(address: str, uri: str) -> Iterator[Path]:
    """An address of artifacts as a folder of this machine, an empty one where nothing is there."""
    from mlflow.artifacts import download_artifacts, list_artifacts

    with tempfile.TemporaryDirectory(prefix="rnaexp-transfer-") as scratch:
        found = list_artifacts(artifact_uri=address, tracking_uri=uri)
        yield Path(download_artifacts(artifact_uri=address, tracking_uri=uri, dst_path=scratch) if found else scratch)


def batches(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """One after another, at most `size` in each."""
    return (values[at : at + size] for at in range(0, len(values), size))
