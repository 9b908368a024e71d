"""Any Python object that gives attention maps, embeddings or letter probabilities, checked at every answer."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from rnaexp.errors import InputError, UnavailableError
from rnaexp.models.spec import IN_MEMORY, ModelSpec, Reader
from rnaexp.rna import Rna

_GIVES = ("attention", "embed", "predict_letters")


class ObjectEncoder:
    """What one of the caller's objects gives: `attention(rna)` [l h n n], `embed(rnas)` [n d] each, or letters.

    Without a `fingerprint` of its own the object gets one that no other process has, so results are stored anew for
    each: nobody here can tell whether two objects of one class compute the same.
    """

    device = "cpu"

    def __init__(self, model: Any, *, name: str) -> None:
        self.model, self.gives = model, [what for what in _GIVES if callable(getattr(model, what, None))]
        if not self.gives:
            message = (
                f"{name}: {type(model).__name__} is no transformers network and has none of "
                f"{', '.join(f'{what}()' for what in _GIVES)}, so there is nothing to read"
            )
            raise InputError(message)
        self.fingerprint = str(getattr(model, "fingerprint", None) or uuid.uuid4().hex)
        self.layers = self.heads = 0
        if "attention" in self.gives:
            first = self._maps(Rna(id="probe", sequence="GGGAAACCCUUU"), name)
            self.layers, self.heads = first.shape[:2]
        self.spec = _spec(name, self.layers, self.heads)

    def check(self, rna: Rna) -> None:
        """As the object's own `check`, if it has one: it raises UnsuitableError or TooLongError."""
        if callable(check := getattr(self.model, "check", None)):
            check(rna)

    def read_attention(self, rnas: Sequence[Rna], reader: Reader) -> None:
        """Hand over each layer's maps of each RNA."""
        for index, rna in enumerate(rnas):
            for layer, maps in enumerate(self._maps(rna)):
                reader(index, layer, maps)

    def read_head(self, rna: Rna, layer: int, head: int) -> Float[Tensor, "n n"]:
        """One map."""
        return self._maps(rna)[layer, head]

    def attention(self, rna: Rna) -> Iterator[Float[Tensor, "h n n"]]:
        """Each layer's maps in turn."""
        yield from self._maps(rna)

    def embed(self, rnas: Sequence[Rna]) -> list[Float[Tensor, "n d"]]:
        """Embedding of each base. Raises: UnavailableError, or InputError for an answer of another shape."""
        self._need("embed")
        found = [_tensor(each) for each in self.model.embed(rnas)]
        shapes = [tuple(each.shape) for each in found]
        if len(found) != len(rnas) or any(
            each.ndim != 2 or len(each) != len(rna) for each, rna in zip(found, rnas, strict=True)
        ):
            message = f"{self.spec.name}: embed() gave {shapes} for RNAs of {[len(rna) for rna in rnas]} bases"
            raise InputError(message)
        return found

    def predict_letters(self, rnas: Sequence[Rna], masked: Sequence[Sequence[int]]) -> list[Float[Tensor, "n a"]]:
        """Log-probabilities of A C G U at every base, the `masked` hidden."""
        self._need("predict_letters")
        found = [_tensor(each) for each in self.model.predict_letters(rnas, masked)]
        if [tuple(each.shape) for each in found] != [(len(rna), 4) for rna in rnas]:
            message = f"{self.spec.name}: predict_letters() must give one [n 4] table of A C G U an RNA"
            raise InputError(message)
        return found

    def log_probabilities(self, rna: Rna, masked: Sequence[int]) -> Float[Tensor, "m a"]:
        """Of the masked bases alone."""
        return self.predict_letters([rna], [list(masked)])[0][list(masked)]

    def _need(self, what: str) -> None:
        if what not in self.gives:
            message = f"{self.spec.name} has no {what}()"
            raise UnavailableError(message)

    def _maps(self, rna: Rna, name: str = "") -> Float[Tensor, "l h n n"]:
        name = name or self.spec.name
        if "attention" not in self.gives:
            message = f"{name} has no attention(), so no base pairs can be read from it"
            raise UnavailableError(message)
        given = self.model.attention(rna)
        layers = given if isinstance(given, (np.ndarray, Tensor)) else list(given)
        maps = _tensor(layers) if isinstance(layers, (np.ndarray, Tensor)) else torch.stack([*map(_tensor, layers)])
        n = len(rna)
        if maps.ndim != 4 or maps.shape[2:] != (n, n) or (self.layers and maps.shape[:2] != (self.layers, self.heads)):
            wanted = f"[{self.layers or 'layers'} {self.heads or 'heads'} {n} {n}]"
            message = f"{name}: attention() gave {tuple(maps.shape)} for {n} bases; wanted {wanted}, special tokens cut"
            raise InputError(message)
        if not bool(torch.isfinite(maps).all()) or bool((maps < 0).any()):
            message = f"{name}: attention() of {rna.id} holds negative or non-finite numbers; give it after softmax"
            raise InputError(message)
        return maps


def _spec(name: str, layers: int, heads: int) -> ModelSpec:
    entry = ModelSpec(name=name, title=f"{name}, in memory", group="reference", loader=IN_MEMORY)
    return replace(entry, layers=layers or None, heads=heads or None, has_attention=bool(layers))


def _tensor(values: Any) -> Tensor:
    return torch.as_tensor(values).detach().float().cpu()
