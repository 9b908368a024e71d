"""Hashes of a registered model's parts, against which each load compares it.

The version's tags hold the sha256 of MLmodel, and MLmodel that of every other part, and a short one of each field of
the configuration, so that an altered field is named. What was registered before these were kept has the hash of its
configuration in the version's tags alone.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnaexp.errors import InputError
from rnaexp.progress import say
from rnaexp.reading.store import read_json, read_record
from rnaexp.settings import RECORD, Digest, read_as
from rnaexp.structure.configuration import Configuration, hash_of
from rnaexp.track.packaged import CONFIGURATION, WEIGHTS

CONFIGURATION_TAG, MLMODEL_TAG = "rnaexp.configuration", "rnaexp.mlmodel"  # of a version
MLMODEL = "MLmodel"
_KEY = "rnaexp"  # in MLmodel's metadata
_ARTIFACTS = "artifacts"
_NESTED = ("tuned", "tuned.read_out", "tuned.scoring")
# MLflow writes the texts, rnaexp the rest.
_PARTS = ("served.py", "code", "requirements.txt", "python_env.yaml", "conda.yaml", f"{_ARTIFACTS}/{WEIGHTS}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """`configuration`: hash of all of it. `fields`: of each field, short. `parts`: of files and folders."""

    __pydantic_config__ = RECORD

    configuration: Digest
    fields: Mapping[str, str]
    parts: Mapping[str, Digest]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One part, and `state`: ok, altered, missing, or unrecorded (registered before hashes were kept)."""

    part: str
    state: str
    why: str = ""


def seal(folder: Path, found: Configuration) -> None:
    """Write the hashes of a new model folder into its MLmodel."""
    from mlflow.models import Model

    about = Model.load(str(folder))
    parts = {name: digest for name in _PARTS if (digest := hash_of_part(folder / name)) is not None}
    made = {"configuration": found.sha256(), "fields": _fields(json.loads(json.dumps(found.to_json()))), "parts": parts}
    about.metadata = {**(about.metadata or {}), _KEY: made}
    about.save(str(folder / MLMODEL))


def mlmodel_sha256(folder: Path) -> str:
    """What a version's tag says of its MLmodel."""
    return hashlib.sha256((folder / MLMODEL).read_bytes()).hexdigest()


def read_sealed(
    folder: Path, tags: Mapping[str, str] | None = None, *, name: str = ""
) -> tuple[Configuration, Path | None]:
    """The configuration in a model's folder, compared with its hashes; and where its copy of the weights is, if any.

    `tags`: of its version, where there is one. `name`: what the folder is called in messages. The copy of the weights
    is checked when it is loaded, by its fingerprint.

    Raises: InputError naming the artifact, and the field if one is known to be altered.
    """
    where, tags = name or str(folder), tags or {}
    if MLMODEL_TAG in tags and tags[MLMODEL_TAG] != mlmodel_sha256(folder):
        raise _altered(MLMODEL, where)
    artifact, sealed = f"{_ARTIFACTS}/{CONFIGURATION}", _seal_of(folder, where)
    found = read_record(folder / artifact, Configuration.from_json, name=f"{where}: {artifact}")
    values = read_json(folder / artifact)  # as they were written: by an older version perhaps, without later fields
    kept = {None if sealed is None else sealed.configuration, tags.get(CONFIGURATION_TAG)} - {None}
    if not kept:
        say(f"{where}: registered before hashes were kept; whether it was altered cannot be verified")
    if kept - {hash_of(values)}:
        raise _altered(artifact, where, _changed(values, sealed))
    return found, folder / _ARTIFACTS / WEIGHTS if found.packaged is not None else None


def check_parts(folder: Path, tags: Mapping[str, str] | None = None, *, name: str = "") -> Iterator[Checked]:
    """Every part of a model's folder against its hash, the configuration's fields by name."""
    where, tags = name or str(folder), tags or {}
    yield _compared(MLMODEL, tags.get(MLMODEL_TAG), mlmodel_sha256(folder))
    try:
        sealed = _seal_of(folder, where)
    except InputError as error:
        yield Checked(part=MLMODEL, state="altered", why=error.message)
        return
    artifact = f"{_ARTIFACTS}/{CONFIGURATION}"
    try:
        read_sealed(folder, {key: value for key, value in tags.items() if key == CONFIGURATION_TAG}, name=where)
        yield Checked(part=artifact, state="ok" if sealed or CONFIGURATION_TAG in tags else "unrecorded")
    except InputError as error:
        yield Checked(part=artifact, state="altered", why=error.message)
    recorded = {} if sealed is None else sealed.parts
    for part in _PARTS:
        found = hash_of_part(folder / part)
        if found is not None or part in recorded:
            yield _compared(part, recorded.get(part), found)


def _compared(part: str, recorded: str | None, found: str | None) -> Checked:
    if recorded is None:
        return Checked(part=part, state="unrecorded")
    if found is None:
        return Checked(part=part, state="missing")
    return Checked(part=part, state="ok" if recorded == found else "altered")


def _seal_of(folder: Path, where: str) -> Seal | None:
    """Raises: InputError for an MLmodel that cannot be read, or whose hashes are none."""
    import yaml

    try:
        about = yaml.safe_load((folder / MLMODEL).read_text(encoding="utf-8"))
        metadata = about.get("metadata") or {}
        values = metadata.get(_KEY)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError) as error:
        message = f"cannot be read: {' '.join(str(error).split())}"
        raise InputError(message, path=f"{where}: {MLMODEL}") from error
    if values is None:
        return None
    try:
        return read_as(Seal, values, "its hashes")
    except (InputError, TypeError) as error:
        raise InputError(str(error), path=f"{where}: {MLMODEL}") from error


def _altered(artifact: str, where: str, what: str = "") -> InputError:
    message = f"{what or 'it'} was altered after it was registered"
    return InputError(message, path=f"{where}: {artifact}")


def _changed(values: Mapping[str, Any], sealed: Seal | None) -> str:
    if sealed is None:
        return ""
    now = _fields(values)
    return ", ".join(name for name in now if now[name] != sealed.fields.get(name))


def _fields(values: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """A short hash of each field, by its dotted name."""
    found: dict[str, str] = {}
    for key, value in values.items():
        name = f"{above}{key}"
        if name in _NESTED:
            found |= _fields(value, f"{name}.")
        else:
            found[name] = hash_of(value)[:8]
    return found


def hash_of_part(path: Path) -> str | None:
    """Of a file's bytes, or of every file of a folder with its name; None of what is not there.

    What Python and Numba keep next to code they have run is no part of it.
    """
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    if not path.is_dir():
        return None
    files = sorted(one for one in path.rglob("*") if one.is_file() and "__pycache__" not in one.parts)
    lines = [f"{hashlib.sha256(one.read_bytes()).hexdigest()} {one.relative_to(path).as_posix()}" for one in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
