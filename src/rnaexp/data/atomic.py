"""Files that are whole or absent: written under a private name, flushed, renamed."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path, *, flushed: bool = True) -> Iterator[Path]:
    """A private path to write; when the block ends well it is flushed and takes `path`'s place, else it is removed.

    A reader or a kill at any moment sees the old file or the new one, whole. Where it is not `flushed`, a machine that
    loses its power may leave half of it: only for what tells that by a hash and can be made again.
    Raises: OSError, which names the path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    private = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with naming(path):
            yield private
            if flushed:
                with private.open("rb") as file:
                    os.fsync(file.fileno())
            private.replace(path)
    finally:
        with suppress(OSError):  # of a disk that became read-only the first error is the one to show
            private.unlink(missing_ok=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """A system's error that names no file, as those of a full disk do, or this file's private one, names this one."""
    try:
        yield
    except OSError as error:
        named = Path(error.filename) if isinstance(error.filename, str) else None
        private = named is not None and named.name.startswith(f".{path.name}.") and named.parent == path.parent
        if error.errno is None or not (named is None or private):
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error


def write_atomically(path: Path, data: bytes, *, flushed: bool = True) -> None:
    """All of a file at once."""
    with replacing(path, flushed=flushed) as private:
        private.write_bytes(data)
