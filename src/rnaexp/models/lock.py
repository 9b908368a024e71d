"""`models.lock`: which revision and which bytes stood behind a model's name when it was first fetched here.

One JSON file in the working directory, to be kept with a project: what was resolved once must never change silently.
A bundle that `rnaexp models pack` writes has the same file.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rnaexp.data.atomic import write_atomically
from rnaexp.data.kept import file_facts
from rnaexp.errors import InputError, UnavailableError

FILE = "models.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """What was fetched: its source, the hub's commit (None elsewhere), and each file's size and sha256.

    `beside`: of further hub repositories whose files are among these, by their addresses, the commit and the names.
    """

    source: str
    revision: str | None
    files: Mapping[str, Mapping[str, Any]]
    layout: str | None = None
    licence: str | None = None
    beside: Mapping[str, Mapping[str, Any]] | None = None


def locked(name: str, folder: Path | None = None) -> Locked | None:
    """What the lock says of a model, None if nothing.

    Raises: InputError if the file is damaged.
    """
    return _read(_file(folder)).get(name)


def lock(name: str, held: Locked, folder: Path | None = None) -> None:
    """Write it down; a process that writes at the same moment may win, and the next fetch writes again."""
    path = _file(folder)
    everything = {**_read(path), name: held}
    text = json.dumps({key: asdict(value) for key, value in sorted(everything.items())}, indent=1)
    write_atomically(path, f"{text}\n".encode())


def facts_of(paths: Mapping[str, Path]) -> dict[str, Mapping[str, Any]]:
    """Size and sha256 of each file."""
    return {name: file_facts(path) for name, path in paths.items()}


def check(name: str, paths: Mapping[str, Path], held: Locked, lock_file: Path | None = None) -> None:
    """Refuse a file that is not, byte for byte, the one that was locked, and one that is missing.

    Raises: UnavailableError naming it.
    """
    for file, facts in held.files.items():
        path = paths.get(file)
        if path is None or not path.is_file():
            message = f"{name}: {file} of {lock_file or FILE} is not there; fetch it again, or {advice(name)}"
            raise UnavailableError(message)
        if (found := file_facts(path)) != dict(facts):
            message = (
                f"{name}: {path}: refused, {found['size']} bytes that are not the {facts['size']} with sha256 "
                f"{facts['sha256']} of {lock_file or FILE}; delete it and fetch it again, or {advice(name)}"
            )
            raise UnavailableError(message)


def advice(name: str) -> str:
    """How a change that is meant is made."""
    return f"remove the entry of {name} from {FILE} if the change is meant"


def _file(folder: Path | None) -> Path:
    return Path(FILE) if folder is None else folder / FILE


def _read(path: Path) -> dict[str, Locked]:
    if not path.is_file():
        return {}
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return {name: Locked(**facts) for name, facts in held.items()}
    except (ValueError, TypeError, AttributeError) as error:
        message = f"not a lock of models: {error}; remove it to start anew"
        raise InputError(message, path=path) from error
