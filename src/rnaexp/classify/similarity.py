"""All pairs' cosines counted into histograms block by block: the matrix of similarities never exists.

Products are formed in float32 by the matrix library, a block at a time; each block is counted while it is in cache.
Memory is linear in the number of RNAs. Sums of several processes add up: each counts its own rows.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float32, Float64

from rnaexp.classify.kernel import Rnas, Sums, add_block
from rnaexp.classify.layout import Layout
from rnaexp.classify.matching import Matching
from rnaexp.classify.overlap import Densities
from rnaexp.typing import checked

FINE_BINS = 2000  # 16 KiB of counters: they stay in the first-level cache
RANGE_RNAS = 5_000  # of more, the pairs of a random quarter decide the histogram's range; others count in its end bins
_ROWS, _COLUMNS = 256, 2048
_LANES = 128  # of the widest vector registers, several
_MOST_BYTES = 2**29  # of the threads' tables together; each has its own


@dataclass(slots=True, kw_only=True)
class Counts:
    """Weighted counts of similarities. u units, b coarse and f fine bins of [low, high], r RNAs in layout order.

    `within` holds the pairs of each unit's own families, `between` those of families in units x <= y: t rows, of the
    upper triangle row by row (see `between_rows`), or none where they are not wanted.
    `best_same`, `best_other`: each RNA's most similar other one, of its family and of another clan.
    """

    low: float
    high: float
    homologous: Float64[np.ndarray, "f"]
    non_homologous: Float64[np.ndarray, "f"]
    within: Float64[np.ndarray, "u b"]
    between: Float32[np.ndarray, "t b"]
    squares: Float64[np.ndarray, "2"]  # sums of squared weights
    outside: Float64[np.ndarray, "1"]  # number of pairs beyond the range, counted in its end bins
    best_same: Float32[np.ndarray, "r"]
    best_other: Float32[np.ndarray, "r"]

    def between_rows(self) -> Iterator[tuple[int, Float32[np.ndarray, "v b"]]]:
        """Each unit x and its pairs with units x, x + 1, ... u - 1."""
        units, start = len(self.within), 0
        for unit in range(units if len(self.between) else 0):
            yield unit, self.between[start : start + units - unit]
            start += units - unit

    @property
    def densities(self) -> Densities:
        """Both classes' mass on the fine bins."""
        totals = self.homologous.sum(), self.non_homologous.sum()
        if min(totals) <= 0:
            message = "no homologous or no other pair is left to compare"
            raise ValueError(message)
        return Densities(
            low=self.low,
            high=self.high,
            homologous=self.homologous / totals[0],
            non_homologous=self.non_homologous / totals[1],
            pairs=(float(totals[0] ** 2 / self.squares[0]), float(totals[1] ** 2 / self.squares[1])),
        )

    def add(self, other: "Counts") -> None:
        """Take in what another thread or process counted over the same range."""
        if (self.low, self.high) != (other.low, other.high):
            message = f"counts over [{self.low}, {self.high}] and [{other.low}, {other.high}] cannot be added"
            raise ValueError(message)
        for name in ("homologous", "non_homologous", "within", "between", "squares", "outside"):
            getattr(self, name).__iadd__(getattr(other, name))
        for name in ("best_same", "best_other"):
            np.maximum(getattr(self, name), getattr(other, name), out=getattr(self, name))


