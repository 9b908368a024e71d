"""How the scores of all candidates lie, head by head, in fixed steps: little enough to keep for sets of thousands.

Steps are a sixteenth of a power of two wide, from 2^-20 to 2^4 and as far below zero; one is around zero, and what is
beyond is in the first or the last. With all pairs from a step on called, calls and right calls are known exactly, so
the mean F1 is; between that and the next step F1 is at most what it would be if the step's reference pairs came first.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor

from rnaexp.compiled import Whole, compiled
from rnaexp.structure.counts import top_pairs, unsorted_keys
from rnaexp.structure.protocol import ReadOut, Scoring

_FIRST, _OCTAVES, _PARTS = -20, 24, 16
_ZERO = _OCTAVES * _PARTS  # the step around zero
STEPS = 2 * _ZERO + 1

Counts = tuple[Int[np.ndarray, "h b"], Int[np.ndarray, "h b"]]  # candidates, and reference pairs among them


def can_outline(read_out: ReadOut, scoring: Scoring) -> bool:
    """Whether thresholds are raw scores, every candidate that reaches one is a call, and F1 is the mean over RNAs."""
    plain = read_out.score_scale == "raw" and read_out.squash == "none"
    calls = scoring.decoder == "none" and scoring.match == "exact" and not scoring.grid
    return plain and calls and scoring.averaging == "per-rna" and scoring.head == "validation"


def lower_ends() -> Float[np.ndarray, "b"]:
    """The lowest score of each step, rising; -inf of the first."""
    octaves = 2.0 ** np.arange(_FIRST, _FIRST + _OCTAVES, dtype=np.float32)
    ends = (octaves[:, None] * (1 + np.arange(_PARTS, dtype=np.float32) / _PARTS)).ravel()
    below = np.nextafter(-ends[::-1], np.float32(np.inf))
    return np.concatenate([[-np.inf], below, ends]).astype(np.float64)


def count_steps(
    maps: Float[Tensor, "h n n"],
    allowed: Bool[np.ndarray, "n n"],
    known: Bool[np.ndarray, "p"],
    read_out: ReadOut,
) -> Counts:
    """Of each head, of a map as it streams by. `known`: which places i * n + j are reference pairs.

    Raises: ScoreError naming the head.
    """
    heads = maps.shape[0]
    counts, right = np.zeros((heads, STEPS), np.int64), np.zeros((heads, STEPS), np.int64)
    if maps.device.type != "cpu":
        scores, places = top_pairs(maps, allowed, k=int(allowed.sum()), read_out=read_out)
        for head in range(heads):
            _count_scores(scores[head], known[places[head]], counts[head], right[head])
        return counts, right
    for head, keys in enumerate(unsorted_keys(maps, allowed, read_out)):
        _count_keys(keys, known, counts[head], right[head])
    return counts, right


@compiled(nogil=True, inline="always")
def _step(bits: np.uint32) -> Whole:
    """Of a float32 by its bits: the exponent and the first four digits after it number the steps."""
    place = np.int64((bits & np.uint32(0x7FFFFFFF)) >> np.uint32(19)) - (127 + _FIRST) * _PARTS + 1
    place = min(max(place, np.int64(0)), np.int64(_ZERO))
    return _ZERO - place if bits & np.uint32(0x80000000) else _ZERO + place


@compiled(nogil=True)
def _count_keys(keys: np.ndarray, known: np.ndarray, counts: np.ndarray, right: np.ndarray) -> None:
    for key in keys:
        order = ~np.uint32(key >> np.uint64(32))
        bits = order & np.uint32(0x7FFFFFFF) if order & np.uint32(0x80000000) else ~order
        step = _step(np.uint32(bits))
        counts[step] += 1
        if known[key & np.uint64(0xFFFFFFFF)]:
            right[step] += 1


@compiled(nogil=True)
def _count_scores(scores: np.ndarray, hits: np.ndarray, counts: np.ndarray, right: np.ndarray) -> None:
    bits = scores.view(np.uint32)
    for at in range(len(bits)):
        step = _step(bits[at])
        counts[step] += 1
        if hits[at]:
            right[step] += 1


def packed(layers: Sequence[Counts]) -> dict[str, np.ndarray]:
    """All layers' as stored: some kilobytes."""
    both = np.stack([np.concatenate(each) for each in zip(*layers, strict=True)]).astype(np.uint32)
    return {"outline": np.frombuffer(zlib.compress(both.tobytes()), np.uint8)}


def unpacked(entry: Mapping[str, np.ndarray]) -> Counts:
    """What was packed, the heads of all layers one after the other."""
    counts, right = np.frombuffer(zlib.decompress(entry["outline"].tobytes()), np.uint32).reshape(2, -1, STEPS)
    return counts.astype(np.int64), right.astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """Of a set: mean F1 at each step's lower end, exact, and at most that within the step or at its end.

    `counts`: candidates of all RNAs.
    """

    f1: Float[np.ndarray, "h b"]
    most: Float[np.ndarray, "h b"]
    counts: Int[np.ndarray, "h b"]

    @property
    def bounds(self) -> Float[np.ndarray, "h"]:
        """No threshold of a head gives more."""
        highest: np.ndarray = self.most.max(axis=1)
        return highest

    def cuts(self, row: int, f1: float, most: int) -> list[float]:
        """Rising scores that cut into pieces of up to `most` candidates, or one step, the band of a head within which
        every threshold lies that may give more than `f1`; empty without one."""
        steps = np.flatnonzero(self.most[row] > f1)
        if not len(steps):
            return []
        first, last = int(steps[0]), int(steps[-1])
        ends, found, held = [*lower_ends().tolist(), float("inf")], [first], 0
        for step in range(first, last + 1):
            held += int(self.counts[row, step])
            if held > most and step > found[-1]:
                found.append(step)
                held = int(self.counts[row, step])
        return [ends[step] for step in (*found, last + 1)]


def outline_of(rnas: Iterable[tuple[Counts, int]], *, count: int) -> Outline:
    """Of outlines and numbers of reference pairs, one after the other; `count`: RNAs, with those in which nothing was
    found because they could not be read."""
    f1: np.ndarray | float = 0.0
    most: np.ndarray | float = 0.0
    total: np.ndarray | int = 0
    for (counts, right), references in rnas:
        total = total + counts
        calls, found = (np.cumsum(each[:, ::-1], axis=1)[:, ::-1] for each in (counts, right))
        f1 = f1 + 2 * found / (calls + references)
        most = most + 2 * found / (calls - counts + right + references)
    return Outline(f1=np.asarray(f1) / count, most=np.asarray(most) / count, counts=np.asarray(total))


def f1_between(
    counted: Counts, references: int, rows: Int[np.ndarray, "b"], thresholds: Float[np.ndarray, "b"]
) -> tuple[Float[np.ndarray, "b"], Float[np.ndarray, "b"]]:
    """F1 of one RNA for each head and threshold: at least, and at most."""
    steps = np.searchsorted(lower_ends()[1:], thresholds, side="right")
    counts, right = counted
    calls, found = (np.cumsum(each[:, ::-1], axis=1)[:, ::-1][rows, steps] for each in counted)
    counts, right = counts[rows, steps], right[rows, steps]
    at_least = 2 * (found - right) / np.maximum(calls - right + references, 1)
    at_most = 2 * found / (calls - counts + right + references)
    return at_least, at_most
