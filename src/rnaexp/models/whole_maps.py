"""Checkpoints whose attention does not stream: the maps that their own code returns, or no maps at all.

Longformer, BigBird, DeBERTa, Funnel, RoFormer and ALBERT do not go through transformers' attention interface with a
module for each layer; state-space models have none. What their code returns is read if it proves to be attention.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from rnaexp.choices import TokenPairs
from rnaexp.errors import ScoreError, UnavailableError
from rnaexp.models import streaming
from rnaexp.models.encoder import TransformerEncoder
from rnaexp.models.left_to_right import Decoder, LeftToRight
from rnaexp.models.sequence_encoder import SequenceEncoder
from rnaexp.models.spec import Encoder, Reader, refuse_without_attention
from rnaexp.models.spread import Spread
from rnaexp.rna import Encoding, Rna

_ROUNDING = 1e-3  # of a row's sum from 1, and of a padded batch from its RNAs alone
_PROBES = (Rna(id="probe", sequence="GGGAAACCCUUU"), Rna(id="short", sequence="GGACUUC"))


class Apart(SequenceEncoder):
    """Reads RNAs one at a time if padding changes what the model says of them."""

    together: bool = True

    def _each(self, one: Any, *lists: Sequence[Any]) -> list[Any]:
        return [one(*([item] for item in items))[0] for items in zip(*lists, strict=True)]

    def embed(self, rnas: Sequence[Rna]) -> list[Float[Tensor, "n d"]]:
        """Last-layer embedding of each base."""
        return super().embed(rnas) if self.together else self._each(super().embed, rnas)

    def embed_layers(self, rnas: Sequence[Rna]) -> list[Float[Tensor, "l n d"]]:
        """Embedding of each base below the first layer (index 0) and after each layer.

        Raises: UnavailableError for a model whose layers are not as long as the RNA, or not one state each.
        """
        encoding = self._encode(rnas[0])
        states = self._body()(**self._batch([encoding]), output_hidden_states=True).hidden_states or ()
        if len(states) != self.layers + 1 or any(state.shape[1] != len(encoding.ids) for state in states):
            message = (
                f"{self.spec.name}: its layers give {len(states)} states of other lengths than its {self.layers} + 1"
            )
            raise UnavailableError(message)
        return super().embed_layers(rnas) if self.together else self._each(super().embed_layers, rnas)

    def predict_letters(self, rnas: Sequence[Rna], masked: Sequence[Sequence[int]]) -> list[Float[Tensor, "n a"]]:
        """Log-probabilities of A C G U at every base of each RNA, its `masked` bases hidden."""
        predict = super().predict_letters
        return predict(rnas, masked) if self.together else self._each(predict, rnas, masked)

    def prove_padding(self) -> None:
        """Find out whether a padded batch gives for each RNA what it gives alone."""
        alone = [self.embed([rna])[0] for rna in _PROBES]
        if not all(bool(torch.isfinite(rows).all()) for rows in alone):
            message = f"{self.spec.name}: these weights give no finite numbers on twelve bases, so they are damaged"
            raise UnavailableError(message)
        pairs = zip(alone, self.embed(_PROBES), strict=True)
        self.together = all(torch.allclose(one, both, atol=_ROUNDING, rtol=_ROUNDING) for one, both in pairs)


class WholeMaps(Apart):
    """All layers' maps at once, as the class's own code returns them; each is checked before it is handed on."""

    def __init__(self, network: nn.Module, **about: Any) -> None:
        super().__init__(network, **about)
        config: Any = network.config
        self.heads = int(config.num_attention_heads)
        self.token_pairs: TokenPairs = "mean"

    @torch.inference_mode()
    def read_attention(self, rnas: Sequence[Rna], reader: Reader) -> None:
        """Hand each layer's maps of each RNA to the reader. Raises: ScoreError for what is no attention."""
        encodings = [self._encode(rna) for rna in rnas]
        groups = [encodings] if self.together else [[encoding] for encoding in encodings]
        first = 0
        for group in groups:
            maps = self._maps(group)
            for layer, of_layer in enumerate(maps):
                for row, encoding in enumerate(group):
                    tokens = len(encoding.ids)
                    own = of_layer[row, :, :tokens, :tokens].float()
                    self._refuse_other_sums(own, rnas[first + row].id, layer)
                    reader(first + row, layer, Spread.of(encoding, self.token_pairs).maps(own))
            first += len(group)

    def _maps(self, encodings: Sequence[Encoding]) -> Sequence[Tensor]:
        maps = self._body()(**self._batch(encodings), output_attentions=True).attentions or ()
        longest = max(len(encoding.ids) for encoding in encodings)
        shape = (len(encodings), self.heads, longest, longest)
        if len(maps) != self.layers or any(tuple(one.shape) != shape for one in maps):
            found = sorted({"x".join(map(str, one.shape[1:])) for one in maps})
            message = (
                f"its own code returns {len(maps)} maps of {', '.join(found) or 'no size'} for {longest} tokens, not "
                f"{self.layers} of {self.heads}x{longest}x{longest}"
            )
            raise ScoreError(message)
        return maps

    def _refuse_other_sums(self, own: Float[Tensor, "h t t"], name: str, layer: int) -> None:
        away = float((own.sum(-1) - 1).abs().max())
        if not away < _ROUNDING or float(own.min()) < 0:
            message = f"{name}: rows of the maps of layer {layer} do not sum to 1 (off by {away:.3g}): no attention"
            raise ScoreError(message)

    def read_head(self, rna: Rna, layer: int, head: int) -> Float[Tensor, "n n"]:
        """One head's map, out of a whole pass."""
        if not (0 <= layer < self.layers and 0 <= head < self.heads):
            message = (
                f"{self.spec.name} has layers 0..{self.layers - 1} of heads 0..{self.heads - 1}: no {layer}.{head}"
            )
            raise ValueError(message)
        kept: list[Tensor] = []

        def keep(_rna: int, at: int, maps: Tensor) -> None:
            if at == layer:
                kept.append(maps[head].clone())

        self.read_attention([rna], keep)
        return kept[0]

    def attention(self, rna: Rna) -> Iterator[Float[Tensor, "h n n"]]:
        """Each layer's maps in turn; the model's own code holds all of them."""
        return streaming.layer_by_layer(self, rna)


