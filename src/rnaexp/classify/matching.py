"""Length-matched pairs: the same lengths in both classes, so that a ruler tells nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int, Int64

from rnaexp.classify.layout import Layout

# Edges of 1 - shorter / longer: pairs that differ by more are in neither class.
DIFFERENCES = (0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05)
_LENGTH_STEP = 1.25  # lengths (geometric mean of the two) within this factor are one stratum


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Weights of pairs by their RNAs' length classes (distinct lengths; c of them)."""

    length_class: Int64[np.ndarray, "r"]  # in layout order
    homologous: Float64[np.ndarray, "c c"]  # 0 or 1
    non_homologous: Float64[np.ndarray, "c c"]
    kept: float  # share of the homologous weight that has others of its lengths to be compared with


def length_matching(lengths: Sequence[int], layout: Layout) -> Matching:
    """Weigh the other pairs so that they have the homologous pairs' lengths: the same mass in each stratum.

    A stratum is a range of relative difference (`DIFFERENCES`) and of length. Strata that only one class has are left
    out of both. `lengths` in input order.

    Raises: ValueError if nothing is left.
    """
    distinct, code = np.unique(np.asarray(lengths)[layout.order], return_inverse=True)
    stratum, strata = _strata(distinct)
    own, other = _masses(code, layout, len(distinct))
    inside = stratum >= 0
    own_mass = np.bincount(stratum[inside], own[inside], strata)
    other_mass = np.bincount(stratum[inside], other[inside], strata)
    both = (own_mass > 1e-12) & (other_mass > 1e-12)
    if not both.any():
        message = "no homologous pair has others of like lengths to be compared with"
        raise ValueError(message)
    factor = np.divide(own_mass, other_mass, out=np.zeros(strata), where=both)
    keep: Bool[np.ndarray, "c c"] = inside & both[stratum]
    return Matching(
        length_class=code.astype(np.int64),
        homologous=keep.astype(np.float64),
        non_homologous=np.where(keep, factor[stratum], 0.0),
        kept=float(own_mass[both].sum() / own.sum()),
    )


def _strata(lengths: Int[np.ndarray, "c"]) -> tuple[Int[np.ndarray, "c c"], int]:
    """Each pair of lengths' stratum, -1 if they differ too much; and how many there are."""
    long, short = np.maximum.outer(lengths, lengths), np.minimum.outer(lengths, lengths)
    difference = np.searchsorted(DIFFERENCES, 1 - short / long, side="left")
    size = np.floor(np.log(np.sqrt(long * short)) / np.log(_LENGTH_STEP)).astype(int)
    steps = len(DIFFERENCES)
    return np.where(difference < steps, size * steps + difference, -1), int(size.max() + 1) * steps


def _masses(code: np.ndarray, layout: Layout, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Weight of all ordered pairs of each two length classes: within families, and between families of two clans."""
    families = np.zeros((len(layout.sizes), classes))
    np.add.at(families, (layout.family, code), 1.0)
    own = np.einsum("gc,g,gd->cd", families, layout.own_share, families, optimize=True)
    own[np.diag_indices(classes)] -= layout.own_share @ families
    scaled = families / layout.sizes[:, None]
    clan_of = np.zeros(len(layout.sizes), int)
    clan_of[layout.family] = layout.clan
    clans = np.zeros((int(clan_of.max()) + 1, classes))
    np.add.at(clans, clan_of, scaled)
    everyone = scaled.sum(0)
    return own, np.outer(everyone, everyone) - clans.T @ clans
