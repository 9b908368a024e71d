"""A model read through its letters: one map of pair scores, for every model that predicts letters.

Nothing is tuned in it but the threshold, and it needs letters, not attention.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from jaxtyping import Float
from torch import Tensor

from rnaexp.errors import UnavailableError
from rnaexp.models.dependency import dependency
from rnaexp.models.jacobian import jacobian
from rnaexp.models.letter_map_rows import DEPENDENCY, HIDDEN, JACOBIAN, letter_map_spec
from rnaexp.models.one_map import OneMap
from rnaexp.models.spec import Encoder, LetterModel
from rnaexp.models.weights import fingerprint
from rnaexp.rna import Rna

# The scores of an RNA, and what they add to the model's fingerprint: raise the number when they change.
_MAPS: dict[str, tuple[Callable[[Any, Rna], Tensor], str]] = {
    JACOBIAN: (jacobian, "jacobian 1"),
    DEPENDENCY: (dependency, "dependency 1"),
    HIDDEN: (partial(dependency, hidden=True), "dependency-hidden 1"),
}


def through_letters(prefix: str, encoder: Encoder) -> Encoder:
    """The loaded model read this way.

    Raises: UnavailableError for one without probabilities of letters, or that hides no base where that is needed.
    """
    if not isinstance(encoder, LetterModel):
        message = f"{encoder.spec.name} gives no probabilities of letters, so there is no {prefix}{encoder.spec.name}"
        raise UnavailableError(message)
    if prefix == HIDDEN and getattr(encoder, "causal", False):
        message = f"{encoder.spec.name} reads from left to right and hides no base: {DEPENDENCY}{encoder.spec.name}"
        raise UnavailableError(message)
    return LetterMaps(prefix, encoder)


class LetterMaps(OneMap):
    """A score of each pair; embeddings and letters are the model's own."""

    def __init__(self, prefix: str, base: Any) -> None:
        self.base, self.spec = base, letter_map_spec(prefix, base.spec)
        self.scores, added = _MAPS[prefix]
        self.device = getattr(base, "device", "cpu")
        self.network = getattr(base, "network", None)  # its precision is the model's
        self.fingerprint = fingerprint(base.fingerprint, added)

    @property
    def longest(self) -> int | None:
        """Most bases that the model reads; None: no limit is known."""
        found: int | None = getattr(self.base, "longest", None)
        return found

    @property
    def word(self) -> int:
        """Bases of a token of the model where tokens are neighbouring words, else 1."""
        return int(getattr(self.base, "word", 1))

    def check(self, rna: Rna) -> None:
        """As the model itself."""
        self.base.check(rna)

    def read_head(self, rna: Rna, layer: int, head: int) -> Float[Tensor, "n n"]:
        """The map."""
        return self.scores(self.base, rna)

    def embed(self, rnas: Sequence[Rna]) -> list[Float[Tensor, "n d"]]:
        """The model's own."""
        found: list[Tensor] = self.base.embed(rnas)
        return found

    def log_probabilities(self, rna: Rna, masked: Sequence[int]) -> Float[Tensor, "m a"]:
        """The model's own."""
        found: Tensor = self.base.log_probabilities(rna, masked)
        return found