class WholeMapsDecoder(WholeMaps, LeftToRight):
    """The same of a decoder."""


class NoMaps(Apart):
    """Embeddings, and letters where there is a head for them; reading a map raises why there is none."""

    heads = 0

    def read_attention(self, rnas: Sequence[Rna], reader: Reader) -> None:
        """Raises: UnavailableError."""
        refuse_without_attention(self.spec)

    def read_head(self, rna: Rna, layer: int, head: int) -> Float[Tensor, "n n"]:
        """Raises: UnavailableError."""
        refuse_without_attention(self.spec)
        raise AssertionError

    def attention(self, rna: Rna) -> Iterator[Float[Tensor, "h n n"]]:
        """Raises: UnavailableError."""
        refuse_without_attention(self.spec)
        yield from ()


class NoMapsDecoder(NoMaps, LeftToRight):
    """The same of a decoder."""


def encoder_of(network: nn.Module, *, causal: bool, **about: Any) -> Encoder:
    """The network as it can be read: its attention streamed, else as its own code returns it, else without.

    Raises: InputError, UnavailableError for a network that says nothing of twelve bases.
    """
    config: Any = network.config
    if not getattr(config, "num_attention_heads", None):
        return _without(network, causal=causal, why=f"{config.model_type} has none", **about)
    try:
        return (Decoder if causal else TransformerEncoder)(network, **about)
    except UnavailableError:
        pass  # not through transformers' interface, or not one call a layer
    streaming.switch(network.base_model, "eager")
    encoder = (WholeMapsDecoder if causal else WholeMaps)(network, **about)
    encoder.prove_padding()
    try:
        encoder.read_attention(_PROBES, lambda *_: None)
    except (ScoreError, RuntimeError, TypeError, ValueError) as error:
        return _without(network, causal=causal, why=str(error).splitlines()[0], **about)
    return encoder


def _without(network: nn.Module, *, causal: bool, why: str, **about: Any) -> Encoder:
    spec = replace(about.pop("spec"), has_attention=False, heads=None, why_no_attention=why)
    encoder = (NoMapsDecoder if causal else NoMaps)(network, spec=spec, **about)
    encoder.prove_padding()
    return encoder
