"""A pair model of an alignment: which letters homologs have at each site, and which two go together."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int

from rnaexp.fitness.conventions import BASES, mutated_sites
from rnaexp.rna import Alignment

STATES = 5  # A C G U, and one for gaps and N
_FIELDS = 0.01  # EVcouplings' lambda_h
_COUPLINGS = 0.01  # its lambda_J, times (states - 1) x (columns - 1)
_STEPS = 200


class PairModel(NamedTuple):
    """Log-odds in nats: `fields` of a letter at a column, `couplings` of two at two (symmetric, 0 with itself)."""

    fields: Float64[np.ndarray, "n q"]
    couplings: Float64[np.ndarray, "n q n q"]


def fitted(codes: Int[np.ndarray, "s n"], weights: Float64[np.ndarray, "s"]) -> PairModel:
    """The pair model that maximises the rows' weighted pseudolikelihood, less quadratic penalties.

    The penalties are those of EVcouplings, for an alphabet of five. The optimum is unique: the objective is strictly
    concave. Source: Hopf et al. 2017, doi:10.1038/nbt.3769; Ekeberg et al. 2013, doi:10.1103/PhysRevE.87.012707.
    """
    import torch

    rows, columns = codes.shape
    letters = torch.nn.functional.one_hot(torch.as_tensor(codes.astype(np.int64)), STATES).double()
    flat, weight = letters.reshape(rows, -1), torch.as_tensor(weights)
    fields = torch.zeros(columns, STATES, dtype=torch.float64, requires_grad=True)
    free = torch.zeros(columns, STATES, columns, STATES, dtype=torch.float64, requires_grad=True)
    upper = torch.triu(torch.ones(columns, columns, dtype=torch.float64), 1)[:, None, :, None]
    penalty = _COUPLINGS * (STATES - 1) * (columns - 1)
    steps = torch.optim.LBFGS([fields, free], max_iter=_STEPS, history_size=10, line_search_fn="strong_wolfe")

    def symmetric() -> torch.Tensor:
        once: torch.Tensor = free * upper
        return once + once.permute(2, 3, 0, 1)

    def objective() -> torch.Tensor:
        steps.zero_grad()
        logits = fields + (flat @ symmetric().reshape(columns * STATES, -1)).reshape(rows, columns, STATES)
        log_likelihood = (torch.log_softmax(logits, -1) * letters).sum((1, 2)) @ weight
        loss: torch.Tensor = _FIELDS * fields.square().sum() + penalty * (free * upper).square().sum() - log_likelihood
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    steps.step(objective)  # type: ignore[no-untyped-call]
    return PairModel(fields.detach().numpy(), symmetric().detach().numpy())


def of_alignment(alignment: Alignment) -> PairModel:
    """Of its rows, each weighted by 1 / (rows at 80 % identity)."""
    return fitted(np.minimum(alignment.codes(), STATES - 1).astype(np.int64), alignment.weights())


def pair_scores(model: PairModel, wild_type: str, sequences: Sequence[str]) -> Float64[np.ndarray, "v"]:
    """Log-odds of each sequence less that of the wild type, in nats; higher is fitter."""
    found = np.zeros(len(sequences))
    wild = np.array([BASES.index(letter) for letter in wild_type])
    own = np.arange(len(wild))
    pairs = model.couplings[:, :, own, wild]  # [n q n]: what each letter at each column has with the wild type
    for at, sequence in enumerate(sequences):
        sites = list(mutated_sites(wild_type, sequence))
        new = [BASES.index(sequence[site]) for site in sites]
        old = wild[sites]
        change = (model.fields[sites, new] - model.fields[sites, old]).sum()
        change += (pairs[sites, new] - pairs[sites, old]).sum()  # each mutation alone
        # Of two mutated sites the pair changes from (old, old) to (new, new); above it is (new, old) and (old, new).
        for first, (site, letter) in enumerate(zip(sites, new, strict=True)):
            for other, mutant in zip(sites[first + 1 :], new[first + 1 :], strict=True):
                between = model.couplings[site, :, other, :]
                change += between[letter, mutant] - between[letter, wild[other]]
                change += between[wild[site], wild[other]] - between[wild[site], mutant]
        found[at] = change
    return found
