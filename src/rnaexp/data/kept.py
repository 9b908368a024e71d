"""Folders that are made once and whole, and are used only while they hold what they held then."""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnaexp.data.atomic import write_atomically
from rnaexp.data.download import file_sha256
from rnaexp.errors import UnavailableError

_MANIFEST = ".manifest.json"


def file_facts(path: Path) -> dict[str, Any]:
    """Size in bytes and sha256 of a file."""
    return {"size": path.stat().st_size, "sha256": file_sha256(path)}


def key_of(*parts: str | None) -> str:
    """A short name for what these parts decide."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def kept_folder(path: Path, make: Callable[[Path], None]) -> Path:
    """The folder, made by `make(private folder)` if it is not there yet; its files are hashed each time it is used.

    A kill at any moment leaves no folder of this name, and of two processes one's folder stays.

    Raises: UnavailableError naming a file that is not what was written.
    """
    if not (path / _MANIFEST).is_file():
        _make(path, make)
    held = json.loads((path / _MANIFEST).read_text(encoding="ascii"))
    for name, facts in held.items():
        file = path / name
        if not file.is_file() or file_facts(file) != facts:
            message = f"{file}: refused, it is not what was written there first; delete {path} and fetch again"
            raise UnavailableError(message)
    return path


def kept_files(path: Path) -> dict[str, Path]:
    """Files of such a folder by their names in it."""
    held = json.loads((path / _MANIFEST).read_text(encoding="ascii"))
    return {name: path / name for name in held}


def _make(path: Path, make: Callable[[Path], None]) -> None:
    private = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    private.mkdir(parents=True)
    try:
        make(private)
        files = sorted(each for each in private.rglob("*") if each.is_file())
        facts = {str(each.relative_to(private)): file_facts(each) for each in files}
        write_atomically(private / _MANIFEST, json.dumps(facts).encode("ascii"))
        if path.exists() and not (path / _MANIFEST).is_file():
            shutil.rmtree(path)
        try:
            private.rename(path)
        except OSError:
            if not (path / _MANIFEST).is_file():  # not another process's, made meanwhile
                raise
    finally:
        shutil.rmtree(private, ignore_errors=True)
