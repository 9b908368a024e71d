"""Results on disk, found by the hash of everything that made them: atomic, checked, resumable.

An entry is one file (`entry.py`). It is written under a private name and renamed, so it is either whole or absent, with
any number of writers and no locks; half of one, which a loss of power may leave, is known by its hash.
"""

import contextlib
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from rnaexp.data.atomic import write_atomically
from rnaexp.errors import InputError
from rnaexp.reading.entry import ANY_CODE, Arrays, decode, encode, read_label

_MINIMUM_FREE_BYTES = 64 * 2**20
RESULTS, DERIVED, TUNED, SET_ASIDE, SCRATCH = "results", "derived", "tuned", "corrupt", "scratch"  # its folders


def default_root() -> Path:
    """`RNAEXP_STORE`, or `.rnaexp` in the working directory, next to MLflow's own database."""
    return Path(os.environ.get("RNAEXP_STORE") or ".rnaexp").absolute()


def key_of(parts: Mapping[str, Any]) -> str:
    """Hash of plain values; equal parts in any order give an equal key."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(slots=True)
class Store:
    """A folder of entries. `corrupt` lists the keys of entries that were found damaged and set aside."""

    root: Path = field(default_factory=default_root)
    corrupt: list[str] = field(default_factory=list)
    folder: str = RESULTS

    def __post_init__(self) -> None:
        """Raises: OSError if the disk is nearly full or not writable (exit 74)."""
        self.root.mkdir(parents=True, exist_ok=True)
        disk = os.statvfs(self.root)
        if disk.f_bavail * disk.f_frsize < _MINIMUM_FREE_BYTES:
            message = f"{self.root}: less than 64 MiB free; clear space or set RNAEXP_STORE to another disk"
            raise OSError(message)

    @property
    def derived(self) -> "Store":
        """Next to the results, what was worked out of them; it can be deleted at no more cost than time."""
        return Store(self.root, self.corrupt, DERIVED)

    @property
    def scratch(self) -> "Store":
        """Next to the results, what a run keeps until it ends; whoever misses something of it makes it again."""
        return Store(self.root, self.corrupt, SCRATCH)

    def get(self, key: str) -> Arrays | None:
        """The entry, or None if it is not there, damaged or another's: then it is set aside, to be made again.

        One of format 1 is kept in format 2 from then on.
        """
        path = self._path(key)
        try:
            written = path.read_bytes()
        except FileNotFoundError:
            return None
        arrays = decode(written, key)
        if arrays is None:
            self.set_aside(path)
        elif (label := read_label(written)) is not None and label.format == 1:
            with contextlib.suppress(OSError):  # it can be read as it is
                self.put(key, arrays)
        return arrays

    def put(self, key: str, arrays: Mapping[str, np.ndarray], maker: str = ANY_CODE) -> None:
        """Write an entry; the last of several writers wins, and all write the same."""
        write_atomically(self._path(key), encode(key, arrays, maker), flushed=False)

    def remove(self, key: str) -> None:
        """The entry is there no more."""
        self._path(key).unlink(missing_ok=True)

    def has(self, key: str) -> bool:
        """Whether an entry is there; its content is checked when it is read."""
        return self._path(key).exists()

    def put_tuned(self, model: str, tuned: Mapping[str, Any]) -> Path:
        """Keep a tuned head; the newest of a model is what `predict` uses."""
        text = json.dumps(tuned, indent=1, sort_keys=True)
        folder = self._tuned_folder(model)
        # After the newest one, also when the clock went back.
        written = max([time.time_ns(), *(int(path.name[:20]) + 1 for path in folder.glob(f"{'[0-9]' * 20}-*.json"))])
        path = folder / f"{written:020d}-{key_of(tuned)[:12]}.json"
        write_atomically(path, text.encode())
        return path

    def newest_tuned(self, model: str) -> dict[str, Any] | None:
        """The tuned head written last for this model, or None."""
        paths = sorted(self._tuned_folder(model).glob("*.json"))
        return read_json(paths[-1]) if paths else None

    def _path(self, key: str) -> Path:
        return self.root / self.folder / key[:2] / key

    def _tuned_folder(self, model: str) -> Path:
        # A model's name is data, never a path.
        return self.root / TUNED / hashlib.sha256(model.encode()).hexdigest()[:16]

    def set_aside(self, path: Path) -> None:
        """Put an entry that is not to be believed where nothing looks for it, and count it."""
        aside = self.root / SET_ASIDE
        aside.mkdir(exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            path.replace(aside / f"{path.name}-{secrets.token_hex(4)}")
        self.corrupt.append(path.name)


_Record = TypeVar("_Record")


def read_record(path: Path, made: Callable[[dict[str, Any]], _Record], *, name: str = "") -> _Record:
    """What `made` makes of a JSON object. Raises: InputError naming the file (as `name`, if given) and the field."""
    try:
        return made(read_json(path))
    except InputError as error:
        raise InputError(error.message, path=name or path) from error


def read_json(path: Path) -> dict[str, Any]:
    """Raises: InputError naming the file."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        message = f"cannot be read as JSON: {error}"
        raise InputError(message, path=path) from error
    if not isinstance(value, dict):
        message = "not a JSON object"
        raise InputError(message, path=path)
    return value
