"""The alignments to train on: the training side of Rfam's seeds without the clans of what is tested on."""

import csv
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, UInt8

from rnaexp.data.rfam_split import accession, clan, side
from rnaexp.data.stockholm import Family
from rnaexp.errors import InputError
from rnaexp.rna import ALIGNED_LETTERS, codes_of, row_weights

GAP = ALIGNED_LETTERS.index("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Aligned:
    """A family as numbers: its rows as indices into ALIGNED_LETTERS, each row's weight 1 / (rows at 80 % identity)."""

    accession: str
    clan: str  # its own accession where it has none
    codes: UInt8[np.ndarray, "s n"]
    weights: Float64[np.ndarray, "s"]

    @property
    def neff(self) -> float:
        """Effective number of rows."""
        return float(self.weights.sum())

    @property
    def bases(self) -> int:
        """Median number of bases of a row."""
        return int(np.median((self.codes != GAP).sum(1)))


def excluded_clans(path: Path) -> dict[str, str]:
    """Clan (or family without clan) to the reason why it is left out, from a TSV with `clan` and `reason`.

    Raises: InputError.
    """
    try:
        with path.open() as file:
            rows = csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t")
            return {row["clan"]: row["reason"] for row in rows}
    except (OSError, KeyError) as error:
        message = f"cannot be read as a table with the columns clan and reason: {error}"
        raise InputError(message, path=path) from error


def training_families(families: Iterable[Family], excluded: Collection[str]) -> list[Aligned]:
    """Families of the training side whose clan is not excluded; whole clans, so that no relative slips in."""
    return [aligned(family) for family in families if side(family) == "train" and clan(family) not in excluded]


def aligned(family: Family) -> Aligned:
    """A family as numbers."""
    codes = codes_of(family.rows)
    return Aligned(accession=accession(family), clan=clan(family), codes=codes, weights=row_weights(codes))
