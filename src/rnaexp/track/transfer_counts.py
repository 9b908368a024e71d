"""What two tracking stores hold of what was transferred, counted in each by asking it again."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rnaexp.errors import UnavailableError
from rnaexp.progress import say
from rnaexp.track.store import Target, pages, reason
from rnaexp.track.transfer import OPEN, OWN_TAGS, Moved, Stores, begin, fill, opened, points
from rnaexp.track.transfer_models import MovedModel, MovedRegistry, link_metrics, move_models, move_registry, tag_models

_OF_READERS = ("__pycache__", "registered_model_meta")  # what Python and MLflow leave where a local model is loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many of one thing there are here and there."""

    what: str
    source: int
    target: int


def transfer(source: Target, uri: str) -> list[Count]:
    """All of a store into another, and both counted; called again after it was stopped, it goes on.

    Runs that are not over are left, and so is what was deleted.
    Raises: UnavailableError where one of the stores cannot be reached or refuses; what is there then is kept.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        stores = opened(source, uri)
        moved = begin(stores)
        models = move_models(stores, moved)
        fill(stores, moved)
        link_metrics(stores, models)
        registry = move_registry(stores)
        tag_models(stores, models)
        if running := sum(one.running for one in moved):
            say(f"{running} runs are not over, or stand below such a run: they are left for another call")
        for line in registry.left:
            say(f"left: {line}")
        return counts(stores, moved, models, registry)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        message = f"transfer: {reason(error)}; call it again to go on"
        raise UnavailableError(message) from error


def counts(
    stores: Stores, moved: Sequence[Moved], models: Sequence[MovedModel], registry: MovedRegistry
) -> list[Count]:
    """A line each kind of thing, as each store has it now."""
    pairs = [pair for one in moved for pair in one.runs]
    here = _of_runs(stores.source, stores.source_uri, (pair.source.info.run_id for pair in pairs))
    there = _of_runs(stores.target, stores.target_uri, (pair.target_id for pair in pairs))
    here |= _of_models(stores.source, stores.source_uri, (one.source.model_id for one in models))
    there |= _of_models(stores.target, stores.target_uri, (one.target_id for one in models))
    here |= _of_registry(stores.source, registry.names)
    there |= _of_registry(stores.target, registry.names)
    return [Count(what=what, source=here[what], target=there[what]) for what in here]


def _of_runs(connection: Any, uri: str, run_ids: Iterable[str]) -> Counter[str]:
    names = ("runs", "parameters", "points of metrics", "tags of runs", "data sets", "files of runs", "bytes of runs")
    found = Counter(dict.fromkeys(names, 0))
    for run_id in run_ids:
        run = connection.get_run(run_id)
        found["runs"] += run.info.status not in OPEN
        found["parameters"] += len(run.data.params)
        found["points of metrics"] += len(points(connection, run))
        found["tags of runs"] += len(run.data.tags.keys() - OWN_TAGS)
        found["data sets"] += len(run.inputs.dataset_inputs)
        sizes = _sizes(run.info.artifact_uri, uri)
        found["files of runs"] += len(sizes)
        found["bytes of runs"] += sum(sizes)
    return found


def _of_models(connection: Any, uri: str, model_ids: Iterable[str]) -> Counter[str]:
    names = ("logged models", "figures of logged models", "files of logged models")
    found = Counter(dict.fromkeys(names, 0))
    for model_id in model_ids:
        model = connection.get_logged_model(model_id)
        found["logged models"] += 1
        found["figures of logged models"] += len(model.metrics or ())
        found["files of logged models"] += len(_sizes(model.artifact_location, uri))
    return found


def _of_registry(connection: Any, names: Iterable[str]) -> Counter[str]:
    found = Counter(dict.fromkeys(("registered models", "versions", "aliases", "decisions on aliases"), 0))
    for name in names:
        registered = connection.get_registered_model(name)
        found["registered models"] += 1
        found["versions"] += sum(1 for _ in pages(connection.search_model_versions, f"name = '{name}'"))
        found["aliases"] += len(registered.aliases)
        found["decisions on aliases"] += sum(key.startswith("rnaexp.history.") for key in registered.tags)
    return found


def _sizes(address: str, uri: str) -> list[int]:
    """Bytes of every file below an address of artifacts."""
    from mlflow.artifacts import list_artifacts

    return [
        size
        for item in list_artifacts(artifact_uri=address, tracking_uri=uri)
        if not item.path.endswith(_OF_READERS)
        for size in (_sizes(f"{address}/{item.path.rpartition('/')[2]}", uri) if item.is_dir else [item.file_size])
    ]
