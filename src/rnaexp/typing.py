"""Array types and the one legend of axis names.

n bases, p candidate pairs, k kept pairs, l layers, h heads, t tokens, r RNAs, s aligned sequences, d width,
m masked positions, a letters of an alphabet.
"""

from collections.abc import Callable
from typing import TypeVar, cast

from beartype import beartype
from jaxtyping import jaxtyped

_F = TypeVar("_F", bound=Callable[..., object])


def checked(function: _F) -> _F:
    """Check shapes and types of a function's arrays each time it is called."""
    return cast(_F, jaxtyped(function, typechecker=beartype))
