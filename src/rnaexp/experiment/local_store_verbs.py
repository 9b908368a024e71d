"""A local store in another place (relocate, backup, restore), and under a newer MLflow (upgrade)."""

import os
import subprocess
import sys
from pathlib import Path

from rnaexp.errors import UnavailableError
from rnaexp.track.backup import backup, restore
from rnaexp.track.local_store import copy_before_upgrade, relocate, tables_of
from rnaexp.track.store import sqlite_file, target


def relocated(earlier: str) -> str:
    """In one line what was done. Raises: UnavailableError where the store is no file, or was not moved."""
    before, changed = relocate(_file(), Path(earlier).absolute() if earlier else None)
    return f"{changed} addresses of artifacts in {before} are now in {_file().parent}"


def upgraded() -> str:
    """In one line what was done; the file is copied before MLflow changes its tables.

    Raises: UnavailableError where that is not needed, or fails.
    """
    file = _file()
    if not file.is_file() or tables_of(file) != "older":
        message = f"{file}: not made by an older MLflow; nothing to upgrade"
        raise UnavailableError(message)
    copy = copy_before_upgrade(file)
    quiet = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_LOGGING_LEVEL": "WARNING"}
    command = [sys.executable, "-m", "mlflow", "db", "upgrade", target().uri]
    done = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        message = f"{file}: MLflow could not upgrade it: {last}; the copy {copy} is as it was"
        raise UnavailableError(message)
    return f"{file} is upgraded; as it was it is kept as {copy}"


def backed_up(archive: Path, *, results: bool) -> str:
    """In one line what was written. Raises: InputError, UnavailableError."""
    size = backup(_file(), archive, results=results)
    return f"{archive}: {size / 1e6:,.1f} MB; rnaexp restore {archive.name} in an empty folder makes it a store again"


def restored(archive: Path) -> str:
    """In one line what is there now. Raises: InputError, UnavailableError."""
    changed = restore(archive, _file())
    return f"{_file()} is restored, {changed} addresses of artifacts made this folder's"


def _file() -> Path:
    where = target()
    file = sqlite_file(where.uri)
    if file is None:
        message = f"{where.public_uri}: a server's store is not a file here; this is for a SQLite file"
        raise UnavailableError(message)
    return file
