"""Logged models and the registry of one tracking store into another: `transfer.py` moves the runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rnaexp.track.names import EARLIER
from rnaexp.track.store import pages
from rnaexp.track.transfer import Moved, Stores, local_copy

_ADDRESS = "models:/"
_STAND_IN = "rnaexp.transferred.deleted"  # tag of a version that only takes a number


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedModel:
    """A logged model here and its id there."""

    source: Any
    target_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedRegistry:
    """Names of registered models that are there now, and why others are not, a line each."""

    names: tuple[str, ...]
    left: tuple[str, ...]


def move_models(stores: Stores, moved: Sequence[Moved]) -> list[MovedModel]:
    """Every logged model of the runs with its files; one that arrived whole is not written again."""
    found = []
    for one in moved:
        search = stores.target.search_logged_models
        known = {model.tags[EARLIER]: model for model in pages(search, [one.target_id]) if EARLIER in model.tags}
        for model in pages(stores.source.search_logged_models, [one.source_id]):
            if model.source_run_id and model.source_run_id not in stores.ids:
                continue  # of a run that is not over
            made = known.get(model.model_id) or _created(stores, model, one.target_id)
            stores.ids[_bare(model.model_id)] = _bare(made.model_id)
            if str(made.status) not in ("READY", "FAILED"):
                with local_copy(model.artifact_location, stores.source_uri) as folder:
                    if any(folder.iterdir()):
                        stores.target.log_model_artifacts(made.model_id, str(folder))
                stores.target.finalize_logged_model(
                    made.model_id, "READY" if str(model.status) == "READY" else "FAILED"
                )
            found.append(MovedModel(source=model, target_id=made.model_id))
    return found


def _bare(model_id: str) -> str:
    """`m-` and 32 hexadecimal digits without the former, which other texts name it by."""
    return model_id.removeprefix("m-")


def _created(stores: Stores, model: Any, experiment: str) -> Any:
    run = stores.ids.get(model.source_run_id or "")
    tags = {**stores.mapped_all(model.tags), EARLIER: model.model_id}
    return stores.target.create_logged_model(experiment, model.name, run, tags, dict(model.params), model.model_type)


def link_metrics(stores: Stores, models: Sequence[MovedModel]) -> None:
    """Every figure of a logged model with the run and the data set that it has here, once."""
    from mlflow.entities import Metric

    for one in models:
        known = {_figure(metric) for metric in stores.target.get_logged_model(one.target_id).metrics or ()}
        for metric in one.source.metrics or ():
            run = stores.ids.get(metric.run_id)
            made = Metric(
                metric.key,
                metric.value,
                metric.timestamp,
                metric.step,
                model_id=one.target_id,
                dataset_name=metric.dataset_name,
                dataset_digest=metric.dataset_digest,
                run_id=run,
            )
            if run is not None and _figure(made) not in known:
                stores.target.log_batch(run, metrics=[made])


def _figure(metric: Any) -> tuple[Any, ...]:
    return metric.run_id, metric.key, metric.value, metric.timestamp, metric.step, metric.dataset_digest


def move_registry(stores: Stores) -> MovedRegistry:
    """Registered models with versions under their numbers, tags and aliases.

    A name that somebody else has registered there already is left alone.
    """
    import mlflow

    mlflow.set_tracking_uri(stores.target_uri)  # where MLflow looks for the logged model that a version names
    names, left = [], []
    for model in sorted(pages(stores.source.search_registered_models), key=lambda model: model.name):
        if why := _taken(stores, model.name):
            left.append(f"registered model {model.name}: {why}")
            continue
        missing = [*_versions(stores, model.name)]
        left += [f"{_ADDRESS}{model.name}/{number}: {why}" for number, why in missing]
        names.append(model.name)
        whole = stores.source.get_registered_model(model.name)
        for key, value in whole.tags.items():
            stores.target.set_registered_model_tag(model.name, key, stores.mapped(value))
        if whole.description:
            stores.target.update_registered_model(model.name, stores.mapped(whole.description))
        for alias, version in whole.aliases.items():
            if str(version) not in {number for number, _ in missing}:
                stores.target.set_registered_model_alias(model.name, alias, str(version))
    return MovedRegistry(names=tuple(names), left=tuple(left))


def _taken(stores: Stores, name: str) -> str:
    """Why the name cannot be used there, "" where it is free or was brought by an earlier call; then it exists."""
    from mlflow.exceptions import MlflowException

    try:
        stores.target.create_registered_model(name, {EARLIER: name})
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        if EARLIER not in stores.target.get_registered_model(name).tags:
            return "there is one of this name already, which stays; rnaexp register RUN adds a version to it"
    return ""


def _versions(stores: Stores, name: str) -> Iterator[tuple[str, str]]:
    """Write those that are not there; number and reason of each that cannot be.

    MLflow counts on by itself, so a version that is gone here gets a stand-in there, which is deleted at the end.
    """
    found = [*pages(stores.target.search_model_versions, f"name = '{name}'")]
    holes = {_number(one) for one in found if _STAND_IN in one.tags}
    there = {_number(one) for one in found} - holes
    for version in sorted(pages(stores.source.search_model_versions, f"name = '{name}'"), key=_number):
        number, why = _number(version), ""
        if number not in there:
            holes |= {_stand_in(stores, name) for _ in range(max(there | holes, default=0) + 1, number)}
            why = _written(stores, version)
        if why:
            yield str(number), why
            continue
        there.add(number)
        for key, value in version.tags.items():
            stores.target.set_model_version_tag(name, str(number), key, stores.mapped(value))
    for hole in holes:
        stores.target.delete_model_version(name, str(hole))


def _number(version: Any) -> int:
    return int(version.version)


def _written(stores: Stores, version: Any) -> str:
    """Why the version could not be, "" where it is there under its number."""
    source, run = stores.mapped(version.source), stores.ids.get(version.run_id or "")
    if source == version.source or not source.startswith((_ADDRESS, "runs:/")):
        return f"its files are at {version.source}, which is of no run or logged model that came along"
    made = stores.target.create_model_version(
        version.name,
        source,
        run,
        stores.mapped_all(version.tags),
        description=stores.mapped(version.description or ""),
        model_id=source.removeprefix(_ADDRESS) if source.startswith(_ADDRESS) else None,
    )
    if _number(made) == _number(version):
        return ""
    stores.target.delete_model_version(version.name, made.version)
    return f"its number is taken there by a deleted one: MLflow counts on from {made.version}"


def _stand_in(stores: Stores, name: str) -> int:
    return _number(stores.target.create_model_version(name, "deleted:/before-the-transfer", tags={_STAND_IN: "yes"}))


def tag_models(stores: Stores, models: Sequence[MovedModel]) -> None:
    """Once versions are there: the tag by which a logged model's page shows them, and the others that name ids."""
    for one in models:
        tags = stores.mapped_all(one.source.tags)
        if tags:
            stores.target.set_logged_model_tags(one.target_id, tags | {EARLIER: one.source.model_id})
