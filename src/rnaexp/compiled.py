"""Functions compiled by Numba, with their own types: Numba's decorator has none."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit

# What compiled functions are given and give: Python's numbers or NumPy's.
Whole = int | np.integer[Any]
Real = float | np.floating[Any]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(**how: Any) -> Callable[[_Function], _Function]:
    """`numba.njit`, its machine code kept next to the source."""
    made: Callable[[_Function], _Function] = njit(cache=True, **how)
    return made
