"""Rfam's seed alignments: the user's file, or Rfam's own, whose hash is kept from the first download on."""

import os
from collections.abc import Sequence
from pathlib import Path

from rnaexp.data.catalog import SetSpec
from rnaexp.data.dataset import DataSet, Evidence, content_sha256
from rnaexp.data.download import fetch_first_seen
from rnaexp.data.stockholm import Family, read_families
from rnaexp.data.text import read_source
from rnaexp.errors import InputError
from rnaexp.rna import Rna

SEED_FILE = "RNAEXP_RFAM_SEED"
# Not opened by us: neither this address nor the file's hash could be verified where this was written.
SEED_URL = "https://ftp.ebi.ac.uk/pub/databases/Rfam/14.2/Rfam.seed.gz"


def load_rfam(spec: SetSpec) -> DataSet:
    """One RNA a family: the first row of its seed, named `family:row`, with the seed as its alignment."""
    families = read_seed(seed_path())
    rnas = tuple(_first_member(family) for family in families)
    return DataSet(
        name=spec.name,
        rnas=rnas,
        sha256=content_sha256(rnas),
        split=spec.split,
        licence=spec.licence,
        urls=() if os.environ.get(SEED_FILE) else (SEED_URL,),
        annotator="consensus structure of the seed, projected on the row",
        notes=spec.notes,
        evidence_of=_evidence(families, rnas),
    )


def seed_path() -> Path:
    """The user's file of RNAEXP_RFAM_SEED, else Rfam's.

    Raises: InputError, UnavailableError.
    """
    named = os.environ.get(SEED_FILE)
    if not named:
        return fetch_first_seen(SEED_URL)
    if not Path(named).is_file():
        message = f"{SEED_FILE} names no file"
        raise InputError(message, path=named)
    return Path(named)


def read_seed(path: Path) -> list[Family]:
    """All families of a seed file, every row; letters other than bases read as N."""
    return list(read_families(read_source(path), "mask"))


def _first_member(family: Family) -> Rna:
    rna = family.member(0)
    accession = family.tags.get("AC") or family.title or "?"
    return Rna(
        id=f"{accession}:{rna.id}",
        sequence=rna.sequence,
        pairs=rna.pairs,
        alignment=rna.alignment,
        family=accession,
        cluster=family.tags.get("CL") or accession,
        letters_changed=rna.letters_changed,
    )


def _evidence(families: Sequence[Family], rnas: Sequence[Rna]) -> dict[str, Evidence]:
    return {rna.id: family.evidence for family, rna in zip(families, rnas, strict=True) if family.evidence is not None}
