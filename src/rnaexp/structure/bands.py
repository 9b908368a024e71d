"""The best threshold of one head of a set too large to hold, exactly: from the scores near it alone, piece by piece.

Outlines bound F1 within each step of the scores, so the optimum is known to lie in a few of them, the band. Of each RNA
its scores there are kept and how many lie above; F1 over all RNAs is followed down the band a piece at a time.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from rnaexp.structure.curve import TIE, Optimum

Limits = tuple[float, float]  # scores from the first on, below the second
MOST = 2**21  # scores of all RNAs that are in memory at a time, unless one step holds more


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Of one RNA and head. `above`: calls and right calls above the band; `below`: the next score, -inf without one."""

    scores: Float[np.ndarray, "k"]  # falling
    right: Bool[np.ndarray, "k"]
    above: tuple[int, int]
    below: float


def band_of(scores: Float[np.ndarray, "p"], right: Bool[np.ndarray, "p"], limits: Limits) -> dict[str, np.ndarray]:
    """As stored, of falling scores."""
    rising = scores[::-1]
    first, last = (len(scores) - int(np.searchsorted(rising, end, side="left")) for end in limits[::-1])
    return {
        "scores": scores[first:last],
        "right": right[first:last],
        "above": np.array([first, right[:first].sum()]),
        "below": scores[last : last + 1],
    }


def stored_band(entry: dict[str, np.ndarray]) -> Band:
    """What `band_of` made."""
    calls, found = (int(value) for value in entry["above"])
    below = float(entry["below"][0]) if len(entry["below"]) else -np.inf
    return Band(scores=entry["scores"], right=entry["right"], above=(calls, found), below=below)


def best_in_band(bands: Callable[[], Iterable[tuple[Band, int]]], cuts: Sequence[float], *, count: int) -> Optimum:
    """The highest mean F1 and the middle of its plateau, as `curve.best_threshold` over all scores would find it.

    `bands` gives each RNA's, with its number of reference pairs, as often as it is called; `cuts`: the ends of the
    pieces, rising from the band's lower limit to its upper; `count`: RNAs, with those in which nothing was found.
    """
    f1, place, best = 0.0, 0, -np.inf
    near: list[np.ndarray] = []  # place, score, next score, F1 of what is or was as good as the best
    last: tuple[float, float] | None = None  # score and F1 of the last threshold of the pieces before
    below = -np.inf
    for at in range(len(cuts) - 1, 0, -1):
        scores, changes = [], []
        for band, references in bands():
            if last is None and at == len(cuts) - 1:
                f1 += 2 * band.above[1] / (band.above[0] + references) / count
                below = max(below, band.below)
            found, change = _changes(band, references, (cuts[at - 1], cuts[at]))
            scores.append(found)
            changes.append(change)
        ends, values = _curve(np.concatenate(scores), np.concatenate(changes) / count, f1)
        if not len(ends):
            continue
        f1 = float(values[-1])
        if last is not None:
            ends, values = np.concatenate([[last[0]], ends]), np.concatenate([[last[1]], values])
        last = float(ends[-1]), f1
        best = max(best, float(values.max()))
        kept = np.flatnonzero(values[:-1] >= best - TIE)
        near.append(np.stack([place + kept, ends[kept], ends[kept + 1], values[kept]]))
        place += len(ends) - 1
    if last is None:
        return Optimum(f1=0.0, threshold=float("inf"), bound=-np.inf)
    near.append(np.array([[place], [last[0]], [below if below > -np.inf else last[0]], [last[1]]]))
    places, ends, nexts, values = np.concatenate(near, axis=1)
    good = values >= best - TIE
    places, ends, nexts = places[good], ends[good], nexts[good]
    breaks = np.flatnonzero(np.diff(places) > 1)
    end = int(breaks[0]) if len(breaks) else len(places) - 1
    return Optimum(f1=round(best, 12), threshold=float((ends[0] + nexts[end]) / 2), bound=-np.inf)


def _changes(band: Band, references: int, limits: Limits) -> tuple[Float[np.ndarray, "k"], Float[np.ndarray, "k"]]:
    """Distinct scores of a piece, falling, and what each adds to the RNA's F1 when its pairs are called together."""
    rising = band.scores[::-1]
    first, last = (len(rising) - int(np.searchsorted(rising, end, side="left")) for end in limits[::-1])
    if first == last:
        return np.zeros(0), np.zeros(0)
    scores = band.scores[first:last].astype(np.float64)
    ends = np.flatnonzero(np.append(scores[:-1] > scores[1:], True))
    found = band.above[1] + int(band.right[:first].sum())
    right = np.concatenate([[found], found + np.cumsum(band.right[first:last])[ends]])
    calls = band.above[0] + first + np.concatenate([[0], ends + 1])
    return scores[ends], np.diff(2 * right / (calls + references))


def _curve(
    scores: Float[np.ndarray, "k"], changes: Float[np.ndarray, "k"], start: float
) -> tuple[Float[np.ndarray, "t"], Float[np.ndarray, "t"]]:
    order = np.argsort(-scores, kind="stable")
    scores, values = scores[order], start + np.cumsum(changes[order])
    ends = np.append(scores[:-1] > scores[1:], True) if len(scores) else np.zeros(0, bool)
    return scores[ends], values[ends]
