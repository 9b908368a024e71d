"""One file from a public Google Drive, by its id or by its name in a folder."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from rnaexp.data.download import MIRROR, TIMEOUT, download_errors, refuse_page, watched
from rnaexp.errors import UnavailableError
from rnaexp.models.source import DRIVE, Source

_FOLDER = "folder/"
_RETRIES = 2


def fetch_drive(source: Source, folder: Path) -> None:
    """Download the file into the folder, under the name `source.file` where that is one.

    With RNAEXP_MIRROR=DIR, `DIR/drive.google.com/<id>` is the file.

    Raises: UnavailableError: gone, fetched too often today, or a web page in its place.
    """
    where = source.address.removeprefix(DRIVE)
    if mirror := os.environ.get(MIRROR):
        held = Path(mirror) / "drive.google.com" / where
        if not held.is_file():
            message = f"{source.address}: not in the mirror ({held} is missing); unset {MIRROR} to download it"
            raise UnavailableError(message)
        shutil.copyfile(held, folder / _name(source))
        return
    with download_errors(source.address, advice=""), _drive_errors():
        file_id = _in_folder(source, where.removeprefix(_FOLDER)) if where.startswith(_FOLDER) else where
        _download(file_id, folder / _name(source))


def _download(file_id: str, path: Path) -> None:
    import gdown

    gdown.download(
        id=file_id, output=str(path), quiet=not watched(), use_cookies=False, timeout=TIMEOUT, retries=_RETRIES
    )
    if not path.is_file():
        message = "nothing came"
        raise ValueError(message)
    refuse_page(path)


def _in_folder(source: Source, folder_id: str) -> str:
    """The id of the one file of a shared folder whose name matches."""
    import gdown

    listed: Any = gdown.download_folder(
        id=folder_id, skip_download=True, quiet=True, use_cookies=False, timeout=TIMEOUT, output=os.devnull
    )
    pattern = source.file or "*"
    found = [each for each in listed if fnmatchcase(PurePosixPath(each.path).name, pattern)]
    if len(found) != 1:
        names = ", ".join(sorted(each.path for each in listed)) or "none"
        message = f"wanted one file {pattern!r}; the folder holds {names}"
        raise ValueError(message)
    return str(found[0].id)


def _name(source: Source) -> str:
    """A name from the catalogue, never the server's."""
    return source.file if source.file and "*" not in source.file else "weights"


@contextmanager
def _drive_errors() -> Iterator[None]:
    """gdown's own errors, which derive from Exception alone: what they wrap, else their first sentence."""
    from gdown.exceptions import DownloadError
    from requests import RequestException

    try:
        yield
    except DownloadError as error:
        if isinstance(error.__cause__, RequestException):
            raise error.__cause__ from None
        first = " ".join(str(error).split()).partition(". ")[0]
        raise ValueError(first) from error
