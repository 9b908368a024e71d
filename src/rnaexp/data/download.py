"""Public files by URL and sha256: downloaded once into the user's cache, or read from a mirror of the URLs."""

import hashlib
import os
from pathlib import Path
from urllib.parse import urlsplit

from rnaexp.errors import UnavailableError

MIRROR = "RNAEXP_MIRROR"


def fetch_file(url: str, sha256: str) -> Path:
    """The file behind a URL, its hash checked on every call.

    With the environment variable RNAEXP_MIRROR=DIR, `DIR/<host>/<path>` is read instead of https://<host>/<path>.

    Raises: UnavailableError if it cannot be had, or is not the file that was pinned.
    """
    mirror = os.environ.get(MIRROR)
    path = _mirrored(url, Path(mirror)) if mirror else _cached(url, sha256)
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


def _cached(url: str, sha256: str) -> Path:
    # The hash leads the name: two revisions of one file never share a place.
    return _retrieved(url, f"{sha256[:16]}-{mirror_path(url, Path()).name}", f"sha256:{sha256}")


def fetch_first_seen(url: str) -> Path:
    """A file nobody could pin: the hash of its first download is kept beside it, and it must never change after.

    Raises: UnavailableError.
    """
    mirror = os.environ.get(MIRROR)
    if mirror:
        return _mirrored(url, Path(mirror))
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
    import requests

    advice = f"without a network, point {MIRROR} at a mirror of it"
    try:
        found = pooch.retrieve(url, known_hash=known_hash, fname=name, path=pooch.os_cache("rnaexp"))
    except requests.RequestException as error:
        message = f"{url}: cannot be downloaded ({type(error).__name__}); {advice}"
        raise UnavailableError(message) from error
    except (OSError, ValueError) as error:
        message = f"{url}: download failed ({error}); {advice}"
        raise UnavailableError(message) from error
    return Path(found)
