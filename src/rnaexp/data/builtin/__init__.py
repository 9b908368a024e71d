"""The built-in set: nine RNA families that need no download. PROVENANCE.md says where they come from."""

import gzip
import json
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from rnaexp.data.alignments import in_coordinates_of
from rnaexp.data.catalog import SetSpec
from rnaexp.data.dataset import DataSet, Evidence, content_sha256
from rnaexp.data.download import file_sha256
from rnaexp.data.stockholm import project
from rnaexp.rna import Alignment, Rna

FAMILIES_FILE = Path(__file__).with_name("families.json.gz")


def load_builtin(spec: SetSpec) -> DataSet:
    """The families of one side of the split, or of both; each is parsed once in a process."""
    found = [
        (rna, family)
        for at, family in enumerate(_families())
        if spec.split in ("all", family["split"])
        for rna in _members(at)
    ]
    rnas = tuple(rna for rna, _ in found)
    evidence: dict[str, Evidence] = {rna.id: family["evidence"] for rna, family in found if family["evidence"]}
    return DataSet(
        name=spec.name,
        rnas=rnas,
        sha256=content_sha256(rnas),
        split=spec.split,
        licence=spec.licence,
        annotator=spec.annotator,
        notes=spec.notes,
        evidence_of=evidence,
    )


@lru_cache(maxsize=1)
def _families() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(gzip.decompress(FAMILIES_FILE.read_bytes()))
    return found


@lru_cache(maxsize=1)
def _source_sha256() -> str:
    return file_sha256(FAMILIES_FILE)


@cache
def _members(of_family: int) -> tuple[Rna, ...]:
    family = _families()[of_family]
    return tuple(_member(family, at) for at in family["members"])


def _member(family: dict[str, Any], at: int) -> Rna:
    sequence = family["rows"][at].replace("-", "")
    return Rna(
        id=f"{family['name']}:{family['names'][at]}",
        sequence=sequence,
        pairs=project(family["consensus"], family["rows"][at]),
        alignment=_once(
            in_coordinates_of(
                at, family["names"], family["rows"], sequence, source_sha256=_source_sha256(), structure_aware=True
            )
        ),
        family=family["name"],
        cluster=family["clan"] or family["name"],
    )


def _once(alignment: Alignment) -> Alignment:
    """Rows equal to an earlier one add nothing but weight."""
    first: dict[str, str] = {}
    for name, row in zip(alignment.names, alignment.rows, strict=True):
        first.setdefault(row, name)
    return Alignment(
        names=tuple(first.values()),
        rows=tuple(first),
        source_sha256=alignment.source_sha256,
        structure_aware=alignment.structure_aware,
    )
