"""Two RNAs aligned over their whole length with free end gaps: how many columns are identical.

Selecting unlike members of Rfam's families aligns some fifty thousand pairs. biotite's aligner, which keeps three
tables and all tracebacks, takes minutes for them; this keeps one row and counts on the way, and takes seconds. Scores
and the choice among equally good alignments are biotite's (tests/data/test_whole_alignment.py).
"""

import numpy as np

from rnaexp.compiled import compiled
from rnaexp.rna import LETTERS, codes_of

# +1 / -1 / -2 / -0.5 for equal bases, unequal ones, a gap's first base and each further one, doubled to whole numbers.
_EQUAL, _UNEQUAL, _FIRST_GAP, _NEXT_GAP = 2, -2, -4, -1
_NEVER = -(2**30)
_UNKNOWN = LETTERS.index("N")
# A path so far is one number: identical columns, columns since the first with two bases, and those up to the last.
_COLUMN = 1 << 20
_IDENTICAL = 1 << 40


def identical_columns(a: str, b: str) -> tuple[int, int]:
    """Identical columns of the best alignment, and all columns from its first to its last with a base of both.

    N is identical to nothing, but aligns with N as an equal base does.
    """
    one, other = codes_of([a])[0], codes_of([b])[0]
    path = int(_best_path(one, other))
    return path // _IDENTICAL, max(1, path % _COLUMN)


@compiled(nogil=True)
def _best_path(one: np.ndarray, other: np.ndarray) -> int:
    """Gotoh's alignment (doi:10.1016/0022-2836(82)90398-9); of equals a pair is chosen before a gap in `one`."""
    n, m = len(one), len(other)
    # Ends in a pair of bases, in a gap in `one` (left), in a gap in `other` (top): scores and paths of one row.
    pair, left, top = np.full(m + 1, _NEVER), np.zeros(m + 1, np.int64), np.full(m + 1, _NEVER)
    pair_path, left_path, top_path = np.zeros(m + 1, np.int64), np.zeros(m + 1, np.int64), np.zeros(m + 1, np.int64)
    pair[0], left[0] = 0, _NEVER
    for i in range(n):
        before, before_path = _first_of_best(pair[0], left[0], top[0], pair_path[0], left_path[0], top_path[0])
        pair[0], top[0] = _NEVER, 0
        free_right = i == n - 1
        for j in range(1, m + 1):
            base, others = one[i], other[j - 1]
            score, path = before, before_path
            before, before_path = _first_of_best(pair[j], left[j], top[j], pair_path[j], left_path[j], top_path[j])
            free = j == m
            opened, longer = pair[j] + (0 if free else _FIRST_GAP), top[j] + (0 if free else _NEXT_GAP)
            top[j], top_path[j] = (opened, pair_path[j]) if opened >= longer else (longer, top_path[j])
            top_path[j] += _COLUMN if top_path[j] else 0
            opened = pair[j - 1] + (0 if free_right else _FIRST_GAP)
            longer = left[j - 1] + (0 if free_right else _NEXT_GAP)
            left[j], left_path[j] = (opened, pair_path[j - 1]) if opened >= longer else (longer, left_path[j - 1])
            left_path[j] += _COLUMN if left_path[j] else 0
            pair[j] = score + (_EQUAL if base == others else _UNEQUAL)
            path += _COLUMN + (_IDENTICAL if base == others and base != _UNKNOWN else 0)
            pair_path[j] = path - path % _COLUMN + path // _COLUMN % _COLUMN
    return _first_of_best(pair[m], left[m], top[m], pair_path[m], left_path[m], top_path[m])[1]


@compiled(nogil=True, inline="always")
def _first_of_best(
    pair: float, left: float, top: float, pair_path: int, left_path: int, top_path: int
) -> tuple[float, int]:
    if pair >= left and pair >= top:
        return pair, pair_path
    return (left, left_path) if left >= top else (top, top_path)
