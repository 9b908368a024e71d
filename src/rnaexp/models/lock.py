"""`models.lock`: which revision and which bytes stood behind a model's name when it was first fetched here.

One JSON file in the working directory, to be kept with a project: what was resolved once must never change silently.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rnaexp.data.atomic import write_atomically
from rnaexp.data.download import file_sha256
from rnaexp.errors import InputError, UnavailableError

FILE = "models.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """What was fetched: its source, the hub's commit (None behind a URL), and each file's size and sha256."""

    source: str
    revision: str | None
    files: Mapping[str, Mapping[str, Any]]


def locked(name: str, source: str) -> Locked | None:
    """What the lock says of a model, None if nothing.

    Raises: UnavailableError if it was locked to another source, InputError if the file is damaged.
    """
    held = _read().get(name)
    if held is None:
        return None
    if held.source != source:
        message = f"{name}: {FILE} holds it from {held.source}, now it would come from {source}; {_advice(name)}"
        raise UnavailableError(message)
    return held


def lock(name: str, held: Locked) -> None:
    """Write it down; a process that writes at the same moment may win, and the next fetch writes again."""
    everything = {**_read(), name: held}
    text = json.dumps({key: asdict(value) for key, value in sorted(everything.items())}, indent=1)
    write_atomically(Path(FILE), f"{text}\n".encode())


def facts_of(path: Path) -> dict[str, Any]:
    """Size in bytes and sha256 of a file."""
    return {"size": path.stat().st_size, "sha256": file_sha256(path)}


def check(name: str, paths: Mapping[str, Path], held: Locked) -> None:
    """Refuse a file that is not, byte for byte, the one that was locked.

    Raises: UnavailableError naming it.
    """
    for file, facts in held.files.items():
        path = paths[file]
        size = path.stat().st_size
        if size != facts["size"] or file_sha256(path) != facts["sha256"]:
            message = (
                f"{name}: {path}: refused, {size} bytes that are not the {facts['size']} with sha256 {facts['sha256']} "
                f"of {FILE}; delete it and fetch it again, or {_advice(name)}"
            )
            raise UnavailableError(message)


def _advice(name: str) -> str:
    return f"remove the entry of {name} from {FILE} if the change is meant"


def _read() -> dict[str, Locked]:
    path = Path(FILE)
    if not path.is_file():
        return {}
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return {name: Locked(**facts) for name, facts in held.items()}
    except (ValueError, TypeError, AttributeError) as error:
        message = f"not a lock of models: {error}; remove it to start anew"
        raise InputError(message, path=path) from error
