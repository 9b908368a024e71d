"""A set of RNAs with what must be known to trust a score on it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rnaexp.rna import Protein, Rna

# Read from coordinates; published for this RNA or family; a family's consensus, published or predicted; predicted.
Evidence = Literal["3d", "published", "comparative", "predicted"]
Split = Literal["validation", "test", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """RNAs and their provenance.

    `sha256` is that of the content (`content_sha256`), not of a file. `evidence` says how the pairs are known, None if
    that is unknown or differs between the RNAs; then `evidence_of` tells it per id, as far as it is known.
    `unresolved` holds, per id, bases (from 0) that have no coordinates in the structure the pairs come from.
    """

    name: str
    rnas: tuple[Rna, ...]
    sha256: str
    split: Split
    licence: str | None = None
    urls: tuple[str, ...] = ()
    evidence: Evidence | None = None
    annotator: str | None = None
    notes: tuple[str, ...] = ()
    evidence_of: Mapping[str, Evidence] = field(default_factory=dict)
    unresolved: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.rnas:
            message = f"{self.name}: a set without RNAs"
            raise ValueError(message)
        if len({rna.id for rna in self.rnas}) != len(self.rnas):
            message = f"{self.name}: two RNAs have one id"
            raise ValueError(message)

    def evidence_for(self, id: str) -> Evidence | None:
        """How the pairs of one RNA are known; None where the set does not say."""
        return self.evidence or self.evidence_of.get(id)

    def __len__(self) -> int:
        return len(self.rnas)

    @property
    def with_pairs(self) -> tuple[Rna, ...]:
        """The RNAs a pair score can be given to; the others are counted, never scored."""
        return tuple(rna for rna in self.rnas if rna.pairs)


def content_sha256(rnas: Sequence[Rna]) -> str:
    """Hash of ids, sequences, pairs and alignments, in order; labels such as family and cluster do not count."""
    digest = hashlib.sha256()
    for rna in rnas:
        alignment = None if rna.alignment is None else rna.alignment.sha256()
        known: list[object] = [rna.id, rna.sequence, rna.pairs, alignment]
        if isinstance(rna, Protein):
            known.append(rna.unresolved)
        digest.update(json.dumps(known).encode() + b"\n")
    return digest.hexdigest()
