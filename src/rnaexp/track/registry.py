"""Tuned configurations in MLflow's registry: one registered model per language model, one version each."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnaexp.errors import InputError, UnavailableError
from rnaexp.models import spec
from rnaexp.structure.configuration import Configuration
from rnaexp.structure.standing import Standing
from rnaexp.track.aliases import CHAMPION, PAPER, promote
from rnaexp.track.evidence import evidence
from rnaexp.track.history import Decision, decisions
from rnaexp.track.linked import logged_model
from rnaexp.track.model_folder import write_model
from rnaexp.track.names import checked_texts, model_name
from rnaexp.track.packaged import CONFIGURATION
from rnaexp.track.rollback import roll_back as taken_back
from rnaexp.track.rollback import show_history
from rnaexp.track.sealed import CONFIGURATION_TAG, MLMODEL_TAG, mlmodel_sha256, read_sealed
from rnaexp.track.store import client, connect, reason, target

SCHEME = "models:/"
TASK = "rnaexp-pairs"  # the registered model whose champion is the best configuration of all models


_OF_ALL = "Base pairs of RNAs by the best configuration of all models: its champion is decided on one validation set."
_OWN_ALIASES = tuple(f"rnaexp.{alias}" for alias in (CHAMPION, PAPER))  # tags of what was decided under another name


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A version in the registry, and the model's run that it was first registered of.

    `same`: a later run that found the same configuration, "" where there is none. `messages`: what became of each
    alias, a line each.
    """

    name: str
    version: str
    run_id: str
    same: str
    new: bool
    messages: tuple[str, ...]


def register(
    run_id: str,
    found: Configuration,
    weights: Path | None = None,
    *,
    name: str = "",
    against: Standing | None = None,
) -> Registered:
    """Make a finished run's configuration a version of its model, and promote it where it is the best.

    `weights`: a folder of safetensors that goes with it. `name`: of the registered model, else the language model's.
    `against`: the head and the best control on the validation set, which decides whether it may be champion. A
    configuration that is registered already keeps its version.

    Raises: InputError if the run did not finish, UnavailableError if MLflow cannot be reached or refuses.
    """
    connect()
    with _as_unavailable(f"run {run_id}"):
        connection, name = client(target()), name or model_name(found.tuned.model)
        parent = _finished(connection, run_id)
        _ensured(connection, name, _card(found))
        known = [one for one in connection.search_model_versions(f"name = '{name}'") if _holds(one, found)]
        made = known[0] if known else _new_version(connection, name, parent, found, weights, against)
        messages = promote(connection, made, found)
        show_history(connection, name)
        if name != TASK:
            messages += [f"{TASK}: {line}" for line in _entered(connection, made, found)]
        return Registered(
            name=name,
            version=str(made.version),
            run_id=str(made.run_id),
            same="" if made.run_id == parent else parent,
            new=not known,
            messages=tuple(messages),
        )


def fetch_configuration(uri: str) -> tuple[Configuration, Path | None]:
    """The configuration behind `models:/NAME@ALIAS` or `models:/NAME/VERSION`, and its copy of the weights, if any.

    Only its JSON is read: no code from the registry runs. It is compared with the hashes in the version's tags.

    Raises: UnavailableError if there is no such version, InputError if it is not one of ours or was altered.
    """
    folder, tags = fetch_folder(uri)
    return read_sealed(folder, tags, name=uri)


def fetch_folder(uri: str) -> tuple[Path, dict[str, str]]:
    """A version's files, and its tags.

    Raises: UnavailableError if there is no such version, InputError if it is not one of ours.
    """
    connect()
    import mlflow.artifacts

    with _as_unavailable(uri):
        address, tags = _resolved(client(target()), uri)
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=address))
    if not (folder / "artifacts" / CONFIGURATION).is_file():
        message = f"{uri}: not a configuration that rnaexp registered"
        raise InputError(message)
    return folder, tags


def _resolved(connection: Any, uri: str) -> tuple[str, dict[str, str]]:
    """The address of one version, wherever its alias is moved meanwhile, and its tags; a logged model's are params."""
    name, _, alias = uri.removeprefix(SCHEME).partition("@")
    name, _, number = name.partition("/")
    if alias:
        made = connection.get_model_version_by_alias(name, alias)
    elif number == "latest":
        made = max(connection.search_model_versions(f"name = '{name}'"), key=lambda one: int(one.version), default=None)
    elif number:
        made = connection.get_model_version(name, number)
    else:
        return uri, dict(connection.get_logged_model(name).params)
    return (uri, {}) if made is None else (f"{SCHEME}{made.name}/{made.version}", dict(made.tags))


