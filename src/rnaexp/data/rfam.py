"""Rfam's seed alignments: the user's file, or Rfam's own, whose hash is kept from the first download on."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rnaexp.data.catalog import SetSpec
from rnaexp.data.dataset import DataSet, Evidence, content_sha256
from rnaexp.data.download import fetch_first_seen
from rnaexp.data.rfam_split import Side, accession, clan, side
from rnaexp.data.stockholm import Family, read_families
from rnaexp.data.text import read_source
from rnaexp.errors import InputError
from rnaexp.rna import Rna

SEED_FILE = "RNAEXP_RFAM_SEED"
# Not opened by us: neither this address nor the file's hash could be verified where this was written.
SEED_URL = "https://ftp.ebi.ac.uk/pub/databases/Rfam/14.2/Rfam.seed.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Which families a set holds, and how many rows of each; by default all that have consensus pairs."""

    side: Side | None = None
    evidence: Evidence | None = None
    min_rows: int = 1
    max_columns: int | None = None
    max_rows: int | None = None  # the first so many, as the seed lists them

    def holds(self, family: Family) -> bool:
        """Whether the family is in."""
        return (
            self.side in (None, side(family))
            and self.evidence in (None, family.evidence)
            and len(family.rows) >= self.min_rows
            and (self.max_columns is None or len(family.rows[0]) <= self.max_columns)
            and (self.side is None or bool(family.consensus))
        )

    def cut(self, family: Family) -> Family:
        """The family with no more rows than wanted."""
        return replace(family, names=family.names[: self.max_rows], rows=family.rows[: self.max_rows])


_SAMPLES = {
    "rfam-seed": Sample(),
    "rfam-vl": Sample(side="validation", evidence="published", min_rows=2, max_columns=500),
    "rfam-ts": Sample(side="test", evidence="published", min_rows=2, max_columns=500),
    "rfam-ts-48": Sample(side="test", min_rows=8, max_columns=160, max_rows=48),
}


def load_rfam(spec: SetSpec) -> DataSet:
    """One RNA a family: the first row of its seed, named `family:row`, with the seed as its alignment."""
    sample = _SAMPLES[spec.name]
    families = [sample.cut(family) for family in read_seed(seed_path()) if sample.holds(family)]
    rnas = tuple(first_member(family) for family in families)
    return DataSet(
        name=spec.name,
        rnas=rnas,
        sha256=content_sha256(rnas),
        split=spec.split,
        licence=spec.licence,
        urls=() if os.environ.get(SEED_FILE) else (SEED_URL,),
        evidence=sample.evidence,
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


def first_member(family: Family) -> Rna:
    """The family's first row as an RNA `family:row`, with the seed as its alignment."""
    rna = family.member(0)
    return Rna(
        id=f"{accession(family)}:{rna.id}",
        sequence=rna.sequence,
        pairs=rna.pairs,
        alignment=rna.alignment,
        family=accession(family),
        cluster=clan(family),
        letters_changed=rna.letters_changed,
    )


def _evidence(families: Sequence[Family], rnas: Sequence[Rna]) -> dict[str, Evidence]:
    return {rna.id: family.evidence for family, rna in zip(families, rnas, strict=True) if family.evidence is not None}
