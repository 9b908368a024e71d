"""Assays: variants of one RNA with measured fitness."""

import hashlib
import json
from dataclasses import dataclass, replace

import numpy as np

from rnaexp.choices import Direction
from rnaexp.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One measured sequence (A C G U N)."""

    id: str
    sequence: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Assay:
    """Variants with measured scores. `direction`: which scores are fitter. `wild_type` None: nobody names one.

    `family`: the Rfam accession of the RNA, where it is known; `caveats`: what must be known to trust a figure on it.
    `sha256` is that of ids, sequences, scores, wild type and direction.
    """

    name: str
    variants: tuple[Variant, ...]
    wild_type: str | None = None
    direction: Direction = "higher"
    family: str | None = None
    licence: str | None = None
    source: str = ""
    caveats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.variants) < 3:
            message = f"{self.name}: {len(self.variants)} variants; a rank correlation needs at least 3"
            raise InputError(message)
        if self.wild_type is not None and "N" in self.wild_type:
            message = f"{self.name}: the wild type has an N at position {self.wild_type.index('N') + 1}"
            raise InputError(message)

    @property
    def mutants(self) -> tuple[Variant, ...]:
        """All but the wild type itself, whose score is 0 by definition under every convention."""
        return tuple(variant for variant in self.variants if variant.sequence != self.wild_type)

    def sampled(self, count: int, seed: int) -> "Assay":
        """So many of the mutants, drawn without replacement, in their old order; all of them where there are fewer."""
        if not 0 < count < len(self.mutants):
            return self
        places = np.sort(np.random.default_rng(seed).choice(len(self.mutants), count, replace=False))
        return replace(self, variants=tuple(self.mutants[at] for at in places))

    @property
    def substitutions_only(self) -> bool:
        """Whether all sequences are equally long, so that sites mean the same in all of them."""
        return len({len(variant.sequence) for variant in self.variants} | {len(self.wild_type or "")} - {0}) == 1

    @property
    def sha256(self) -> str:
        """Hash of all that decides a figure."""
        digest = hashlib.sha256(json.dumps([self.wild_type, self.direction]).encode())
        for one in self.variants:
            digest.update(json.dumps([one.id, one.sequence, one.score]).encode())
        return digest.hexdigest()