def _finished(connection: Any, run_id: str) -> str:
    """The id of the model's run that it is, or is a step of; what stands above that (a question) is none of a model."""
    run = connection.get_run(run_id)
    parent = run.data.tags.get("mlflow.parentRunId")
    if parent is not None and run.data.tags.get("rnaexp.kind") not in ("parent", "search"):
        return _finished(connection, parent)
    if run.info.status != "FINISHED":
        message = f"run {run_id} is {run.info.status}: only what a finished run has found is registered"
        raise InputError(message)
    return str(run.info.run_id)


def _holds(made: Any, found: Configuration) -> bool:
    return bool(made.tags.get(CONFIGURATION_TAG) == found.sha256())


def _ensured(connection: Any, name: str, card: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        connection.create_registered_model(name, description=card)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _card(found: Configuration) -> str:
    """What is known of the language model, as the registry page shows it."""
    about = spec(found.model)
    facts = {
        "group": about.group,
        "reads": about.reads,
        "trained on": about.trained_on,
        "structure seen in training": about.structure_seen,
        "licence of the weights": about.licence,
        "citation": about.citation,
    }
    lines = [f"- {name}: {'unknown' if value is None else value}" for name, value in facts.items()]
    return "\n".join([f"{about.title}: base pairs read zero-shot from one attention head.", "", *lines])


def _new_version(
    connection: Any, name: str, run_id: str, found: Configuration, weights: Path | None, against: Standing | None
) -> Any:
    diagnosis = connection.get_run(run_id).data.tags.get("rnaexp.diagnosis")
    tags, hashed = checked_texts({**evidence(found, against), "diagnosis": diagnosis}), dict[str, str]()

    def write(about: Any, folder: Path) -> None:
        write_model(folder, found, weights, about)
        hashed[MLMODEL_TAG] = mlmodel_sha256(folder)

    model = logged_model(connection, name, run_id, tags, write)
    tuned = found.tuned
    made = connection.create_model_version(
        name,
        source=f"{SCHEME}{model.model_id}",
        run_id=run_id,
        tags=tags | hashed,
        description=f"head {found.label}, tuned on {tuned.tuned_on} (F1 {tuned.validation_f1:.4f})",
        model_id=model.model_id,
    )
    _say_registered(connection, made)
    return made


def _entered(connection: Any, made: Any, found: Configuration) -> list[str]:
    """The same logged model among those of all models, and what became of the champion there; a line each."""
    _ensured(connection, TASK, _OF_ALL)
    known = [one for one in connection.search_model_versions(f"name = '{TASK}'") if _holds(one, found)]
    if known:
        entry = known[0]
    else:
        tags = {key: value for key, value in made.tags.items() if not key.startswith(_OWN_ALIASES)}
        entry = connection.create_model_version(
            TASK,
            source=made.source,
            run_id=made.run_id,
            tags=tags,
            description=f"{found.tuned.model}, models:/{made.name}/{made.version}: {made.description}",
            model_id=made.source.removeprefix(SCHEME),
        )
        _say_registered(connection, made, entry)
    messages = promote(connection, entry, found, (CHAMPION,))
    show_history(connection, TASK)
    return messages


def _say_registered(connection: Any, *made: Any) -> None:
    """The page of a logged model says by this tag alone whether, and as what, it is registered."""
    versions = json.dumps([{"name": one.name, "version": str(one.version)} for one in made])
    connection.set_logged_model_tags(made[0].source.removeprefix(SCHEME), {"mlflow.modelVersions": versions})


def history_of(name: str) -> tuple[list[Decision], dict[str, str]]:
    """What was decided of a registered model's aliases, oldest first; and what each names now.

    Raises: UnavailableError if there is no such model, InputError for a record that is none of ours.
    """
    connect()
    with _as_unavailable(name):
        registered = client(target()).get_registered_model(name)
    return decisions(registered), {alias: str(version) for alias, version in registered.aliases.items()}


def roll_back(name: str, alias: str) -> Decision:
    """Give an alias back to the version that had it before. Raises: UnavailableError, InputError."""
    connect()
    with _as_unavailable(name):
        return taken_back(client(target()), name, alias)


@contextmanager
def _as_unavailable(what: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        message = f"{what}: {reason(error)}"
        raise UnavailableError(message) from error
