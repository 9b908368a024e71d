"""The fused kernel: read a layer's maps once, keep each head's best pairs, let the maps go.

Two passes over each map (sums, then scores in blocks small enough to stay in cache) stand in for symmetrise, APC,
masking and sorting, which as array operations would each read and write every map again. Scores are formed in
float64 and kept in float32. `pairs.py` is the definition; the tests hold the two together.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from rnaexp.compiled import Real, compiled
from rnaexp.errors import ScoreError
from rnaexp.structure.pairs import pair_scores
from rnaexp.structure.protocol import ReadOut

Kept = tuple[Float[np.ndarray, "h k"], Int[np.ndarray, "h k"]]

_BLOCK = 64  # 64 x 64 float32 = 16 KiB for the mirror image of a block: it stays in the first-level cache
_WORTH_THREADS = 2**21  # numbers in a layer's maps (20 heads of 324 bases): for fewer, threads cost more than they save
_NO_PAIR = -1
# Sums may be reordered (vectorised); NaN and infinity must keep their meaning, they are how a broken map is found.
_FAST = {"reassoc", "contract", "nsz"}


def top_pairs(maps: Float[Tensor, "h n n"], allowed: Bool[np.ndarray, "n n"], *, k: int, read_out: ReadOut) -> Kept:
    """Each head's k best candidate pairs: scores falling, ties by (i, j); indices i * n + j.

    Raises: ScoreError naming the head if a map is not finite, or sums to zero under APC.
    """
    k = min(k, int(allowed.sum()))
    if k == 0:
        return np.empty((maps.shape[0], 0), np.float32), np.empty((maps.shape[0], 0), np.int32)
    if maps.device.type != "cpu":
        return _top_pairs_on_device(maps, allowed, k, read_out)
    return _unpack(_keys(maps, allowed, k, read_out))


def greedy_pairs(maps: Float[Tensor, "h n n"], allowed: Bool[np.ndarray, "n n"], *, read_out: ReadOut) -> Kept:
    """Each head's candidate pairs with one partner a base, taken by falling score; unused places hold -inf and -1."""
    n = maps.shape[-1]
    if not allowed.any():
        return top_pairs(maps, allowed, k=0, read_out=read_out)
    kept = _greedy(_keys(maps.cpu(), allowed, int(allowed.sum()), read_out), n)
    scores, indices = _unpack(kept)
    unused = kept == _UNUSED
    scores[unused], indices[unused] = -np.inf, _NO_PAIR
    return scores, indices


def _keys(maps: Tensor, allowed: Bool[np.ndarray, "n n"], k: int, read_out: ReadOut) -> np.ndarray:
    heads, n, _ = maps.shape
    flat, head_stride, stride = _flat(maps)
    p = int(allowed.sum())
    kept = np.empty((heads, k), np.uint64)
    workers = min(torch.get_num_threads(), heads) if maps.numel() >= _WORTH_THREADS else 1

    def score(first: int) -> int | None:
        """Every `workers`-th head from the first; the first of them that cannot be scored, if any."""
        room = np.empty(p, np.uint64)
        for head in range(first, heads, workers):
            one = _Map(flat, head * head_stride, stride, n, allowed)
            count = _one_head(one, k, p, read_out.symmetrise, read_out.apc, room)
            if count < 0:
                return head
            # NumPy's selection and sort are vectorised, Numba's are not: ten times slower on long lists.
            kept[head] = np.partition(room[:count], k - 1)[:k] if count > k else room[:k]
            kept[head].sort()
        return None

    if workers == 1:
        broken = [score(0)]
    else:
        with ThreadPoolExecutor(workers) as pool:
            broken = list(pool.map(score, range(workers)))
    if bad := [head for head in broken if head is not None]:
        message = f"head {min(bad)}: map is not finite, or sums to zero"
        raise ScoreError(message)
    return kept


def unsorted_keys(
    maps: Float[Tensor, "h n n"], allowed: Bool[np.ndarray, "n n"], read_out: ReadOut
) -> Iterator[np.ndarray]:
    """Each head's candidates as keys, in the order of the map; each is gone when the next is made.

    Raises: ScoreError naming the head.
    """
    flat, head_stride, stride = _flat(maps)
    p = int(allowed.sum())
    room = np.empty(p, np.uint64)
    for head in range(maps.shape[0]):
        one = _Map(flat, head * head_stride, stride, maps.shape[-1], allowed)
        if _one_head(one, p, p, read_out.symmetrise, read_out.apc, room) < 0:
            message = f"head {head}: map is not finite, or sums to zero"
            raise ScoreError(message)
        yield room


def _flat(maps: Tensor) -> tuple[np.ndarray, int, int]:
    """The memory under the maps, and how to walk it: maps are often views into larger ones (special tokens cut)."""
    maps = maps.detach()
    if maps.dtype != torch.float32 or maps.stride(-1) != 1:
        maps = maps.to(torch.float32).contiguous()
    size = (maps.shape[0] - 1) * maps.stride(0) + (maps.shape[1] - 1) * maps.stride(1) + maps.shape[2]
    return torch.as_strided(maps, (size,), (1,)).numpy(), maps.stride(0), maps.stride(1)


def _top_pairs_on_device(maps: Tensor, allowed: Bool[np.ndarray, "n n"], k: int, read_out: ReadOut) -> Kept:
    where = torch.from_numpy(np.flatnonzero(allowed)).to(maps.device)
    scores = pair_scores(maps.double(), read_out).flatten(1)[:, where].float()
    if not bool(torch.isfinite(scores).all()):
        message = "a map is not finite"
        raise ScoreError(message)
    # A stable sort keeps ties in (i, j) order; topk would not.
    best, order = torch.sort(scores, dim=1, descending=True, stable=True)
    return best[:, :k].cpu().numpy(), where[order[:, :k]].cpu().numpy().astype(np.int32)


