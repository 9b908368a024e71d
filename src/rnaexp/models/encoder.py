"""One encoder round any transformers model whose attention streams."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from rnaexp.choices import TokenPairs
from rnaexp.models import streaming
from rnaexp.models.sequence_encoder import SequenceEncoder
from rnaexp.models.spec import ModelSpec, Reader
from rnaexp.models.spread import Spread
from rnaexp.models.tokens import Tokens
from rnaexp.rna import Rna


class TransformerEncoder(SequenceEncoder):
    """A transformers masked-LM (or headless) model, read in base coordinates."""

    def __init__(
        self,
        network: nn.Module,
        *,
        spec: ModelSpec,
        tokens: Tokens,
        fingerprint: str,
        max_tokens: int | None,
        can_predict: bool = True,
    ) -> None:
        super().__init__(
            network,
            spec=spec,
            tokens=tokens,
            fingerprint=fingerprint,
            max_tokens=max_tokens,
            can_predict=can_predict,
        )
        self.token_pairs: TokenPairs = "mean"
        config: Any = network.config
        self.heads = int(config.num_attention_heads)
        self._layer_of = streaming.find_layers(
            self._body(), self._probe(), layers=self.layers, heads=self.heads, model=spec.name
        )

    def _probe(self) -> Tensor:
        encoding = self.tokens.encode(Rna(id="probe", sequence="GGGAAACCCUUU"))
        return torch.tensor([encoding.ids], device=self.device)

    @torch.inference_mode()
    def read_attention(self, rnas: Sequence[Rna], reader: Reader) -> None:
        """Hand each layer's maps of each RNA to the reader, layer by layer; nothing is kept."""
        encodings = [self._encode(rna) for rna in rnas]
        reading = streaming.EveryHead(
            self._layer_of,
            [Spread.of(encoding, self.token_pairs) for encoding in encodings],
            [len(encoding.ids) for encoding in encodings],
            reader,
        )
        self._body()(**self._batch(encodings), reading=reading)
        reading.check(self.spec.name)

    def read_head(self, rna: Rna, layer: int, head: int) -> Float[Tensor, "n n"]:
        """One head's map; layers before it run fused, its own layer is not finished, later ones do not run."""
        return self.read_heads([rna], layer, head)[0]

    @torch.inference_mode()
    def read_heads(self, rnas: Sequence[Rna], layer: int, head: int) -> list[Float[Tensor, "n n"]]:
        """Each RNA's map as `read_head` gives it; those of equally many tokens are one batch, without padding."""
        if not (0 <= layer < self.layers and 0 <= head < self.heads):
            message = (
                f"{self.spec.name} has layers 0..{self.layers - 1} of heads 0..{self.heads - 1}: no {layer}.{head}"
            )
            raise ValueError(message)
        encodings = [self._encode(rna) for rna in rnas]
        if len({len(encoding.ids) for encoding in encodings}) > 1:
            return [self.read_head(rna, layer, head) for rna in rnas]
        spreads = [Spread.of(encoding, self.token_pairs) for encoding in encodings]
        reading = streaming.OneHead(self._layer_of, spreads, layer, head)
        return reading.run(lambda: self._body()(**self._batch(encodings), reading=reading))

    def attention(self, rna: Rna) -> Iterator[Float[Tensor, "h n n"]]:
        """Each layer's maps in turn; see `streaming.layer_by_layer`."""
        return streaming.layer_by_layer(self, rna)


def position_limit(config: Any) -> int | None:
    """Tokens a model has positions for: ESM's and RoBERTa's numbering starts behind the padding id."""
    positions = getattr(config, "max_position_embeddings", None)
    if positions is None or not math.isfinite(positions):
        return None
    behind_padding = config.model_type in {
        "esm",
        "roberta",
        "xlm-roberta",
        "camembert",
        "longformer",
        "roberta-prelayernorm",
        "xlm-roberta-xl",
        "mpnet",
    }
    unused = int(config.pad_token_id or 0) + 1 if behind_padding else 0
    return int(positions) - unused
