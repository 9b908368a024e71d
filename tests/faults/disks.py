"""Small disks that are really full, and folders that really cannot be written: tmpfs and bind mounts, as root."""

import contextlib
import errno
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

_FILLER = ".filler"


def _mount(*words):
    subprocess.run(["mount", *map(str, words)], check=True, capture_output=True)


def _unmount(folder):
    # Lazily: a process that was killed may still be ending, and hold a file.
    subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


@cache
def why_none():
    """Why no disk can be made here, or nothing."""
    if os.geteuid() != 0:
        return "only root may mount a small tmpfs"
    with tempfile.TemporaryDirectory() as place:
        try:
            _mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", place)
        except (OSError, subprocess.CalledProcessError) as error:
            return f"no tmpfs can be mounted: {error}"
        _unmount(place)
    return ""


@contextlib.contextmanager
def small_disk(folder: Path, mebibytes: int):
    """A disk of this size on the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", folder)
    try:
        yield
    finally:
        _unmount(folder)


def fill(folder: Path):
    """Take every byte that is left."""
    with (folder / _FILLER).open("wb") as file:
        step = 2**24
        while step:
            try:
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, step)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                step //= 2


def free(folder: Path):
    (folder / _FILLER).unlink()


def make_read_only(folder: Path):
    """For root as well, whom modes do not stop; files that are open stay writable."""
    _mount("--bind", folder, folder)
    _mount("-o", "remount,bind,ro", folder)


def make_writable(folder: Path):
    _unmount(folder)
