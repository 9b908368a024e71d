"""Rfam's families in three sides that never share a clan: to train on, to tune on, to test on.

The side is decided by a hash of the clan (of the family where it has none) alone: it depends on no choice of ours, no
order and no other family, so that a model trained by one person and tested by another keeps to the same split.
"""

import hashlib
from typing import Literal

from rnaexp.data.stockholm import Family

Side = Literal["train", "validation", "test"]

_TWENTIETHS: tuple[Side, ...] = ("test", "test", "validation")  # a tenth, a twentieth; the rest is to train on


def accession(family: Family) -> str:
    """Rfam's accession, else what the alignment calls itself."""
    return family.tags.get("AC") or family.title or "?"


def clan(family: Family) -> str:
    """The clan's accession; a family without clan is its own."""
    return family.tags.get("CL") or accession(family)


def side(family: Family) -> Side:
    """Where a family, with its whole clan, belongs."""
    twentieth = int(hashlib.sha256(f"rnaexp {clan(family)}".encode()).hexdigest()[:8], 16) % 20
    return _TWENTIETHS[twentieth] if twentieth < len(_TWENTIETHS) else "train"
