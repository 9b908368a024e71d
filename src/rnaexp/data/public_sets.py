"""Loaders of the sets that are downloaded with a pinned hash, and what all loaders of public files share."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from rnaexp.data.catalog import SetSpec
from rnaexp.data.clusters import clustered
from rnaexp.data.dataset import DataSet, content_sha256
from rnaexp.data.download import fetch_file
from rnaexp.data.public_csv import read_csv
from rnaexp.data.spot_rna import read_zip
from rnaexp.data.text import read_source
from rnaexp.errors import InputError
from rnaexp.rna import Rna

_SPOT_SPLITS = ("VL1", "TS1", "TS2")


def load_spot_rna(spec: SetSpec) -> DataSet:
    """One of SPOT-RNA's PDB sets; cluster names are the same in all three."""
    split = spec.name.rsplit("-", 1)[-1].upper()
    path = only_file(spec)
    return as_dataset(spec, _spot_rna(path)[split], path)


@lru_cache(maxsize=2)
def _spot_rna(path: Path) -> dict[str, tuple[Rna, ...]]:
    found = {split: read_zip(path, split) for split in _SPOT_SPLITS}
    together = iter(clustered([rna for split in _SPOT_SPLITS for rna in found[split]]))
    return {split: tuple(next(together) for _ in found[split]) for split in _SPOT_SPLITS}


def load_archiveii(spec: SetSpec) -> DataSet:
    """ArchiveII; the family is the id up to its first underscore."""
    path = only_file(spec)
    rnas = read_csv(read_source(path))
    families = [rna.id.split("_")[0] for rna in rnas]
    named = [replace(rna, family=family, cluster=family) for rna, family in zip(rnas, families, strict=True)]
    return as_dataset(spec, named, path)


def only_file(spec: SetSpec) -> Path:
    """The one file of a set, downloaded where it is not here. Raises: UnavailableError."""
    (file,) = spec.files
    return fetch_file(file.url, file.sha256)


def as_dataset(spec: SetSpec, rnas: list[Rna] | tuple[Rna, ...], path: Path) -> DataSet:
    """A set of public files; a count other than the catalog's means our reading changed."""
    if spec.rnas is not None and len(rnas) != spec.rnas:
        message = f"{spec.name} has {len(rnas)} RNAs, {spec.rnas} were expected"
        raise InputError(message, path=path)
    return DataSet(
        name=spec.name,
        rnas=tuple(rnas),
        sha256=content_sha256(rnas),
        split=spec.split,
        licence=spec.licence,
        urls=tuple(file.url for file in spec.files),
        evidence=spec.evidence,
        annotator=spec.annotator,
        notes=spec.notes,
    )
