"""What a model with one map of pair scores is behind the encoders' interface: whoever makes the map adds the rest."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from jaxtyping import Float
from torch import Tensor

from rnaexp.errors import UnavailableError
from rnaexp.models.spec import ModelSpec, Reader
from rnaexp.rna import Rna


class OneMap(ABC):
    """One layer, one head. It has no embeddings and no letters unless a subclass says so."""

    layers = heads = 1
    spec: ModelSpec

    @abstractmethod
    def read_head(self, rna: Rna, layer: int, head: int) -> Float[Tensor, "n n"]:
        """The map."""

    def read_attention(self, rnas: Sequence[Rna], reader: Reader) -> None:
        """Hand over one map an RNA."""
        for index, rna in enumerate(rnas):
            reader(index, 0, self.read_head(rna, 0, 0)[None])

    def attention(self, rna: Rna) -> Iterator[Float[Tensor, "h n n"]]:
        """The map, as the only layer."""
        yield self.read_head(rna, 0, 0)[None]

    def embed(self, rnas: Sequence[Rna]) -> list[Float[Tensor, "n d"]]:
        """Refuse: a map of pairs has none. Raises: UnavailableError."""
        raise UnavailableError(self.nothing_else())

    def log_probabilities(self, rna: Rna, masked: Sequence[int]) -> Float[Tensor, "m a"]:
        """Refuse: a map of pairs predicts no letters. Raises: UnavailableError."""
        raise UnavailableError(self.nothing_else())

    def nothing_else(self) -> str:
        """Why."""
        return f"{self.spec.name} holds pair scores only"
