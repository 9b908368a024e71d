"""RNA-km: pre-norm encoder whose only positions are a learned bias by the distance of two bases.

Source: Gong and Bu 2024, code gongtiansu/RNA-km. No special tokens; no masked-letter head in the published code.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PreTrainedConfig

from rnaexp.models.adapter import Adapter, load_adapted
from rnaexp.models.native import NativeEncoder, SelfAttention, hidden_keys, noted
from rnaexp.models.spec import Encoder, ModelSpec
from rnaexp.models.tokens import Vocabulary

# N is their unknown letter (5), named here: their own table maps nothing else to it.
TOKENS = Vocabulary(model="rna-km", ids={"A": 0, "T": 1, "C": 2, "G": 3, "N": 5}, pad=7, mask=6)


class RnaKmConfig(PreTrainedConfig):
    """Sizes; the defaults are hard-coded in the authors' code."""

    model_type = "rnaexp-rna-km"

    vocab_size: int = 8
    hidden_size: int = 1024
    num_hidden_layers: int = 12
    num_attention_heads: int = 16
    distance_buckets: int = 64
    max_distance: int = 256
    pad_token_id: int = 7
    initializer_range: float = 0.02
    tie_word_embeddings: bool = False


def distance_bucket(offset: Int[Tensor, "t t"], buckets: int, farthest: int) -> Int[Tensor, "t t"]:
    """T5's buckets: one a base up to a quarter of them, then wider by powers; the upper half for negative offsets."""
    half = buckets // 2
    exact = half // 2
    distance = offset.abs()
    steps = torch.log(distance.clamp(min=1) / exact) / math.log(farthest / exact) * (half - exact)
    far = (exact + steps.long()).clamp(max=half - 1)
    return torch.where(distance < exact, distance, far) + (offset < 0) * half


class Block(nn.Module):
    """One layer."""

    def __init__(self, config: RnaKmConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.norm, self.unit_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = SelfAttention(config, bias=False, out_bias=False)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, hidden: Tensor, mask: Tensor, **how: Any) -> Tensor:
        """[b t d]."""
        hidden = hidden + self.attention(self.norm(hidden), mask, **how)
        return hidden + self.down(nn.functional.gelu(self.up(self.unit_norm(hidden))))


class RnaKm(NativeEncoder):
    """RNA-km; the published one has the default sizes."""

    config_class = RnaKmConfig

    def __init__(self, config: RnaKmConfig) -> None:
        super().__init__(config)
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id)
        self.distances = nn.Embedding(config.distance_buckets, config.num_attention_heads)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.LayerNorm(config.hidden_size)
        self.post_init()

    def hidden(
        self, ids: Tensor, attention_mask: Tensor | None, *, states: list[Tensor] | None = None, **reading: Any
    ) -> Tensor:
        """After the final norm."""
        hidden = self.embedding(ids)
        padding = hidden_keys(attention_mask, hidden.dtype)
        bias = self._bias(ids.shape[1])
        mask = bias if padding is None else bias + padding
        for layer in self.layers:
            hidden = layer(noted(hidden, states), mask, **reading)
        return self.norm(hidden)

    def _bias(self, tokens: int) -> Float[Tensor, "1 h t t"]:
        at = torch.arange(tokens, device=self.distances.weight.device)
        buckets = distance_bucket(
            at[:, None] - at, buckets=self.config.distance_buckets, farthest=self.config.max_distance
        )
        return self.distances(buckets).permute(2, 0, 1)[None]


ADAPTER = Adapter(
    network=RnaKm,
    tokens=TOKENS,
    checkpoints=("weight.pth",),
    sizes={"hidden_size": "d_model", "num_hidden_layers": "n_layer", "num_attention_heads": "n_head"},
    settings={"distance_buckets": "relative_position_buckets", "max_distance": "max_distance"},
    inside="state_dict",
    prepared=lambda state: {key.removeprefix("module."): tensor for key, tensor in state.items()},
    names=(
        (r"^embedding\.", "embed_tokens.0."),
        (r"^distances\.", "embed_rp.relative_attention_bias."),
        (r"^layers\.", "encoder.layers."),
        (r"\.attention\.(query|key|value|out)\.", r".attn.fc_\1."),
        (r"(\d)\.norm\.", r"\1.norm1."),
        (r"\.unit_norm\.", ".norm2."),
        (r"\.up\.", ".ffn.ff.0."),
        (r"\.down\.", ".ffn.ff.3."),
        (r"^norm\.", "layer_norm_after."),
    ),
    leftovers=("fc_pair_*",),  # a classifier of letter pairs
    can_predict=False,
)


def load(
    spec: ModelSpec, *, weights: Path | None, config: Mapping[str, Any] | None, device: str, seed: int | None
) -> Encoder:
    """`config`: `d_model`, `n_layer`, `n_head`; without it the published sizes hold."""
    return load_adapted(ADAPTER, spec, weights=weights, config=config, device=device, seed=seed)
