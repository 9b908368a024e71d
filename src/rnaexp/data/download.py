"""Public files by URL and sha256: downloaded once into the user's cache, or read from a mirror of the URLs."""

import errno
import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rnaexp.errors import UnavailableError

MIRROR = "RNAEXP_MIRROR"
TIMEOUT = 30  # seconds that a server may be silent


def fetch_file(url: str, sha256: str | None) -> Path:
    """The file behind a URL, its hash checked on every call; None: nobody here has read it (`fetch_first_seen`).

    With the environment variable RNAEXP_MIRROR=DIR, `DIR/<host>/<path>` is read instead of https://<host>/<path>.

    Raises: UnavailableError if it cannot be had, or is not the file that was pinned.
    """
    if sha256 is None:
        return fetch_first_seen(url)
    mirror = os.environ.get(MIRROR)
    # Which bytes it is, is known: then it does not matter who could change them on the way.
    place = url.replace("http://", "https://", 1)
    path = _mirrored(place, Path(mirror)) if mirror else _cached(url, place, sha256)
    found = file_sha256(path)
    if found != sha256:
        message = f"{path}: refused, its sha256 is {found}, but {sha256} is pinned for {url}; remove it and fetch again"
        raise UnavailableError(message)
    return path


def file_sha256(path: Path) -> str:
    """Hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def mirror_path(url: str, mirror: Path) -> Path:
    """Where a mirror keeps a URL.

    Raises: ValueError for a URL that is not plain https, or that would lead out of the mirror.
    """
    parts = urlsplit(url)
    inside = parts.path.lstrip("/")
    if parts.scheme != "https" or not parts.netloc or not inside or ".." in inside.split("/"):
        message = f"{url}: not a plain https URL of a file"
        raise ValueError(message)
    return mirror / parts.netloc / inside


def _mirrored(url: str, mirror: Path) -> Path:
    path = mirror_path(url, mirror)
    if not path.is_file():
        message = f"{url}: not in the mirror ({path} is missing); unset {MIRROR} to download it"
        raise UnavailableError(message)
    return path


def _cached(url: str, place: str, sha256: str) -> Path:
    # The hash leads the name: two revisions of one file never share a place.
    return _retrieved(url, f"{sha256[:16]}-{mirror_path(place, Path()).name}", f"sha256:{sha256}")


def fetch_first_seen(url: str) -> Path:
    """A file nobody could pin: the hash of its first download is kept next to it, and it must never change after.

    Raises: UnavailableError.
    """
    mirror = os.environ.get(MIRROR)
    if mirror:
        return _mirrored(url, Path(mirror))
    if not url.startswith("https://"):  # anybody on the way could have written it
        message = f"{url}: only a file whose sha256 is known is downloaded without encryption"
        raise UnavailableError(message)
    path = _retrieved(url, f"{hashlib.sha256(url.encode()).hexdigest()[:16]}-{mirror_path(url, Path()).name}", None)
    kept = path.with_name(path.name + ".sha256")
    found = file_sha256(path)
    if not kept.exists():
        kept.write_text(found, encoding="ascii")
    if kept.read_text(encoding="ascii").strip() != found:
        message = f"{path}: refused, it is not the file that was first downloaded from {url}; remove both to start anew"
        raise UnavailableError(message)
    return path


def _retrieved(url: str, name: str, known_hash: str | None) -> Path:
    import pooch

    with download_errors(url):
        return Path(
            pooch.retrieve(
                url, known_hash=known_hash, fname=name, path=cache_folder(), downloader=WholeFile(progressbar=watched())
            )
        )


def cache_folder() -> Path:
    """Where downloads are kept: the user's cache, as the platform has it."""
    import pooch

    return Path(pooch.os_cache("rnaexp"))


def watched() -> bool:
    """Whether somebody looks at stderr: progress bars are drawn only there."""
    return sys.stderr.isatty()


@contextmanager
def download_errors(
    what: str, advice: str = f"; without a network, point {MIRROR} at a mirror of it"
) -> Iterator[None]:
    """Whatever a download raises as an UnavailableError: one line with what to do."""
    import requests

    try:
        yield
    except requests.RequestException as error:
        status = getattr(error.response, "status_code", None)
        reason = type(error).__name__ if status is None else f"the server answers {status}"
        message = f"{what}: cannot be downloaded ({reason}){advice}"
        raise UnavailableError(message) from error
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        message = f"{what}: download failed ({error}){advice}"
        raise UnavailableError(message) from error


class WholeFile:
    """A downloader for pooch: the file behind a URL, and never a web page that stands in its place."""

    def __init__(self, *, progressbar: bool) -> None:
        self.progressbar = progressbar

    def __call__(self, url: str, output_file: Any, pooch: Any) -> None:
        """Called by pooch with a private file, which takes its place only if nothing is raised."""
        from pooch import HTTPDownloader

        HTTPDownloader(progressbar=self.progressbar, timeout=TIMEOUT)(url, output_file, pooch)
        refuse_page(Path(output_file if isinstance(output_file, str) else output_file.name))


def refuse_page(path: Path) -> None:
    """Raise ValueError for a web page: servers send one, with status 200, where a file is gone or fetched too often.

    No checkpoint, archive or table begins like one.
    """
    with path.open("rb") as file:
        start = file.read(512).lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head")):
        message = "a web page came in place of the file; it may be gone, or fetched too often today"
        raise ValueError(message)
