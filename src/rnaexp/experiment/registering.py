"""`rnaexp register`: what a run has tuned becomes a version of its model in MLflow's registry."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rnaexp import models
from rnaexp.errors import InputError, UnavailableError
from rnaexp.experiment.model_verbs import convert_to
from rnaexp.models.fitted import FITTED
from rnaexp.models.source import HUB
from rnaexp.reading.store import read_record
from rnaexp.structure.configuration import Configuration
from rnaexp.structure.heads import TunedHead
from rnaexp.structure.standing import Standing
from rnaexp.track.export import fetch_artifact, find_run, params_of, whole_id
from rnaexp.track.names import model_name
from rnaexp.track.packaged import CONFIGURATION, STANDING, WEIGHTS
from rnaexp.track.registry import register as register_version


def register(
    run_id: str, *, name: str = "", with_weights: bool = False, weights: str = "", device: str = "auto"
) -> list[str]:
    """Register a run's tuned head; lines that say which version it is, and what became of the aliases.

    `name`: of the registered model; else the folder's, the hub's or the catalogue's. `weights`: those of the run, where
    no catalogue knows them.

    Raises: InputError for what cannot be registered, UnavailableError.
    """
    run_id = whole_id(run_id)
    found = read_record(_configuration(run_id), Configuration.from_json)
    _refuse_unfit(found)
    registered = _registered_name(found, name)
    against = _standing(run_id)
    with _copied(found, weights, device) if with_weights else _nothing(found) as (whole, folder):
        done = register_version(run_id, whole, folder, name=registered, against=against)
    state = "is" if done.new else "was already"
    same = f"; run {done.same} found the same configuration" if done.same else ""
    return [f"models:/{done.name}/{done.version} {state} head {found.label} of run {done.run_id}{same}", *done.messages]


def _configuration(run_id: str) -> Path:
    """Raises: UnavailableError; InputError for a run whose head cannot be registered, with the reason."""
    try:
        return fetch_artifact(run_id, CONFIGURATION)
    except UnavailableError as error:
        why = _why_none(run_id)
        if not why:
            raise
        raise InputError(why) from error


def _why_none(run_id: str) -> str:
    """Why a run kept no configuration; "" where it is none that could."""
    params = params_of(find_run(run_id))
    try:
        held = fetch_artifact(run_id, "tuned_head.json")
    except UnavailableError:
        return f"run {run_id}: it tuned no head, so there is nothing to register" if "model" in params else ""
    head = read_record(held, TunedHead.from_json)
    if not head.scoring.molecule.brackets:
        return f"run {run_id}: a head of contacts in proteins; heads of base pairs are registered"
    return (
        f"run {run_id}: {head.model} was in memory, and could not be loaded again: save it (save_pretrained), then "
        "rnaexp run --model FOLDER --register"
    )


def _registered_name(found: Configuration, name: str) -> str:
    """The name that was given, or the last part of a folder's path or of a hub's address.

    Raises: InputError for one that MLflow would not keep as it is.
    """
    usual = Path(found.model).name if Path(found.model).is_absolute() else found.model
    if usual.startswith(HUB):
        usual = usual.rpartition("/")[2].partition("@")[0]
    if name and model_name(name) != name:
        message = f"--name {name!r}: letters, digits and - _ + = only, up to 100 of them, the first a letter or digit"
        raise InputError(message)
    return name or model_name(usual)


def _standing(run_id: str) -> Standing | None:
    """What the run found of its head against controls; None of a run that looked at none."""
    try:
        return read_record(fetch_artifact(run_id, STANDING), Standing.from_json)
    except UnavailableError:
        return None


def _refuse_unfit(found: Configuration) -> None:
    """Raises: InputError for a head that nothing was tuned on, that no name loads, or of a control."""
    if found.tuned.validation_f1 is None:
        message = f"{found.tuned.model}: nothing was tuned, so there is nothing to register"
        raise InputError(message)
    if found.alignment != "intact":
        message = f"{found.tuned.model}: a head tuned on altered alignments ({found.alignment}) is a control"
        raise InputError(message)
    if found.model.startswith(FITTED):
        message = f"{found.model}: a probe is fitted within its run and loads nowhere else; register the plain model"
        raise InputError(message)
    if Path(found.model).is_absolute() and not Path(found.model).exists():
        message = (
            f"{found.model}: this checkpoint was moved or deleted since the run; put it back, or run it again where it "
            "is now (rnaexp run --model FOLDER --register)"
        )
        raise InputError(message)
    models.spec(found.model)


@contextmanager
def _nothing(found: Configuration) -> Iterator[tuple[Configuration, Path | None]]:
    yield found, None


@contextmanager
def _copied(found: Configuration, weights: str, device: str) -> Iterator[tuple[Configuration, Path | None]]:
    """A copy of the weights as safetensors, read back and seen to give the same maps."""
    given = weights or (found.model if Path(found.model).is_absolute() else "")  # a folder is copied with its tokenizer
    path = Path(given) if given else None
    encoder = found.load(weights=path, device=device)
    if found.searched is not None:  # what is copied is the model itself
        encoder = getattr(encoder, "base", encoder)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / WEIGHTS
        loading = {
            "name": found.model,
            "weights": path,
            "device": device,
            "seed": found.seed,
            "precision": found.precision,
        }
        again = convert_to(encoder, loading, folder)
        yield replace(found, packaged=again.fingerprint), folder
