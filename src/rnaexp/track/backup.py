"""A local store as one file, and back: the database by SQLite's own backup, artifacts, and stored results if wanted."""

import os
import tarfile
import tempfile
from pathlib import Path

from rnaexp.errors import InputError, UnavailableError
from rnaexp.reading.store import default_root
from rnaexp.track.local_store import copy_database, moved_from, relocate

_DATABASE, _RESULTS = "mlflow.db", "results"  # in the archive
_ARTIFACTS = ("mlartifacts", "mlruns")


def backup(file: Path, archive: Path, *, results: bool) -> int:
    """Write the store into a new tar file, which is there whole or not at all; its bytes. Runs may go on meanwhile.

    `results`: with the folder of stored results, without which everything can be looked at and nothing is quick.
    Raises: InputError if the archive exists, UnavailableError if there is no store.
    """
    if archive.exists():
        message = "is there already; name a new file"
        raise InputError(message, path=archive)
    if not file.is_file():
        message = f"{file}: no store here"
        raise UnavailableError(message)
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".backup-") as scratch:
        copy, made = Path(scratch) / _DATABASE, Path(scratch) / "made.tar"
        copy_database(file, copy)
        with tarfile.open(made, "w") as tar:
            # The database first: what it names was written before, and is added after.
            tar.add(copy, _DATABASE)
            for name in _ARTIFACTS:
                if (file.parent / name).is_dir():
                    tar.add(file.parent / name, name)
            if results and (default_root() / _RESULTS).is_dir():
                tar.add(default_root(), f"store/{_RESULTS}", filter=_without_outbox)
        with made.open("rb") as written:
            os.fsync(written.fileno())
        made.replace(archive)
    return archive.stat().st_size


def _without_outbox(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """What waits to be sent is this machine's to send: twice sent it would be two runs."""
    return None if member.name.startswith(f"store/{_RESULTS}/outbox") else member


def restore(archive: Path, file: Path) -> int:
    """Unpack a backup next to `file`, where no store is yet, and make its addresses this folder's; how many changed.

    Raises: InputError for a file that is no backup, or would write elsewhere; UnavailableError where a store is.
    """
    if file.exists():
        message = f"{file}: a store is here already; restore into another folder"
        raise UnavailableError(message)
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".restore-") as scratch:
        place = Path(scratch)
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(place, filter="data")
        except (tarfile.TarError, OSError) as error:
            message = f"cannot be unpacked as a backup: {error}"
            raise InputError(message, path=archive) from error
        if not (place / _DATABASE).is_file():
            message = f"no backup: it holds no {_DATABASE}"
            raise InputError(message, path=archive)
        for _, there in _moves(place, file):
            if there.exists():
                message = f"{there}: there already; restore into another folder"
                raise UnavailableError(message)
            there.parent.mkdir(parents=True, exist_ok=True)
        for source, there in _moves(place, file):
            source.replace(there)
    return relocate(file)[1] if moved_from(file) is not None else 0


def _moves(place: Path, file: Path) -> list[tuple[Path, Path]]:
    """What was unpacked, and where it belongs; the database, which makes it a store, last."""
    named = [(place / name, file.parent / name) for name in _ARTIFACTS]
    named += [(place / "store" / _RESULTS, default_root().absolute()), (place / _DATABASE, file)]
    return [(source, there) for source, there in named if source.exists()]
