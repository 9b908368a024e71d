"""`jacobian:MODEL`: how much a letter at one base changes what the model says of every other base, as pair scores.

Each base is changed to each letter in turn; the change of the log-probabilities of A C G U everywhere is a tensor
[n 4 n 4]. It is centred along each axis, made symmetric, and its norm over letters, corrected by the average product,
is one score a pair. Nothing is tuned in it but the threshold, and it needs letters, not attention.

Source: Zhang et al. 2024, doi:10.1073/pnas.2406285121 (the categorical Jacobian of protein models).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from rnaexp.errors import UnavailableError
from rnaexp.models.jacobian_row import jacobian_spec
from rnaexp.models.spec import Encoder, LetterModel, Reader
from rnaexp.models.tokens import BASES
from rnaexp.models.weights import fingerprint
from rnaexp.rna import Rna

_BATCH_BASES = 2**14  # of changed RNAs that are read at once


def jacobian(encoder: Encoder) -> Encoder:
    """The loaded model read this way. Raises: UnavailableError for one without probabilities of letters."""
    if not isinstance(encoder, LetterModel):
        message = f"{encoder.spec.name} gives no probabilities of letters, so it has no Jacobian"
        raise UnavailableError(message)
    return JacobianEncoder(encoder)


class JacobianEncoder:
    """One layer, one head: the corrected norm of each pair."""

    layers = heads = 1

    def __init__(self, base: Any) -> None:
        self.base, self.spec = base, jacobian_spec(base.spec)
        self.device = getattr(base, "device", "cpu")
        self.network = getattr(base, "network", None)  # its precision is the model's
        self.fingerprint = fingerprint(base.fingerprint, "jacobian 1")

    def check(self, rna: Rna) -> None:
        """As the model itself."""
        self.base.check(rna)

    def read_attention(self, rnas: Sequence[Rna], reader: Reader) -> None:
        """Hand over one map an RNA."""
        for index, rna in enumerate(rnas):
            reader(index, 0, self.read_head(rna, 0, 0)[None])

    def read_head(self, rna: Rna, layer: int, head: int) -> Float[Tensor, "n n"]:
        """The map."""
        return scores_of(change_of_letters(self.base, rna))

    def attention(self, rna: Rna) -> Iterator[Float[Tensor, "h n n"]]:
        """The map, as the only layer."""
        yield self.read_head(rna, 0, 0)[None]

    def embed(self, rnas: Sequence[Rna]) -> list[Float[Tensor, "n d"]]:
        """The model's own."""
        found: list[Tensor] = self.base.embed(rnas)
        return found

    def log_probabilities(self, rna: Rna, masked: Sequence[int]) -> Float[Tensor, "m a"]:
        """The model's own."""
        found: Tensor = self.base.log_probabilities(rna, masked)
        return found


def change_of_letters(model: LetterModel, rna: Rna) -> Float[Tensor, "n a n b"]:
    """Log-probabilities of b at each base j with letter a at base i, less those of the RNA as it is."""
    n = len(rna)
    own = model.predict_letters([rna], [[]])[0]
    change = torch.zeros(n, len(BASES), n, len(BASES))
    places = [(i, a) for i in range(n) for a, letter in enumerate(BASES) if rna.sequence[i] != letter]
    at_once = max(1, _BATCH_BASES // (n * (rna.alignment.depth if rna.alignment else 1)))
    for first in range(0, len(places), at_once):
        some = places[first : first + at_once]
        tables = model.predict_letters([_changed(rna, i, BASES[a]) for i, a in some], [[]] * len(some))
        for (i, a), table in zip(some, tables, strict=True):
            change[i, a] = (table - own).float().cpu()
    return change


def _changed(rna: Rna, at: int, letter: str) -> Rna:
    """The RNA, and the first row of its alignment, with this letter there."""
    sequence = rna.sequence[:at] + letter + rna.sequence[at + 1 :]
    alignment = rna.alignment and replace(rna.alignment, rows=(sequence, *rna.alignment.rows[1:]))
    return Rna(id=rna.id, sequence=sequence, alignment=alignment)


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
