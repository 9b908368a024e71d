"""Of many candidate pairs those few that stand in a structure of the largest expected accuracy."""

import numpy as np
from jaxtyping import Bool, Float64, Int

from rnaexp.compiled import Real, compiled

_TIE = 1e-9  # of all gains together: sums in another order differ by less


def best_pairs(
    places: Int[np.ndarray, "p"], gains: Float64[np.ndarray, "p"], free: Float64[np.ndarray, "n"]
) -> Bool[np.ndarray, "p"]:
    """Which pairs (rising places i * n + j, i < j) are in any nested structure with the largest sum, ties included.

    `gains`: what each pair adds; `free`: what each base without a partner adds. Memory: bases^2 float64.
    Source: Nussinov and Jacobson 1980, doi:10.1073/pnas.77.11.6309.
    """
    found: np.ndarray = _best_pairs(places, gains, free, _TIE * float(gains.sum() + free.sum()))
    return found


def one_structure(
    places: Int[np.ndarray, "p"], gains: Float64[np.ndarray, "p"], free: Float64[np.ndarray, "n"]
) -> Int[np.ndarray, "k"]:
    """The pairs (places) of one nested structure with the largest sum; of equally good ones that of the first pairs.

    Arguments as `best_pairs` takes them. Slow: it is run anew for each pair of the structure.
    """
    chosen: list[int] = []
    while True:
        best = best_pairs(places, gains, free)
        places, gains = places[best], gains[best]
        left = places[~np.isin(places, chosen)]
        if not len(left):
            return places
        chosen.append(int(left[0]))
        i, j = places // len(free), places % len(free)
        a, b = divmod(chosen[-1], len(free))
        fits = (places <= chosen[-1]) | (i > b) | (i > a) & (j < b)  # what stands before it was chosen, and nests
        places, gains = places[fits], gains[fits]


@compiled()
def _best_pairs(places: np.ndarray, gains: np.ndarray, free: np.ndarray, tie: Real) -> np.ndarray:
    """best[i, j]: most of the bases i <= base < j. Then its trace, along all ways at once."""
    n, at = len(free), len(places) - 1
    best = np.zeros((n + 1, n + 1))
    reached = np.full(len(places), -np.inf)  # of the bases that a pair spans, where it is the best use of them
    last, before = np.full(n, -1), np.full(len(places), -1)  # such pairs, chained by their right base
    for i in range(n - 1, -1, -1):
        end = at + 1
        while at >= 0 and places[at] // n == i:
            at -= 1
        pair = at + 1
        for j in range(i, n):
            most, one = best[i, j] + free[j], last[j]
            while one >= 0:
                most, one = max(most, best[i, places[one] // n] + reached[one]), before[one]
            if pair < end and places[pair] % n == j:
                paired = gains[pair] + best[i + 1, j]
                if paired > most - tie:
                    reached[pair], before[pair], last[j] = paired, last[j], pair
                most, pair = max(most, paired), pair + 1
            best[i, j + 1] = most
    chosen, seen = np.zeros(len(places), np.bool_), np.zeros((n + 1, n + 1), np.bool_)
    stack = [(0, n)]
    while stack:
        i, j = stack.pop()
        if i >= j or seen[i, j]:
            continue
        seen[i, j] = True
        if best[i, j - 1] + free[j - 1] > best[i, j] - tie:
            stack.append((i, j - 1))
        one = last[j - 1]
        while one >= 0:
            k = places[one] // n
            if k >= i and best[i, k] + reached[one] > best[i, j] - tie:
                chosen[one] = True
                stack.append((i, k))
                stack.append((k + 1, j - 1))
            one = before[one]
    return chosen
