"""Nucleotide dependencies: how far changing (or hiding) one base moves the odds of any letter at another.

`dependency:MODEL` as published: each base becomes each other letter, 3 n + 1 passes. `dependency-hidden:MODEL`: each
base is hidden instead, n + 1 passes, which only a model with a mask can do. A pair's score is the larger one of both
directions, as the authors score contacts; models that read from left to right have but one.

Source: Tomaz da Silva et al. 2025, doi:10.1038/s41588-025-02347-3.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from rnaexp.models.changed_letters import predictions, substitutions
from rnaexp.models.spec import LetterModel
from rnaexp.rna import Rna

_LEAST = 1e-10  # the authors' addition to each of the four probabilities, so that no odds are infinite


def dependency(model: LetterModel, rna: Rna, *, hidden: bool = False) -> Float[Tensor, "n n"]:
    """Pair scores of substitutions or of hidden bases, in bits of log-odds; 0 on the diagonal."""
    influences = influence(model, rna, hidden=hidden)
    return torch.maximum(influences, influences.T)


def influence(model: LetterModel, rna: Rna, *, hidden: bool = False) -> Float[Tensor, "n n"]:
    """The largest change in the log-odds (bits) of any letter at base j that changing base i brings, as [i, j].

    Not symmetric; 0 on the diagonal. `hidden`: base i is hidden instead of changed.
    """
    own = _log_odds(model.predict_letters([rna], [[]])[0])
    found = torch.zeros(len(rna), len(rna))
    changes = [(i, None) for i in range(len(rna))] if hidden else substitutions(rna)
    for (i, _), table in predictions(model, rna, changes):
        moved = (_log_odds(table) - own).abs().amax(-1).float().cpu()
        torch.maximum(found[i], moved, out=found[i])
    return found.fill_diagonal_(0)


def _log_odds(table: Float[Tensor, "n a"]) -> Float[Tensor, "n a"]:
    """Of log-probabilities, in bits; the odds against a letter are summed over the others, so that none is rounded."""
    chances = table.double().exp()
    others = chances @ (1 - torch.eye(chances.shape[-1], dtype=chances.dtype, device=chances.device))
    return torch.log2(chances + _LEAST) - torch.log2(others + (chances.shape[-1] - 1) * _LEAST)
