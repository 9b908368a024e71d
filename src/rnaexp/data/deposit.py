"""One file of a data record (Zenodo, figshare, Dataverse) by its DOI, checked against the record's own list."""

import os
import shutil
import warnings
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from rnaexp.data.download import MIRROR, WholeFile, cache_folder, download_errors, watched
from rnaexp.errors import UnavailableError

DOI = "doi:"


def fetch_deposited(doi: str, pattern: str, folder: Path) -> None:
    """Download the one file of the record `doi` (10.x/name) whose name matches the pattern into the folder.

    With RNAEXP_MIRROR=DIR, `DIR/doi.org/<doi>/` is the record.

    Raises: UnavailableError: no answer, not one such file, or not the bytes that the record lists.
    """
    address = DOI + doi
    if mirror := os.environ.get(MIRROR):
        _from_mirror(address, pattern, Path(mirror) / "doi.org" / doi, folder)
        return
    import pooch

    with download_errors(f"{address}/{pattern}", advice=""), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a DOI without a version means the newest one
        record = pooch.create(path=cache_folder(), base_url=address)
        record.load_registry_from_doi()
        name = _only(record.registry, address, pattern)
        pooch.retrieve(
            _address(doi, name),
            known_hash=record.registry[name],
            fname=Path(name).name,
            path=folder,
            downloader=WholeFile(progressbar=watched()),
        )


def _address(doi: str, name: str) -> str:
    """Where the record's server says the file is."""
    from pooch.downloaders import DEFAULT_TIMEOUT, doi_to_repository

    return str(doi_to_repository(doi, timeout=DEFAULT_TIMEOUT).download_url(name))


def _only(held: Mapping[str, object], address: str, pattern: str) -> str:
    """The one file of the record that matches."""
    found = sorted(name for name in held if fnmatchcase(name, pattern))
    if len(found) != 1:
        message = f"{address}: wanted one file {pattern!r}; the record holds {', '.join(sorted(held)) or 'none'}"
        raise UnavailableError(message)
    return found[0]


def _from_mirror(address: str, pattern: str, record: Path, folder: Path) -> None:
    if not record.is_dir():
        message = f"{address}: not in the mirror ({record} is missing); unset {MIRROR} to download it"
        raise UnavailableError(message)
    name = _only({path.name: path for path in record.iterdir() if path.is_file()}, address, pattern)
    shutil.copyfile(record / name, folder / name)
