"""Weights from a data record, by its DOI."""

from pathlib import Path

from rnaexp.data.deposit import fetch_deposited
from rnaexp.models.source import DOI, Source


def fetch_record(source: Source, folder: Path) -> None:
    """Download the record's file that `source.file` names into the folder; a record with one file needs no pattern.

    Raises: UnavailableError: no answer, not one such file, or not the bytes that the record lists.
    """
    fetch_deposited(source.address.removeprefix(DOI), source.file or "*", folder)
