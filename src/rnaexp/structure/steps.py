"""What a learning curve says: which step is best, whether it is better than another, and when pairs emerge.

The best step is chosen by F1 on the validation set, as head and threshold are; the test set only judges it. Chosen by
the highest of many test scores, a step of a flat and noisy curve would look like a winner.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from rnaexp.stats.intervals import cluster_interval
from rnaexp.stats.paired import Contrast, paired_contrast
from rnaexp.structure.evaluate import paired_f1


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A model at one training step: F1 of its tuned head on the validation set, and on each test RNA.

    `f1`: columns rna, cluster, f1.
    """

    step: int
    validation_f1: float
    f1: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergence:
    """The first step above every control, and the first from which on all are; None where there is none."""

    first: int | None
    lasting: int | None


def best_step(points: Sequence[Point]) -> Point:
    """The highest on the validation set, of equal ones the earliest.

    Raises: ValueError for no points.
    """
    return max(points, key=lambda point: (point.validation_f1, -point.step))


def between(one: Point, other: Point) -> Contrast:
    """The first less the second, paired by test RNA, with its interval over clusters."""
    return paired_contrast(*paired_f1(one.f1, other.f1))


def clears(point: Point, controls: Mapping[str, pd.DataFrame]) -> bool:
    """Whether its paired difference from each control (columns rna, cluster, f1) has an interval above zero."""
    intervals = [cluster_interval(*paired_f1(point.f1, control), of="differences") for control in controls.values()]
    return bool(intervals) and all(interval.above_zero for interval in intervals)


def emergence(points: Sequence[Point], controls: Mapping[str, pd.DataFrame]) -> Emergence:
    """When the model first knows more than every control.

    Each interval is a 95 % one, so that among many steps one may clear the controls by chance; `lasting` seldom does.
    """
    first = lasting = None
    for point in sorted(points, key=lambda point: point.step):
        if clears(point, controls):
            first = point.step if first is None else first
            lasting = point.step if lasting is None else lasting
        else:
            lasting = None
    return Emergence(first=first, lasting=lasting)
