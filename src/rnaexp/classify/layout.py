"""RNAs in the order and with the weights that counting their pairs needs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

MOST_UNITS = 512  # families resampled one by one up to this number; their table of pairs is 105 MB at 100 bins
_GROUPS = 64  # of families, where there are more


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """RNAs sorted by (unit, clan, family), so that every class of pair is one run of columns.

    For RNA i of that order its later family members are i+1 .. family_end[i], its clan-mates of other families (left
    out) family_end[i] .. clan_end[i], and all from clan_end[i] on are not homologous. A unit is what the bootstrap
    draws: a family, or, of more than `MOST_UNITS` families, a random group of whole clans.
    """

    order: Int64[np.ndarray, "r"]  # position in the input
    family: Int64[np.ndarray, "r"]
    clan: Int64[np.ndarray, "r"]
    unit: Int64[np.ndarray, "r"]
    family_end: Int64[np.ndarray, "r"]
    clan_end: Int64[np.ndarray, "r"]
    sizes: Int64[np.ndarray, "g"]
    names: tuple[str, ...]
    units: int
    families_are_units: bool

    def __len__(self) -> int:
        return len(self.order)

    @property
    def share(self) -> Float64[np.ndarray, "r"]:
        """1 / family size: two families' pairs, whatever their number, weigh 1 together."""
        weights: np.ndarray = 1.0 / self.sizes[self.family]
        return weights

    @property
    def own_share(self) -> Float64[np.ndarray, "g"]:
        """Weight of a pair within each family, so that each family's pairs weigh 1 together; 0 without a pair."""
        pairs = self.sizes * (self.sizes - 1) / 2
        return np.asarray(np.divide(1.0, pairs, out=np.zeros(len(pairs)), where=pairs > 0))


def layout(families: Sequence[str], clans: Sequence[str] | None = None, *, seed: int = 0) -> Layout:
    """Order RNAs by their families' names; a family without a clan of its own stands as its own clan.

    Raises: ValueError for a family that stands in two clans, or with fewer than two families.
    """
    names, member = np.unique(np.asarray(families, dtype=object).astype(str), return_inverse=True)
    if len(names) < 2:
        message = f"{len(names)} family: at least two are needed to tell homologous pairs from others"
        raise ValueError(message)
    clan_of = _clans(names, member, clans)
    unit_of, units = _units(clan_of, seed)
    order = np.lexsort((np.arange(len(member)), member, clan_of[member], unit_of[member]))
    family = member[order]
    clan = clan_of[family]
    return Layout(
        order=order.astype(np.int64),
        family=family.astype(np.int64),
        clan=clan.astype(np.int64),
        unit=unit_of[family].astype(np.int64),
        family_end=_run_ends(family),
        clan_end=_run_ends(clan),
        sizes=np.bincount(member, minlength=len(names)).astype(np.int64),
        names=tuple(str(name) for name in names),
        units=units,
        families_are_units=units == len(names),
    )


def _clans(names: np.ndarray, member: np.ndarray, clans: Sequence[str] | None) -> np.ndarray:
    if clans is None:
        return np.arange(len(names))
    _, code = np.unique(np.asarray(clans, dtype=object).astype(str), return_inverse=True)
    clan_of: np.ndarray = np.full(len(names), -1)
    clan_of[member] = code
    split = np.flatnonzero(clan_of[member] != code)
    if len(split):
        message = f"family {names[member[split[0]]]} stands in two clans"
        raise ValueError(message)
    return clan_of


def _units(clan_of: np.ndarray, seed: int) -> tuple[np.ndarray, int]:
    if len(clan_of) <= MOST_UNITS:
        # Numbered by clan, so that sorting by unit keeps clans together.
        unit_of = np.empty(len(clan_of), int)
        unit_of[np.argsort(clan_of, kind="stable")] = np.arange(len(clan_of))
        return unit_of, len(clan_of)
    clans = int(clan_of.max()) + 1
    groups = np.random.default_rng(seed).permutation(clans) % _GROUPS
    return groups[clan_of], _GROUPS


def _run_ends(codes: np.ndarray) -> np.ndarray:
    """For each position the end of the run of equal codes it stands in."""
    last = np.append(np.flatnonzero(np.diff(codes)) + 1, len(codes))
    ends: np.ndarray = last[np.searchsorted(last, np.arange(len(codes)), side="right")]
    return ends.astype(np.int64)
