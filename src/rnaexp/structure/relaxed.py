"""Relaxed matching: a call counts if one of its two bases is off by one, and each reference pair is found once."""

import numpy as np
from jaxtyping import Bool, Int

from rnaexp.compiled import compiled


def relaxed_hits(
    indices: Int[np.ndarray, "h k"], reference: Int[np.ndarray, "p"], bases: int
) -> Bool[np.ndarray, "h k"]:
    """Which calls, taken in their order, raise the largest one-to-one matching of calls and reference pairs.

    Call (i, j) may match (i, j), (i +- 1, j) or (i, j +- 1). So the number of hits among the first calls is the size
    of the largest matching of those calls, for every number of calls: F1 stays a function of the threshold.
    """
    place = np.full((bases + 2, bases + 2), -1, np.int64)  # a border of one: neighbours need no bounds
    place[reference // bases + 1, reference % bases + 1] = np.arange(len(reference))
    return np.stack([_hits(row.astype(np.int64), place, len(reference), bases) for row in indices])


@compiled()
def _hits(calls: np.ndarray, place: np.ndarray, references: int, bases: int) -> np.ndarray:
    """Grow the matching by one augmenting path a call (Kuhn's algorithm); a matched call stays matched."""
    steps = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
    owner = np.full(references, -1, np.int64)  # the call that a reference pair is matched with
    owned = np.full(len(calls), -1, np.int64)  # and the other way round
    cause = np.empty(references, np.int64)  # the call from which the search came to a reference pair
    queue = np.empty(len(calls), np.int64)
    for call in range(len(calls)):
        if calls[call] < 0:
            break
        cause[:] = -1
        queue[0], first, last, end = call, 0, 1, -1
        while first < last and end < 0:
            here = queue[first]
            first += 1
            i, j = calls[here] // bases + 1, calls[here] % bases + 1
            for di, dj in steps:
                pair = place[i + di, j + dj]
                if pair < 0 or cause[pair] >= 0:
                    continue
                cause[pair] = here
                if owner[pair] < 0:
                    end = pair
                    break
                queue[last] = owner[pair]
                last += 1
        while end >= 0:  # each call on the path takes the pair it was led to, and leaves its own to the one before
            taker = cause[end]
            owner[end], owned[taker], end = taker, end, owned[taker]
        # The path began at this call, so it now owns a pair exactly if there was a path.
    return owned >= 0
