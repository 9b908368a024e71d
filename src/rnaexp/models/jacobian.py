"""How much a letter at one base changes what a model says of every other base, as pair scores: `jacobian:MODEL`.

Each base is changed to each letter in turn; the change of the log-probabilities of A C G U everywhere is a tensor
[n 4 n 4]. It is centred along each axis, made symmetric, and its norm over letters, corrected by the average product,
is one score a pair. It takes 3 n + 1 passes.

Source: Zhang et al. 2024, doi:10.1073/pnas.2406285121 (the categorical Jacobian of protein models).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from rnaexp.models.changed_letters import predictions, substitutions
from rnaexp.models.spec import LetterModel
from rnaexp.models.tokens import BASES
from rnaexp.rna import Rna


def jacobian(model: LetterModel, rna: Rna) -> Float[Tensor, "n n"]:
    """The pair scores."""
    return scores_of(change_of_letters(model, rna))


def change_of_letters(model: LetterModel, rna: Rna) -> Float[Tensor, "n a n b"]:
    """Log-probabilities of b at each base j with letter a at base i, less those of the RNA as it is."""
    n = len(rna)
    own = model.predict_letters([rna], [[]])[0]
    change = torch.zeros(n, len(BASES), n, len(BASES))
    for (i, a), table in predictions(model, rna, substitutions(rna)):
        change[i, a] = (table - own).float().cpu()
    return change


def scores_of(change: Float[Tensor, "n a n b"]) -> Float[Tensor, "n n"]:
    """Centred, symmetric, its norm over letters, corrected by the average product; 0 on the diagonal."""
    for axis in range(4):
        change = change - change.mean(axis, keepdim=True)
    both = (change + change.permute(2, 3, 0, 1)) / 2
    norms = both.square().sum((1, 3)).sqrt()
    norms.fill_diagonal_(0)
    total = norms.sum()
    if float(total) > 0:  # else no letter says anything of another: every score is 0
        norms = norms - norms.sum(1, keepdim=True) * norms.sum(0, keepdim=True) / total
    return norms.fill_diagonal_(0)
