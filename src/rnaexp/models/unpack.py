"""Wanted files out of a tar or zip archive, by name; whatever an archive could do beyond that is refused."""

import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from rnaexp.errors import InputError

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
WANTED = ("*.safetensors", "*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.txt", "*.json", "*.model")
# Weights hardly compress (float32 by less than a tenth); what unpacks to far more than was downloaded is no checkpoint.
MOST_TIMES, MOST_BESIDE = 20, 100_000_000
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class _Member:
    name: PurePosixPath
    size: int
    open: Callable[[], IO[bytes]]


def is_archive(path: Path) -> bool:
    """By its name: a torch checkpoint is a zip file too."""
    return path.name.lower().endswith(SUFFIXES)


def unpack(archive: Path, into: Path, member: str | None) -> None:
    """Write the wanted file, or the files of the wanted folder, under their names in it; without `member` all weights.

    Raises: InputError for an archive with absolute paths or `..`, one that unpacks to more than `MOST_TIMES` its size,
    one that is damaged, and one without the member.
    """
    limit = MOST_TIMES * archive.stat().st_size + MOST_BESIDE
    try:
        found = _unpack(archive, into, member, limit)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        message = f"a damaged archive: {error}; delete it and fetch it again"
        raise InputError(message, path=archive) from error
    if not found:
        message = f"holds no {member or 'weights'}"
        raise InputError(message, path=archive)


def _unpack(archive: Path, into: Path, member: str | None, limit: int) -> list[Path]:
    opened = _zipped(archive) if archive.name.lower().endswith(".zip") else _tarred(archive)
    with opened as members:
        wanted = _wanted(members, member, limit, archive)
        return [_write(each, into / name, archive) for each, name in wanted]


@contextmanager
def _zipped(archive: Path) -> Iterator[Iterator[_Member]]:
    with zipfile.ZipFile(archive) as zipped:
        files = (each for each in zipped.infolist() if not each.is_dir())
        yield (_Member(PurePosixPath(each.filename), each.file_size, partial(zipped.open, each)) for each in files)


@contextmanager
def _tarred(archive: Path) -> Iterator[Iterator[_Member]]:
    """Regular files; links and devices are no weights, but a dangerous name makes the whole archive suspect."""
    with tarfile.open(archive) as tar:

        def members() -> Iterator[_Member]:
            for each in tar:
                _refuse_escape(PurePosixPath(each.name), archive)
                if each.isfile():
                    yield _Member(PurePosixPath(each.name), each.size, partial(_opened, tar, each))

        yield members()


def _opened(tar: tarfile.TarFile, held: tarfile.TarInfo) -> IO[bytes]:
    found = tar.extractfile(held)
    assert found is not None  # a regular file
    return found


def _wanted(
    members: Iterable[_Member], member: str | None, limit: int, archive: Path
) -> Iterator[tuple[_Member, PurePosixPath]]:
    """Members with the names they get, all names checked and all sizes summed, wanted or not."""
    total = 0
    for each in members:
        _refuse_escape(each.name, archive)
        total += each.size
        if total > limit:
            message = f"unpacks to more than {MOST_TIMES} times its {archive.stat().st_size} bytes, so it is not opened"
            raise InputError(message, path=archive)
        name = _name_inside(each.name, member)
        if name is not None:
            yield each, name


def _refuse_escape(name: PurePosixPath, archive: Path) -> None:
    if name.is_absolute() or ".." in name.parts or "\\" in str(name) or "\x00" in str(name):
        message = f"its member {str(name)!r} leads out of the folder, so nothing was unpacked"
        raise InputError(message, path=archive)


def _name_inside(name: PurePosixPath, member: str | None) -> PurePosixPath | None:
    """The name below the wanted folder; for a wanted file, its last part; None for what is not wanted."""
    if not any(fnmatchcase(name.name, pattern) for pattern in WANTED) or name.name.startswith("."):
        return None
    if member is None:
        return name
    if fnmatchcase(name.name, member):
        return PurePosixPath(name.name)
    for at, part in enumerate(name.parts[:-1]):
        if fnmatchcase(part, member):
            return PurePosixPath(*name.parts[at + 1 :])
    return None


def _write(member: _Member, path: Path, archive: Path) -> Path:
    """At most as many bytes as the archive's own list says: both readers stop there, and raise where it ends before."""
    if path.exists():
        message = f"holds two files that would become {path.name}"
        raise InputError(message, path=archive)
    path.parent.mkdir(parents=True, exist_ok=True)
    with member.open() as source, path.open("wb") as file:
        shutil.copyfileobj(source, file, _CHUNK)
    return path
