"""Ways to score a variant, four of them called `masked marginal` somewhere: from likelihoods to one number.

log p(x | s) is the model's log-probability of letter x at site i, given that it is one of A C G U; s without i means
that site i is hidden. Higher is fitter. Sums are over the mutated sites, one site hidden at a time:

- `wild-type-marginal`: sum of log p(mutant | wild type) - log p(wild type | wild type), nothing hidden.
- `masked-marginal`: the same in the wild type without i.
- `mutant-marginal`: the same in the variant without i.
- `pseudo-likelihood`: PLL(variant) - PLL(wild type), PLL the sum of log p(own letter | sequence without i) over *all*
  sites; where no wild type is known, PLL(variant).
- `left-to-right`: LL(variant) - LL(wild type), LL the sum of log p(own letter | the letters before it), nothing hidden:
  for decoders, which do not see the letter they predict; where no wild type is known, LL(variant).
"""

from collections.abc import Sequence
from typing import get_args

import numpy as np
from jaxtyping import Float

from rnaexp.choices import Convention

CONVENTIONS: tuple[Convention, ...] = get_args(Convention)
OF_WHOLE_SEQUENCES = ("pseudo-likelihood", "left-to-right")  # need no wild type, and no equal lengths
OF_DECODERS = ("wild-type-marginal", "left-to-right")  # hide nothing
IN_WILD_TYPE = ("wild-type-marginal", "masked-marginal")  # what is read of the wild type serves every variant
BASES = "ACGU"

_CODES = {letter: code for code, letter in enumerate(BASES)}


def mutated_sites(wild_type: str, sequence: str) -> tuple[int, ...]:
    """Sites, from 0, where two sequences of equal length differ."""
    return tuple(at for at, (old, new) in enumerate(zip(wild_type, sequence, strict=True)) if old != new)


def scored_sites(convention: Convention, wild_type: str | None, sequence: str) -> tuple[int, ...]:
    """Sites whose letters are read in the variant itself to score it; none where the wild type is read.

    Each is hidden in a pass of its own, but for `left-to-right`, which hides nothing.
    """
    if convention in OF_WHOLE_SEQUENCES:
        return tuple(range(len(sequence)))
    if convention == "mutant-marginal":
        assert wild_type is not None, "refused before anything is read"
        return mutated_sites(wild_type, sequence)
    return ()


def marginal(wild_type: str, sequence: str, sites: Sequence[int], rows: Float[np.ndarray, "m a"]) -> float:
    """Sum over the sites of the mutant letter's log-probability minus the wild type's; `rows[k]` is of `sites[k]`."""
    new = [_CODES[sequence[site]] for site in sites]
    old = [_CODES[wild_type[site]] for site in sites]
    at = np.arange(len(sites))
    return float((rows[at, new].astype(float) - rows[at, old]).sum())


def log_likelihood(sequence: str, rows: Float[np.ndarray, "n a"]) -> float:
    """Sum of each letter's own log-probability, `rows[i]` read with site i hidden, or from the letters before it."""
    own = [_CODES[letter] for letter in sequence]
    return float(rows[np.arange(len(own)), own].astype(float).sum())
