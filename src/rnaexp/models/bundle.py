"""Weights carried to a machine without a network: a folder that `rnaexp models pack` writes, named by RNAEXP_MODELS."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from rnaexp.data.atomic import replacing
from rnaexp.data.names import safe_name
from rnaexp.errors import UnavailableError
from rnaexp.models.lock import FILE, Locked, check, lock, locked

VARIABLE = "RNAEXP_MODELS"


def find(name: str) -> tuple[Path, Mapping[str, Path], Locked] | None:
    """A model of the bundle: what a loader is given, its files, and its entry; None without a bundle or without it.

    Raises: UnavailableError if the folder is not there, or a file is not the one that was packed.
    """
    if not (where := os.environ.get(VARIABLE)):
        return None
    bundle = Path(where)
    if not bundle.is_dir():
        message = (
            f"{VARIABLE} names {bundle}, which is not there; unset it to fetch weights from where they are published"
        )
        raise UnavailableError(message)
    held = locked(name, bundle)
    if held is None:
        return None
    folder = bundle / safe_name(name)
    files = {file: folder / file for file in held.files}
    check(name, files, held, bundle / FILE)
    return root(folder, files), files, held


def put(name: str, files: Mapping[str, Path], held: Locked, bundle: Path) -> Path:
    """Copy a model's files into the bundle and write its entry last; returns its folder."""
    folder = bundle / safe_name(name)
    for file, path in files.items():
        with replacing(folder / file) as private:
            shutil.copyfile(path, private)
    lock(name, held, bundle)
    return folder


def root(folder: Path, files: Mapping[str, Path]) -> Path:
    """What a loader is given: the one file, or the folder where config.json lies."""
    if len(files) == 1:
        return next(iter(files.values()))
    settings = [path for path in files.values() if path.name == "config.json"]
    return settings[0].parent if len(settings) == 1 else folder