def empty_counts(layout: Layout, spread: tuple[float, float], bins: int, *, by_unit: bool = True) -> Counts:
    """Nothing counted yet."""
    fine = bins * max(1, round(FINE_BINS / bins))
    return Counts(
        low=spread[0],
        high=spread[1],
        homologous=np.zeros(fine),
        non_homologous=np.zeros(fine),
        within=np.zeros((layout.units, bins)),
        between=np.zeros((layout.units * (layout.units + 1) // 2 if by_unit else 0, bins), np.float32),
        squares=np.zeros(2),
        outside=np.zeros(1),
        best_same=np.full(len(layout), -2, np.float32),
        best_other=np.full(len(layout), -2, np.float32),
    )


@checked
def spread(
    vectors: Float32[np.ndarray, "r d"],
    matching: Matching | None = None,
    *,
    at_most: int = RANGE_RNAS,
    seed: int = 0,
) -> tuple[float, float]:
    """Least and greatest cosine of any two RNAs, or, of more than `at_most`, of any two of a random quarter of them.

    A quarter costs a sixteenth of counting. With `matching` (vectors in layout order) only pairs that it leaves in are
    looked at; if none of the quarter's is left, the range is that of all cosines.
    """
    chosen = np.arange(len(vectors))
    if len(vectors) > at_most:
        chosen = np.sort(np.random.default_rng(seed).choice(len(vectors), len(vectors) // 4, replace=False))
    classes = None if matching is None else torch.from_numpy(matching.length_class[chosen])
    kept = None if matching is None else torch.from_numpy(matching.homologous > 0)
    extremes = []
    for first, rows, start, block in _products(torch.from_numpy(vectors[chosen]), (0, 1)):
        if block.numel() == 1:  # the last RNA with itself
            continue
        if start == first:  # below the diagonal stand the pairs above it once more
            block.fill_diagonal_(float(block[0, 1]))
        seen = block
        if classes is not None and kept is not None:
            places = kept[classes[first : first + rows]][:, classes[start : start + block.shape[1]]]
            seen = block[places.triu(1) if start == first else places]
        if seen.numel():
            extremes.append(torch.aminmax(seen))
    if not extremes:
        return -1.0, 1.0
    low, high = min(float(e.min) for e in extremes), max(float(e.max) for e in extremes)
    middle, half = (low + high) / 2, max((high - low) / 2, 1e-6)
    return middle - half, middle + half


@checked
def count_pairs(
    vectors: Float32[np.ndarray, "r d"],
    layout: Layout,
    *,
    spread: tuple[float, float],
    bins: int = 100,
    matching: Matching | None = None,
    part: tuple[int, int] = (0, 1),
    by_unit: bool = True,
    progress: Callable[[int], None] | None = None,
) -> Counts:
    """Count every pair of unit vectors (rows in layout order), or the share `part` = (which, of how many) of the rows.

    `matching` weighs pairs by their two lengths. Without `by_unit` there is no table of units, which only the
    bootstrap needs. `progress` gets the rows done.
    """
    if len(vectors) != len(layout):
        message = f"{len(vectors)} vectors for {len(layout)} RNAs"
        raise ValueError(message)
    total = empty_counts(layout, spread, bins, by_unit=by_unit)
    threads = max(1, min(torch.get_num_threads(), _MOST_BYTES // max(1, total.between.nbytes)))
    rnas = _rnas(layout, matching, bins)
    counters = [total, *(empty_counts(layout, spread, bins, by_unit=by_unit) for _ in range(threads - 1))]
    sums = [_sums(counter) for counter in counters]
    low, scale = np.float32(total.low), np.float32(len(total.homologous) / (total.high - total.low))
    with ThreadPoolExecutor(threads) as pool:
        for first, rows, start, block in _products(torch.from_numpy(vectors), part):
            least, most = torch.aminmax(block)
            check = float(least) < total.low or float(most) > total.high
            cuts = np.linspace(0, rows, threads + 1).astype(int).tolist()
            work = [
                partial(add_block, block.numpy(), share, (first, start), rnas, each, low, scale, check)
                for share, each in zip(pairwise(cuts), sums, strict=True)
            ]
            jobs = [pool.submit(one) for one in work[1:]]
            work[0]()
            for job in jobs:
                job.result()
            if progress is not None and start + block.shape[1] == len(vectors):
                progress(rows)
    for counter in counters[1:]:
        total.add(counter)
    return total


def _products(vectors: torch.Tensor, part: tuple[int, int]) -> Iterator[tuple[int, int, int, torch.Tensor]]:
    """Blocks of the upper triangle: first row, rows, first column, products. The block is used again for the next."""
    n = len(vectors)
    memory = torch.empty(_ROWS * _COLUMNS)
    across = vectors.T
    for first in range(part[0] * _ROWS, n, part[1] * _ROWS):
        rows = min(_ROWS, n - first)
        for start in range(first, n, _COLUMNS):
            columns = min(_COLUMNS, n - start)
            block = memory[: rows * columns].view(rows, columns)
            torch.mm(vectors[first : first + rows], across[:, start : start + columns], out=block)
            yield first, rows, start, block


def _rnas(layout: Layout, matching: Matching | None, bins: int) -> Rnas:
    none = np.ones((1, 1))
    return Rnas(
        unit=layout.unit,
        unit_start=(layout.unit * bins).astype(np.int32),
        family=layout.family,
        family_end=layout.family_end,
        clan_end=layout.clan_end,
        share=layout.share.astype(np.float32),
        squares_before=np.append(0.0, np.cumsum(layout.share**2)),
        own_share=layout.own_share,
        matched=matching is not None,
        length_class=np.zeros(1, np.int64) if matching is None else matching.length_class,
        own_table=none if matching is None else matching.homologous,
        other_table=none if matching is None else matching.non_homologous,
    )


def _sums(counts: Counts) -> Sums:
    return Sums(
        homologous=counts.homologous,
        non_homologous=counts.non_homologous,
        within=counts.within,
        between=counts.between,
        squares=counts.squares,
        outside=counts.outside,
        best_same=counts.best_same,
        best_other=counts.best_other,
        fine=np.zeros(len(counts.homologous)),
        bin_of=np.empty(_COLUMNS, np.int32),
        unit_bin_of=np.empty(_COLUMNS, np.int32),
        weight_of=np.empty(_COLUMNS, np.float32),
        lanes=np.empty(_LANES, np.float32),
    )
