"""The compiled inner loops: one block of cosines into histograms while it is in cache."""

from typing import NamedTuple

import numpy as np
from numba import njit

# Sums may be reordered and comparisons vectorised; embeddings are finite before they get here.
_FAST = {"reassoc", "contract", "nsz"}


class Rnas(NamedTuple):
    """What a pair's class and weight depend on, for each RNA in layout order; see `Layout` and `Matching`."""

    unit: np.ndarray
    unit_start: np.ndarray  # int32: where the unit's bins begin in a row of `Sums.between`
    family: np.ndarray
    family_end: np.ndarray
    clan_end: np.ndarray
    share: np.ndarray
    own_share: np.ndarray  # per family
    matched: bool
    length_class: np.ndarray
    own_table: np.ndarray
    other_table: np.ndarray


class Sums(NamedTuple):
    """What is added to; see `Counts`. The last three are memory of the kernel's own, `fine` all zero between calls."""

    homologous: np.ndarray
    non_homologous: np.ndarray
    within: np.ndarray
    between: np.ndarray
    squares: np.ndarray
    outside: np.ndarray
    best_same: np.ndarray
    best_other: np.ndarray
    fine: np.ndarray
    bin_of: np.ndarray
    unit_bin_of: np.ndarray


@njit(nogil=True, cache=True, fastmath=_FAST)  # type: ignore[untyped-decorator]
def add_block(
    sims: np.ndarray, first: int, rows: tuple[int, int], start: int, rnas: Rnas, sums: Sums, low: float, scale: float
) -> None:
    """Count rows[0] .. rows[1] of one block, whose first row is RNA `first` and first column RNA `start`."""
    for row in range(rows[0], rows[1]):
        i = first + row
        _add_family(sims[row], i, start, rnas, sums, low, scale)
        j = max(rnas.clan_end[i], start)
        if j < start + sims.shape[1]:
            _add_others(sims[row, j - start :], i, j, rnas, sums, low, scale)
    for place in range(len(sums.fine)):
        sums.non_homologous[place] += sums.fine[place]
        sums.fine[place] = 0.0


@njit(nogil=True, cache=True, inline="always")  # type: ignore[untyped-decorator]
def _beyond(value: float, low: float, scale: float, count: int) -> bool:
    return (value - low) * scale < 0 or (value - low) * scale > count


@njit(nogil=True, cache=True, fastmath=_FAST)  # type: ignore[untyped-decorator]
def _add_family(values: np.ndarray, i: int, start: int, rnas: Rnas, sums: Sums, low: float, scale: float) -> None:
    """RNA i's pairs with the later members of its family that stand in this block."""
    count = len(sums.homologous)
    per_bin = count // sums.within.shape[1]
    for j in range(max(i + 1, start), min(rnas.family_end[i], start + len(values))):
        value = values[j - start]
        weight = rnas.own_share[rnas.family[i]]
        if rnas.matched:
            weight *= rnas.own_table[rnas.length_class[i], rnas.length_class[j]]
        place = np.int64(min(max((value - low) * scale, 0), count - 1))
        sums.outside[0] += _beyond(value, low, scale, count)
        sums.homologous[place] += weight
        sums.within[rnas.unit[i], place // per_bin] += weight
        sums.squares[0] += weight * weight
        sums.best_same[i] = max(sums.best_same[i], value)
        sums.best_same[j] = max(sums.best_same[j], value)


@njit(nogil=True, cache=True, fastmath=_FAST)  # type: ignore[untyped-decorator]
def _add_others(values: np.ndarray, i: int, first: int, rnas: Rnas, sums: Sums, low: float, scale: float) -> None:
    """RNA i's pairs with RNAs `first` and on, all of other clans, in fine bins and in each unit's coarse ones."""
    count, bins, length = len(sums.fine), sums.within.shape[1], len(values)
    columns_best = sums.best_other[first : first + length]
    best, least = np.float32(-2), np.float32(2)
    for at in range(length):
        value = values[at]
        best = value if value > best else best
        least = value if value < least else least
        columns_best[at] = value if value > columns_best[at] else columns_best[at]
    sums.best_other[i] = max(sums.best_other[i], best)
    if _beyond(best, low, scale, count) or _beyond(least, low, scale, count):
        for at in range(length):
            sums.outside[0] += _beyond(values[at], low, scale, count)
    unit_start = rnas.unit_start[first : first + length]
    bin_of, unit_bin_of = sums.bin_of[:length], sums.unit_bin_of[:length]
    _find_bins(values, low, scale, np.float32(count - 1), np.float32(bins / count), unit_start, bin_of, unit_bin_of)
    shares, between, own = rnas.share[first : first + length], sums.between[rnas.unit[i]].reshape(-1), rnas.share[i]
    fine, square = sums.fine, 0.0
    if rnas.matched:
        table, length_class = rnas.other_table[rnas.length_class[i]], rnas.length_class[first : first + length]
        for at in range(length):
            weight = own * shares[at] * table[length_class[at]]
            fine[np.uint32(bin_of[at])] += weight
            between[np.uint32(unit_bin_of[at])] += weight
            square += weight * weight
    else:
        for at in range(length):
            weight = own * shares[at]
            # Unsigned: a signed index would be asked each time whether it counts from the end.
            fine[np.uint32(bin_of[at])] += weight
            between[np.uint32(unit_bin_of[at])] += weight
            square += weight * weight
    sums.squares[1] += square


@njit(nogil=True, cache=True, fastmath=_FAST)  # type: ignore[untyped-decorator]
def _find_bins(
    values: np.ndarray,
    low: float,
    scale: float,
    last: float,
    coarser: float,
    unit_start: np.ndarray,
    bin_of: np.ndarray,
    unit_bin_of: np.ndarray,
) -> None:
    """Two short loops: one that fills both arrays is not vectorised and takes twice as long."""
    for at in range(len(values)):
        place = (values[at] - low) * scale
        place = place if place > 0 else np.float32(0)
        place = place if place < last else last
        bin_of[at] = np.int32(place)
    for at in range(len(values)):
        # The half keeps the product off whole numbers: rounding never changes the coarse bin.
        unit_bin_of[at] = unit_start[at] + np.int32((np.float32(bin_of[at]) + np.float32(0.5)) * coarser)
