"""Which rows of a deep alignment a model reads."""

import numpy as np

from rnaexp.rna import Alignment


def select_rows(alignment: Alignment, max_rows: int) -> tuple[int, ...]:
    """Indices, ascending, of at most `max_rows` diverse rows; row 0 is always the first.

    Greedy, as the MSA transformer's authors do: each next row is the one with the largest mean Hamming distance to
    those already chosen (a gap is a letter), the earliest on ties. An alignment that is not deeper is taken whole.
    Source: Rao et al. 2021, doi:10.1101/2021.02.12.430858.
    """
    if max_rows < 1:
        message = f"max_rows {max_rows}: must be at least 1"
        raise ValueError(message)
    if alignment.depth <= max_rows:
        return tuple(range(alignment.depth))
    codes = alignment.codes()
    chosen, free, differences = [0], np.ones(alignment.depth, bool), np.zeros(alignment.depth, np.int64)
    while len(chosen) < max_rows:
        free[chosen[-1]] = False
        differences += (codes != codes[chosen[-1]]).sum(1)
        chosen.append(int(np.where(free, differences, -1).argmax()))
    return tuple(sorted(chosen))
