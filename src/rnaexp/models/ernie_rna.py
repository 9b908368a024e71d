"""ERNIE-RNA: post-norm BERT whose first layer gets as input which letters could pair.

Each layer's scores before softmax are the next layer's bias, so the hint is carried through all of them. The authors
export those scores; what is read here is their softmax, which is what each layer mixes by.
Source: Yin et al. 2025, doi:10.1101/2024.03.17.585376; code Bruce-ywj/ERNIE-RNA.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PreTrainedConfig

from rnaexp.models.adapter import Adapter, load_adapted
from rnaexp.models.native import LetterHead, NativeEncoder, SelfAttention, hidden_keys, noted
from rnaexp.models.spec import Encoder, ModelSpec
from rnaexp.models.tokens import Vocabulary

# N is fed as <unk> (3), as the authors' script does, though their dictionary has an N.
TOKENS = Vocabulary(
    model="ernie-rna", ids={"G": 4, "A": 5, "U": 6, "C": 7, "N": 3}, before=(0,), after=(2,), pad=1, mask=24
)
# Their hydrogen bonds; the wobble pair G-U counts 0.8 (`lamda` in their code).
_STRONG = (("A", "U", 2.0), ("G", "C", 3.0))
_ORDER = "AUGC"


class ErnieRnaConfig(PreTrainedConfig):
    """Sizes; the defaults are the published ones.

    `pairing_letters`: ids of A U G C. `wobble`: what a pair G-U counts. `pair_width`: of the projection from a pair's
    number to one number a head.
    """

    model_type = "rnaexp-ernie-rna"

    vocab_size: int = 25
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    max_position_embeddings: int = 1024
    pad_token_id: int = 1
    layer_norm_eps: float = 1e-5
    pairing_letters: Sequence[int] = tuple(TOKENS.ids[letter] for letter in _ORDER)
    wobble: float = 0.8
    pair_width: int = 6
    initializer_range: float = 0.02
    tie_word_embeddings: bool = True


def pairing(ids: Int[Tensor, "b t"], config: ErnieRnaConfig) -> Float[Tensor, "b t t"]:
    """What two letters could give as a pair, 0 for letters that do not pair and for special tokens."""
    table = torch.zeros(config.vocab_size, 4, device=ids.device)
    bonds = torch.zeros(4, 4, device=ids.device)
    for at, letter in enumerate(config.pairing_letters):
        table[letter, at] = 1
    for one, other, strength in (*_STRONG, ("G", "U", config.wobble)):
        a, b = _ORDER.index(one), _ORDER.index(other)
        bonds[a, b] = bonds[b, a] = strength
    letters = table[ids]
    return letters @ bonds @ letters.transpose(-1, -2)


def sinusoids(positions: Int[Tensor, "b t"], width: int) -> Float[Tensor, "b t d"]:
    """fairseq's: sines in the first half, cosines in the second."""
    half = width // 2
    steps = torch.arange(half, device=positions.device, dtype=torch.float32)
    angles = positions[..., None] * torch.exp(steps * (-math.log(10000) / (half - 1)))
    return torch.cat((angles.sin(), angles.cos()), -1)


class Block(nn.Module):
    """One layer; gives its scores on to the next."""

    def __init__(self, config: ErnieRnaConfig) -> None:
        super().__init__()
        width, inner, eps = config.hidden_size, config.intermediate_size, config.layer_norm_eps
        self.attention = SelfAttention(config, bias=True, out_bias=True)
        self.norm, self.out_norm = nn.LayerNorm(width, eps=eps), nn.LayerNorm(width, eps=eps)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, hidden: Tensor, bias: Tensor, **reading: Any) -> tuple[Tensor, Tensor]:
        """Hidden states [b t d], and the bias [b h t t] of the next layer."""
        query, key = self.attention.queries_and_keys(hidden)
        mixed = self.attention(hidden, bias, **reading)
        # Only now: a pass that ends inside the attention has not paid for the next layer's bias.
        scores = torch.baddbmm(bias.flatten(0, 1), query.flatten(0, 1), key.flatten(0, 1).mT, alpha=self._scaling)
        hidden = self.norm(hidden + mixed)
        hidden = self.out_norm(hidden + self.down(nn.functional.gelu(self.up(hidden))))
        return hidden, scores.view(bias.shape)

    @property
    def _scaling(self) -> float:
        return self.attention.scaling


