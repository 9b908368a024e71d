"""The compiled inner loops: one block of cosines into histograms while it is in cache."""

from typing import NamedTuple

import numpy as np

# Sums may be reordered; embeddings are finite before they get here, so that minima and maxima are vectorised.
from rnaexp.compiled import Real, Whole, compiled

_FAST = {"reassoc", "contract", "nsz", "nnan"}


class Rnas(NamedTuple):
    """What a pair's class and weight depend on, for each RNA in layout order; see `Layout` and `Matching`."""

    unit: np.ndarray
    unit_start: np.ndarray  # int32: unit x bins, where its bins begin in a row of `Sums.between` that is not cut
    family: np.ndarray
    family_end: np.ndarray
    clan_end: np.ndarray
    share: np.ndarray
    squares_before: np.ndarray  # of the shares, summed up to each RNA; one more at the end
    own_share: np.ndarray  # per family
    matched: bool
    length_class: np.ndarray
    own_table: np.ndarray
    other_table: np.ndarray


class Sums(NamedTuple):
    """What is added to; see `Counts`. The last five are memory of the kernel's own, `fine` all zero between calls."""

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
    weight_of: np.ndarray
    lanes: np.ndarray


@compiled(nogil=True, fastmath=_FAST)
def add_block(
    sims: np.ndarray,
    rows: tuple[int, int],
    corner: tuple[int, int],
    rnas: Rnas,
    sums: Sums,
    low: Real,
    scale: Real,
    check: bool,
) -> None:
    """Count rows[0] .. rows[1] of one block; `corner`: the RNAs of its first row and of its first column.

    `check`: some pair of the block may lie beyond the range.
    """
    first, start = corner
    for row in range(rows[0], rows[1]):
        i = first + row
        _add_family(sims[row], i, start, rnas, sums, low, scale)
        j = max(rnas.clan_end[i], start)
        if j < start + sims.shape[1]:
            _add_others(sims[row, j - start :], i, j, rnas, sums, low, scale, check)
    for place in range(len(sums.fine)):
        sums.non_homologous[place] += sums.fine[place]
        sums.fine[place] = 0.0


@compiled(nogil=True, inline="always")
def _beyond(value: float, low: Real, scale: Real, count: int) -> bool:
    return bool((value - low) * scale < 0 or (value - low) * scale > count)


@compiled(nogil=True, fastmath=_FAST)
def _add_family(values: np.ndarray, i: int, start: int, rnas: Rnas, sums: Sums, low: Real, scale: Real) -> None:
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


@compiled(nogil=True, fastmath=_FAST)
def _add_others(
    values: np.ndarray,
    i: int,
    first: int,
    rnas: Rnas,
    sums: Sums,
    low: Real,
    scale: Real,
    check: bool,
) -> None:
    """RNA i's pairs with RNAs `first` and on, all of other clans, in fine bins and in each unit's coarse ones."""
    count, bins, length = len(sums.fine), sums.within.shape[1], len(values)
    columns_best = sums.best_other[first : first + length]
    for at in range(length):
        columns_best[at] = max(columns_best[at], values[at])
    sums.best_other[i] = max(sums.best_other[i], _greatest(values, sums.lanes))
    if check:
        for at in range(length):
            sums.outside[0] += _beyond(values[at], low, scale, count)
    bin_of, fine, own, weight_of = sums.bin_of[:length], sums.fine, rnas.share[i], rnas.share[first : first + length]
    _find_bins(values, low, scale, np.float32(count - 1), bin_of)
    square = rnas.squares_before[first + length] - rnas.squares_before[first]
    if rnas.matched:
        weight_of = sums.weight_of[:length]
        square = _find_weights(i, first, rnas, weight_of)
    sums.squares[1] += square * own * own
    if len(sums.between) == 0:
        for at in range(length):
            fine[np.uint32(bin_of[at])] += own * weight_of[at]
        return
    unit, units, unit_bin_of = rnas.unit[i], len(sums.within), sums.unit_bin_of[:length]
    unit_start = rnas.unit_start[first : first + length]
    _find_unit_bins(bin_of, unit_start, np.int32(unit * bins), np.float32(bins / count), unit_bin_of)
    between = sums.between[unit * units - unit * (unit - 1) // 2 :].reshape(-1)
    for at in range(length):
        # Unsigned: of a signed index each access would check whether it counts from the end.
        weight = own * weight_of[at]
        fine[np.uint32(bin_of[at])] += weight
        between[np.uint32(unit_bin_of[at])] += weight


@compiled(nogil=True, fastmath=_FAST)
def _greatest(values: np.ndarray, lanes: np.ndarray) -> float:
    """First of each lane, then of all: one running maximum would be a chain of comparisons, each awaiting the last."""
    width, whole = len(lanes), len(values) - len(values) % len(lanes)
    lanes[:] = -2
    for start in range(0, whole, width):
        some = values[start : start + width]
        for at in range(width):
            lanes[at] = max(lanes[at], some[at])
    for at in range(len(values) - whole):
        lanes[at] = max(lanes[at], values[whole + at])
    while width > 8:
        width //= 2
        for at in range(width):
            lanes[at] = max(lanes[at], lanes[width + at])
    best = lanes[0]
    for at in range(1, width):
        best = max(best, lanes[at])
    return float(best)


@compiled(nogil=True, fastmath=_FAST)
def _find_weights(i: int, first: int, rnas: Rnas, weight_of: np.ndarray) -> float:
    """What RNAs `first` and on weigh in pairs with RNA i, whose own share is left out; the sum of the squares."""
    table, length_class = rnas.other_table[rnas.length_class[i]], rnas.length_class[first : first + len(weight_of)]
    shares, square = rnas.share[first : first + len(weight_of)], 0.0
    for at in range(len(weight_of)):
        weight_of[at] = shares[at] * table[np.uint32(length_class[at])]
    for at in range(len(weight_of)):
        square += weight_of[at] * weight_of[at]
    return square


@compiled(nogil=True, fastmath=_FAST)
def _find_bins(values: np.ndarray, low: Real, scale: Real, last: Real, bin_of: np.ndarray) -> None:
    for at in range(len(values)):
        place = (values[at] - low) * scale
        place = place if place > 0 else np.float32(0)
        place = place if place < last else last
        bin_of[at] = np.int32(place)


@compiled(nogil=True, fastmath=_FAST)
def _find_unit_bins(
    bin_of: np.ndarray, unit_start: np.ndarray, own_start: Whole, coarser: Real, unit_bin_of: np.ndarray
) -> None:
    """A loop of its own: one that fills both arrays is not vectorised and takes twice as long."""
    for at in range(len(bin_of)):
        # The half keeps the product off whole numbers: rounding never changes the coarse bin.
        coarse = np.int32((np.float32(bin_of[at]) + np.float32(0.5)) * coarser)
        unit_bin_of[at] = unit_start[at] - own_start + coarse
