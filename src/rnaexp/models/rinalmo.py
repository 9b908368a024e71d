"""RiNALMo: pre-norm encoder with rotary positions and gated units whose swish has a learned slope.

Source: Penic et al. 2024, arXiv:2403.00043; code lbcb-sci/RiNALMo. The published file is in the layout of its fused
attention (`Wqkv`: queries, then keys, then values).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig

from rnaexp.models.adapter import Adapter, load_adapted
from rnaexp.models.native import LetterHead, RotaryEncoder, SelfAttention, scaled_for_masks
from rnaexp.models.spec import Encoder, ModelSpec
from rnaexp.models.tokens import Vocabulary

TOKENS = Vocabulary(
    model="rinalmo",
    ids={"A": 5, "C": 6, "G": 7, "T": 8, "N": 20},
    before=(0,),
    after=(2,),
    pad=1,
    mask=4,
)


class RinalmoConfig(PreTrainedConfig):
    """Sizes; two thirds of `intermediate_size` are the gated units, and None stands for four times `hidden_size`."""

    model_type = "rnaexp-rinalmo"

    vocab_size: int = 22
    hidden_size: int = 480
    num_hidden_layers: int = 12
    num_attention_heads: int = 20
    intermediate_size: int | None = None
    layer_norm_eps: float = 1e-5
    token_dropout: bool = True
    pad_token_id: int = 1
    mask_token_id: int = 4
    initializer_range: float = 0.02
    tie_word_embeddings: bool = False


class Swish(nn.Module):
    """Gated unit: swish(a) * b, the slope of the swish learned. Source: Shazeer 2020, arXiv:2002.05202."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.linear, self.gate = nn.Linear(width, inner), nn.Linear(width, inner)
        self.slope = nn.Parameter(torch.ones(1))

    def forward(self, hidden: Tensor) -> Tensor:
        """[b t d] -> [b t inner]."""
        inner = self.linear(hidden)
        return inner * torch.sigmoid(self.slope * inner) * self.gate(hidden)


class Block(nn.Module):
    """One layer. The first residual is added to the *normalised* input, as in the authors' code."""

    def __init__(self, config: RinalmoConfig) -> None:
        super().__init__()
        width, stated = config.hidden_size, config.intermediate_size
        inner = int(2 / 3 * 4 * width) if stated is None else int(2 / 3 * stated)
        self.norm, self.out_norm = (nn.LayerNorm(width, eps=config.layer_norm_eps) for _ in range(2))
        self.attention = SelfAttention(config, bias=False, out_bias=False)
        self.swish, self.down = Swish(width, inner), nn.Linear(inner, width)

    def forward(self, hidden: Tensor, mask: Tensor | None, **how: Any) -> Tensor:
        """[b t d]."""
        hidden = self.norm(hidden)
        hidden = hidden + self.attention(hidden, mask, **how)
        return hidden + self.down(self.swish(self.out_norm(hidden)))


class Rinalmo(RotaryEncoder):
    """RiNALMo of any size."""

    config_class = RinalmoConfig

    def __init__(self, config: RinalmoConfig) -> None:
        super().__init__(config)
        width, eps = config.hidden_size, config.layer_norm_eps
        self.embedding = nn.Embedding(config.vocab_size, width, padding_idx=config.pad_token_id)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.LayerNorm(width, eps=eps)
        self.head = LetterHead(width, config.vocab_size, nn.LayerNorm(width, eps=eps), own_table=True)
        self.post_init()

    def embedded(self, ids: Tensor, attention_mask: Tensor | None) -> Tensor:
        """Scaled as if a share of the tokens were masked, where the authors trained so."""
        hidden = super().embedded(ids, attention_mask)
        if self.config.token_dropout:
            hidden = scaled_for_masks(hidden, ids, attention_mask, self.config.mask_token_id)
        return hidden


def _split_projection(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The authors' packed projections as three."""
    split: dict[str, Tensor] = {}
    for key, tensor in state.items():
        if key.endswith(".mh_attn.Wqkv.weight"):
            parts = zip(("query", "key", "value"), tensor.chunk(3), strict=True)
            split |= {key.replace("Wqkv", name): part for name, part in parts}
        else:
            split[key] = tensor
    return split


ADAPTER = Adapter(
    network=Rinalmo,
    tokens=TOKENS,
    checkpoints=("rinalmo_*_pretrained.pt",),
    sizes={"hidden_size": "embed_dim", "num_hidden_layers": "num_blocks", "num_attention_heads": "num_heads"},
    settings={"token_dropout": "token_dropout"},
    names=(
        (r"^layers\.", "transformer.blocks."),
        (r"\.attention\.out\.", ".mh_attn.out_proj."),
        (r"\.attention\.", ".mh_attn."),
        (r"(\d)\.norm\.", r"\1.attn_layer_norm."),
        (r"\.out_norm\.", ".out_layer_norm."),
        (r"\.swish\.linear\.", ".transition.0.linear."),
        (r"\.swish\.gate\.", ".transition.0.linear_gate."),
        (r"\.swish\.slope$", ".transition.0.beta"),
        (r"\.down\.", ".transition.2."),
        (r"^norm\.", "transformer.final_layer_norm."),
        (r"^head\.dense\.", "lm_mask_head.linear1."),
        (r"^head\.norm\.", "lm_mask_head.layer_norm."),
        (r"^head\.bias$", "lm_mask_head.linear2.bias"),
        (r"^head\.table$", "lm_mask_head.linear2.weight"),
    ),
    prepared=_split_projection,
    leftovers=("*.rotary_emb.inv_freq",),  # computed; older files carry it
)


def load(
    spec: ModelSpec, *, weights: Path | None, config: Mapping[str, Any] | None, device: str, seed: int | None
) -> Encoder:
    """`config`: `embed_dim`, `num_blocks`, `num_heads`, and `token_dropout` where it is not on."""
    return load_adapted(ADAPTER, spec, weights=weights, config=config, device=device, seed=seed)
