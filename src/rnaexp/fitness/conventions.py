"""Ways to score a variant, five of them called `masked marginal` somewhere: from likelihoods to one number.

log p(x | s) is the model's log-probability of letter x at site i, given that it is one of A C G U; s without i means
that site i is hidden. Higher is fitter. Sums are over the mutated sites:

- `wild-type-marginal`: sum of log p(mutant | wild type) - log p(wild type | wild type), nothing hidden.
- `masked-marginal`: the same in the wild type without i; RNAGym's `wt-fill`, ESM's `masked-marginals`.
- `mutant-marginal`: the same in the variant without i; RNAGym's `mut-fill`.
- `mask-fill`: the same in the wild type without any of the mutated sites; the formula of Meier et al. 2021.
- `match-fill`: sum of log p(mutant | variant without i) - log p(wild type | wild type without i).
- `pseudo-likelihood`: PLL(variant) - PLL(wild type), PLL the sum of log p(own letter | sequence without i) over *all*
  sites; where no wild type is known, PLL(variant).
- `left-to-right`: LL(variant) - LL(wild type), LL the sum of log p(own letter | the letters before it), nothing hidden:
  for decoders, which do not see the letter they predict; where no wild type is known, LL(variant).
"""

from collections.abc import Sequence
from typing import NamedTuple, get_args

import numpy as np
from jaxtyping import Float

from rnaexp.choices import Convention

CONVENTIONS: tuple[Convention, ...] = get_args(Convention)
OF_WHOLE_SEQUENCES = ("pseudo-likelihood", "left-to-right")  # need no wild type, and no equal lengths
OF_DECODERS = ("wild-type-marginal", "left-to-right")  # hide nothing
IN_WILD_TYPE = ("wild-type-marginal", "masked-marginal")  # what is read of the wild type serves every variant
IN_VARIANTS = ("mutant-marginal", "match-fill")  # read each variant itself
BASES = "ACGU"

_CODES = {letter: code for code, letter in enumerate(BASES)}


def mutated_sites(wild_type: str, sequence: str) -> tuple[int, ...]:
    """Sites, from 0, where two sequences of equal length differ."""
    return tuple(at for at, (old, new) in enumerate(zip(wild_type, sequence, strict=True)) if old != new)


class Context(NamedTuple):
    """What a model is shown: at hidden sites the wild type's letters stand, so that equal contexts are equal."""

    sequence: str
    hidden: tuple[int, ...]


def contexts_of(convention: Convention, wild_type: str, sequence: str) -> tuple[Context, ...]:
    """What is read to score one variant by its mutated sites: a context for each, or one for all (`mask-fill`).

    Variants share contexts: two that differ at one site alone have the same one where it is hidden.
    """
    sites = mutated_sites(wild_type, sequence)
    if convention == "mask-fill":
        return (Context(wild_type, sites),)
    return tuple(Context(sequence[:site] + wild_type[site] + sequence[site + 1 :], (site,)) for site in sites)


def marginal(wild_type: str, sequence: str, sites: Sequence[int], rows: Float[np.ndarray, "m a"]) -> float:
    """Sum over the sites of the mutant letter's log-probability minus the wild type's; `rows[k]` is of `sites[k]`."""
    return matched(wild_type, sequence, sites, rows, rows)


def matched(
    wild_type: str,
    sequence: str,
    sites: Sequence[int],
    of_variant: Float[np.ndarray, "m a"],
    of_wild_type: Float[np.ndarray, "m a"],
) -> float:
    """Each letter in its own sequence: the mutant's among `of_variant`, the wild type's among `of_wild_type`."""
    new = [_CODES[sequence[site]] for site in sites]
    old = [_CODES[wild_type[site]] for site in sites]
    at = np.arange(len(sites))
    return float((of_variant[at, new].astype(float) - of_wild_type[at, old]).sum())


def log_likelihood(sequence: str, rows: Float[np.ndarray, "n a"]) -> float:
    """Sum of each letter's own log-probability, `rows[i]` read with site i hidden, or from the letters before it."""
    own = [_CODES[letter] for letter in sequence]
    return float(rows[np.arange(len(own)), own].astype(float).sum())