class ErnieRna(NativeEncoder):
    """ERNIE-RNA; the published one has the default sizes."""

    config_class = ErnieRnaConfig

    def __init__(self, config: ErnieRnaConfig) -> None:
        super().__init__(config)
        width, pair, eps = config.hidden_size, config.pair_width, config.layer_norm_eps
        self.embedding = nn.Embedding(config.vocab_size, width, padding_idx=config.pad_token_id)
        self.norm = nn.LayerNorm(width, eps=eps)
        self.pair_in, self.pair_out = nn.Linear(1, pair), nn.Linear(pair, config.num_attention_heads)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.head = LetterHead(
            width, config.vocab_size, nn.LayerNorm(width, eps=eps), own_table=not config.tie_word_embeddings
        )
        self.post_init()

    def hidden(
        self, ids: Tensor, attention_mask: Tensor | None, *, states: list[Tensor] | None = None, **reading: Any
    ) -> Tensor:
        """After the last layer, which ends with a norm."""
        pairs = pairing(ids, self.config)[..., None].to(self.norm.weight.dtype)
        bias = self.pair_out(nn.functional.gelu(self.pair_in(pairs))).movedim(-1, 1).contiguous()
        padding = hidden_keys(attention_mask, bias.dtype)
        bias = bias if padding is None else bias + padding
        hidden = self._embedded(ids)
        for layer in self.layers:
            hidden, bias = layer(noted(hidden, states), bias, **reading)
        return hidden

    def _embedded(self, ids: Tensor) -> Tensor:
        pad = self.config.pad_token_id
        inside = (ids != pad).long()
        # fairseq counts from behind its padding id, which is 1, and its padding has no position.
        positions = sinusoids(inside.cumsum(-1) + 1, self.config.hidden_size) * inside[..., None]
        embedded = self.embedding(ids)
        return self.norm(embedded + positions.to(embedded.dtype)) * inside[..., None]

    def letters(self, hidden: Tensor) -> Tensor:
        """By the letters' own embeddings."""
        return self.head(hidden, self.embedding.weight)


ADAPTER = Adapter(
    network=ErnieRna,
    tokens=TOKENS,
    checkpoints=("ERNIE-RNA_pretrain.pt",),
    sizes={
        "hidden_size": "encoder_embed_dim",
        "num_hidden_layers": "encoder_layers",
        "num_attention_heads": "encoder_attention_heads",
    },
    settings={"intermediate_size": "encoder_ffn_embed_dim", "max_position_embeddings": "max_positions"},
    inside="model",
    names=(
        (r"^embedding\.", "encoder.sentence_encoder.embed_tokens."),
        (r"^norm\.", "encoder.sentence_encoder.emb_layer_norm."),
        (r"^pair_in\.", "encoder.twod_proj.linear1."),
        (r"^pair_out\.", "encoder.twod_proj.linear2."),
        (r"^layers\.", "encoder.sentence_encoder.layers."),
        (r"\.attention\.query\.", ".self_attn.q_proj."),
        (r"\.attention\.key\.", ".self_attn.k_proj."),
        (r"\.attention\.value\.", ".self_attn.v_proj."),
        (r"\.attention\.out\.", ".self_attn.out_proj."),
        (r"(\d)\.norm\.", r"\1.self_attn_layer_norm."),
        (r"\.out_norm\.", ".final_layer_norm."),
        (r"\.up\.", ".fc1."),
        (r"\.down\.", ".fc2."),
        (r"^head\.dense\.", "encoder.lm_head_transform_weight."),
        (r"^head\.norm\.", "encoder.layer_norm."),
        (r"^head\.bias$", "encoder.lm_output_learned_bias"),
    ),
    leftovers=(
        "encoder.sentence_encoder.segment_embeddings.*",  # in the file, used by nothing
        "encoder.masked_lm_pooler.*",
        "encoder.sentence_projection_layer.*",
        "encoder.sentence_encoder.embed_positions._float_tensor",  # a marker of older fairseq
    ),
)


def load(
    spec: ModelSpec, *, weights: Path | None, config: Mapping[str, Any] | None, device: str, seed: int | None
) -> Encoder:
    """`config`: `encoder_embed_dim`, `encoder_layers`, `encoder_attention_heads`, `encoder_ffn_embed_dim`."""
    return load_adapted(ADAPTER, spec, weights=weights, config=config, device=device, seed=seed)
