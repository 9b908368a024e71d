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
from rnaexp.rna import ALIGNED_LETTERS

GAP = ALIGNED_LETTERS.index("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Aligned:
    """A family as numbers: its rows as indices into ALIGNED_LETTERS, each row's weight 1 / (rows at 80 % identity)."""

    accession: str
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
    table = np.full(128, 255, np.uint8)
    table[[ord(letter) for letter in ALIGNED_LETTERS]] = np.arange(len(ALIGNED_LETTERS))
    letters = np.frombuffer("".join(family.rows).encode(), np.uint8).reshape(len(family.rows), -1)
    codes = table[letters]
    return Aligned(accession=accession(family), codes=codes, weights=row_weights(codes))


def row_weights(codes: UInt8[np.ndarray, "s n"], identity: float = 0.8) -> Float64[np.ndarray, "s"]:
    """1 / number of rows at least this identical over the columns where both have a base, as `Alignment.neff`."""
    letters = np.concatenate([codes == letter for letter in range(GAP)], 1).astype(np.float32)
    based = (codes != GAP).astype(np.float32)
    same, both = letters @ letters.T, based @ based.T
    return np.asarray(1.0 / np.maximum(1, (same >= identity * both - 1e-4).sum(1)), np.float64)