# A pair is one 64-bit key: its score, turned so that a better score is a smaller number, above its index.
# One sort or selection of keys then orders by falling score with ties by (i, j).
_UNUSED = np.uint64(0xFFFFFFFFFFFFFFFF)


def _unpack(keys: np.ndarray) -> Kept:
    order = ~(keys >> np.uint64(32)).astype(np.uint32)
    bits = np.where(order & np.uint32(0x80000000), order & np.uint32(0x7FFFFFFF), ~order)
    return bits.astype(np.uint32).view(np.float32).copy(), (keys & np.uint64(0xFFFFFFFF)).astype(np.int32)


class _Map(NamedTuple):
    """One head's map in memory, as compiled functions walk it: row i starts at base + i * stride."""

    flat: np.ndarray
    base: int
    stride: int
    n: int
    allowed: np.ndarray


@compiled(nogil=True, inline="always")
def _key(bits: np.uint32, index: int) -> np.uint64:
    """Order of float32 bits: negative numbers flip all bits, others the sign; then invert, so that best is least."""
    order = ~bits if bits & np.uint32(0x80000000) else bits | np.uint32(0x80000000)
    return (np.uint64(~np.uint32(order)) << np.uint64(32)) | np.uint64(index)


@compiled(nogil=True, fastmath=_FAST)
def _sums(one: _Map, rows: np.ndarray, columns: np.ndarray) -> float:
    flat, base, stride, n = one.flat, one.base, one.stride, one.n
    total = 0.0
    columns[:] = 0.0
    for i in range(n):
        line = flat[base + i * stride : base + i * stride + n]
        row = 0.0
        for j in range(n):
            row += np.float64(line[j])
        for j in range(n):
            columns[j] += np.float64(line[j])
        rows[i] = row
        total += row
    return total


@compiled(nogil=True, fastmath=_FAST)
def _guess_floor(
    one: _Map,
    k: int,
    p: int,
    mirror: float,
    rows: np.ndarray,
    columns: np.ndarray,
) -> Real:
    """A score that a little more than k of the p candidates should reach, from one pair in 16, or 64 of a long RNA."""
    flat, base, stride, n, allowed = one
    step = 4 if n < 256 else 8
    sample, count = np.empty((n // step + 1) ** 2, np.float32), 0
    for i in range(0, n, step):
        for j in range(i + 1 + (i % 3), n, step):
            if allowed[i, j]:
                value = np.float64(flat[base + i * stride + j]) + mirror * flat[base + j * stride + i]
                sample[count] = np.float32(value - rows[i] * columns[j])
                count += 1
    rank = int(1.5 * k * count / p) + 8
    if rank >= count // 2:
        return np.float32(-np.inf)
    lowest: Real = -np.partition(-sample[:count], rank)[rank]
    return lowest


@compiled(nogil=True, fastmath=_FAST)
def _gather(
    one: _Map,
    floor: Real,
    mirror: float,
    rows: np.ndarray,
    columns: np.ndarray,
    room: np.ndarray,
) -> int:
    """Put the key of each candidate above the floor into `room`; how many there are."""
    flat, base, stride, n, allowed = one
    turned, scores, count = np.empty((_BLOCK, _BLOCK), np.float32), np.empty(_BLOCK, np.float32), 0
    bits = scores.view(np.uint32)
    for i0 in range(0, n, _BLOCK):
        high = min(_BLOCK, n - i0)
        for j0 in range(i0, n, _BLOCK):
            wide = min(_BLOCK, n - j0)
            for b in range(wide):
                at = base + (j0 + b) * stride + i0
                for a in range(high):
                    turned[a, b] = flat[at + a]
            for a in range(high):
                i, at = i0 + a, base + (i0 + a) * stride + j0
                line, mirrored, column = flat[at : at + wide], turned[a], columns[j0 : j0 + wide]
                for b in range(wide):
                    value = np.float64(line[b]) + mirror * np.float64(mirrored[b])
                    scores[b] = np.float32(value - rows[i] * column[b])
                for b in range(max(0, i + 1 - j0), wide):
                    if scores[b] > floor and allowed[i, j0 + b]:
                        room[count] = _key(bits[b], i * n + j0 + b)
                        count += 1
    return count


@compiled(nogil=True)
def _one_head(
    one: _Map,
    k: int,
    p: int,
    symmetrise: bool,
    apc: bool,
    room: np.ndarray,
) -> int:
    """Put the keys of at least the k best candidates into `room`; how many, or -1 if the map cannot be scored."""
    rows, columns = np.empty(one.n), np.empty(one.n)
    total = _sums(one, rows, columns)
    if not np.isfinite(total) or (apc and total == 0.0):
        return -1
    if symmetrise:
        rows += columns
        columns[:] = rows
        total *= 2.0
    rows *= 1.0 / total if apc else 0.0
    mirror = 1.0 if symmetrise else 0.0
    floor = _guess_floor(one, k, p, mirror, rows, columns)
    count = _gather(one, floor, mirror, rows, columns, room)
    if count < k:  # the guess was too high
        count = _gather(one, np.float32(-np.inf), mirror, rows, columns, room)
    return count


@compiled(nogil=True)
def _greedy(keys: np.ndarray, n: int) -> np.ndarray:
    heads = keys.shape[0]
    kept = np.full((heads, n // 2), _UNUSED, np.uint64)
    for head in range(heads):
        paired, count = np.zeros(n, np.bool_), 0
        for key in keys[head]:
            i, j = divmod(np.int64(key & np.uint64(0xFFFFFFFF)), n)
            if not paired[i] and not paired[j]:
                paired[i] = paired[j] = True
                kept[head, count] = key
                count += 1
    return kept
