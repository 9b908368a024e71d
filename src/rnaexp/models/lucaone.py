"""LucaOne: pre-norm encoder of nucleic acids and proteins with rotary positions; RNA is its kind "gene".

Source: He et al. 2025, doi:10.1038/s42256-025-01044-4; code PyPI lucaone 1.1.1. Its configuration states an epsilon
and an inner width that its code does not use; here, too, they are 1e-5 and four times the width.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedConfig

from rnaexp.errors import InputError
from rnaexp.models.adapter import FOLDER, Adapter, load_adapted
from rnaexp.models.native import LetterHead, RotaryEncoder, SelfAttention
from rnaexp.models.spec import Encoder, ModelSpec
from rnaexp.models.tokens import Vocabulary

# A C G T and the rest have names 1 4 3 2 5 in its vocabulary of genes.
TOKENS = Vocabulary(
    model="lucaone", ids={"A": 5, "T": 6, "C": 7, "G": 8, "N": 9}, before=(2,), after=(3,), pad=0, mask=4
)
_GENE = 0  # token type


class LucaOneConfig(PreTrainedConfig):
    """Names and defaults as in the authors' configuration."""

    model_type = "rnaexp-lucaone"

    vocab_size: int = 39
    hidden_size: int = 2560
    num_hidden_layers: int = 20
    num_attention_heads: int = 40
    type_vocab_size: int = 2
    pad_token_id: int = 0
    initializer_range: float = 0.02
    tie_word_embeddings: bool = True


class Block(nn.Module):
    """One layer."""

    def __init__(self, config: LucaOneConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.norm, self.unit_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = SelfAttention(config, bias=True, out_bias=True)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, hidden: Tensor, mask: Tensor | None, **how: Any) -> Tensor:
        """[b t d]."""
        hidden = hidden + self.attention(self.norm(hidden), mask, **how)
        return hidden + self.down(nn.functional.gelu(self.up(self.unit_norm(hidden))))


class LucaOne(RotaryEncoder):
    """LucaOne of any size, reading genes."""

    config_class = LucaOneConfig

    def __init__(self, config: LucaOneConfig) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.embedding = nn.Embedding(config.vocab_size, width, padding_idx=config.pad_token_id)
        self.kind = nn.Embedding(config.type_vocab_size, width)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.LayerNorm(width)
        self.head = LetterHead(width, config.vocab_size, nn.LayerNorm(width))
        self.post_init()

    def embedded(self, ids: Tensor, attention_mask: Tensor | None) -> Tensor:
        """Tokens and their type."""
        return self.embedding(ids) + self.kind.weight[_GENE]


# What its code can do and no published checkpoint is known to use; a file that asks for it is not read wrongly.
_EXPECTED = {
    "no_position_embeddings": True,
    "no_token_type_embeddings": False,
    "use_embed_layer_norm": False,
    "use_last_layer_norm": True,
    "token_dropout": False,
    "embed_scale": 1.0,
}

ADAPTER = Adapter(
    network=LucaOne,
    tokens=TOKENS,
    checkpoints=FOLDER,
    sizes={name: name for name in ("hidden_size", "num_hidden_layers", "num_attention_heads")},
    settings={name: name for name in ("vocab_size", "type_vocab_size", "tie_word_embeddings")},
    names=(
        (r"^embedding\.", "lucaone.embeddings.embed_tokens."),
        (r"^kind\.", "lucaone.embeddings.embed_type."),
        (r"^layers\.", "lucaone.encoder.layers."),
        (r"\.attention\.query\.", ".self_attn.q_proj."),
        (r"\.attention\.key\.", ".self_attn.k_proj."),
        (r"\.attention\.value\.", ".self_attn.v_proj."),
        (r"\.attention\.out\.", ".self_attn.out_proj."),
        (r"(\d)\.norm\.", r"\1.pre_layer_norm."),
        (r"\.unit_norm\.", ".post_layer_norm."),
        (r"\.up\.", ".fc1."),
        (r"\.down\.", ".fc2."),
        (r"^norm\.", "lucaone.encoder.last_layer_norm."),
        (r"^head\.norm\.", "lm_head.layer_norm."),
        (r"^head\.", "lm_head."),
    ),
    copies=(("lucaone.embeddings.embed_tokens.weight", "lm_head.decoder.weight"),),
    leftovers=("*.rot_emb.inv_freq",),  # computed
)


def load(
    spec: ModelSpec, *, weights: Path | None, config: Mapping[str, Any] | None, device: str, seed: int | None
) -> Encoder:
    """A folder as the hub has it (config.json, model.safetensors); `config` overrides single settings.

    Raises: InputError for a setting that this port has not.
    """
    for name, expected in _EXPECTED.items():
        if config is not None and config.get(name, expected) != expected:
            message = f"{spec.name}: {name} = {config[name]!r}; only {expected!r} is read"
            raise InputError(message)
    return load_adapted(ADAPTER, spec, weights=weights, config=config, device=device, seed=seed)
