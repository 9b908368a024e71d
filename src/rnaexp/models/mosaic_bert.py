"""DNABERT-2 and BiRNA-BERT: BERT with linear biases instead of positions (ALiBi) and gated units, on BPE tokens.

Source: Zhou et al. 2023, arXiv:2306.15006 (DNABERT-2); Portes et al. 2023, arXiv:2312.17482 (MosaicBERT, whose class
both use); Press et al. 2022, arXiv:2108.12409 (ALiBi).
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedConfig

from rnaexp.models.adapter import FOLDER, Adapter, load_adapted
from rnaexp.models.native import LetterHead, NativeEncoder, SelfAttention, hidden_keys, noted
from rnaexp.models.spec import Encoder, ModelSpec
from rnaexp.models.tokenizer import tokens_of
from rnaexp.models.tokens import Tokens


class MosaicBertConfig(PreTrainedConfig):
    """Names as in the published config.json."""

    model_type = "rnaexp-mosaic-bert"

    vocab_size: int = 4096
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12
    pad_token_id: int = 0
    initializer_range: float = 0.02
    tie_word_embeddings: bool = True


def slopes(heads: int) -> list[float]:
    """How fast each head forgets: powers of 2^(-8 / heads); between two powers of two, every second of the next."""
    whole = 2 ** math.floor(math.log2(heads))
    first = [2 ** (-8 * at / whole) for at in range(1, whole + 1)]
    return first if whole == heads else first + slopes(2 * whole)[::2][: heads - whole]


def linear_biases(heads: int, tokens: int, like: Tensor) -> Float[Tensor, "1 h t t"]:
    """What is added to the scores: nothing on the diagonal, a slope lower with each token of distance."""
    at = torch.arange(tokens, device=like.device, dtype=torch.float32)
    distance = (at[:, None] - at[None, :]).abs()
    return (-torch.tensor(slopes(heads), device=like.device)[:, None, None] * distance)[None].to(like.dtype)


class Block(nn.Module):
    """One layer: normalised after each sum, as BERT's."""

    def __init__(self, config: MosaicBertConfig) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        self.attention = SelfAttention(config, bias=True, out_bias=True)
        self.norm, self.unit_norm = (nn.LayerNorm(width, eps=config.layer_norm_eps) for _ in range(2))
        self.up, self.down = nn.Linear(width, 2 * inner, bias=False), nn.Linear(inner, width)

    def forward(self, hidden: Tensor, mask: Tensor, **reading: Any) -> Tensor:
        """[b t d]."""
        hidden = self.norm(hidden + self.attention(hidden, mask, **reading))
        gate, units = self.up(hidden).chunk(2, -1)
        return self.unit_norm(hidden + self.down(nn.functional.gelu(gate) * units))


class MosaicBert(NativeEncoder):
    """MosaicBERT of any size."""

    config_class = MosaicBertConfig

    def __init__(self, config: MosaicBertConfig) -> None:
        super().__init__(config)
        width, eps = config.hidden_size, config.layer_norm_eps
        self.embedding = nn.Embedding(config.vocab_size, width, padding_idx=config.pad_token_id)
        self.kind = nn.Embedding(config.type_vocab_size, width)
        self.norm = nn.LayerNorm(width, eps=eps)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.head = LetterHead(
            width, config.vocab_size, nn.LayerNorm(width, eps=eps), own_table=not config.tie_word_embeddings
        )
        self.post_init()

    def hidden(
        self, ids: Tensor, attention_mask: Tensor | None, *, states: list[Tensor] | None = None, **reading: Any
    ) -> Tensor:
        """After the last layer."""
        hidden = self.norm(self.embedding(ids) + self.kind.weight[0])
        mask = linear_biases(self.config.num_attention_heads, ids.shape[1], hidden)
        padding = hidden_keys(attention_mask, hidden.dtype)
        if padding is not None:
            mask = mask + padding
        for layer in self.layers:
            hidden = layer(noted(hidden, states), mask, **reading)
        return hidden

    def letters(self, hidden: Tensor) -> Tensor:
        """Of whole tokens, so no base has its own."""
        return self.head(hidden, self.embedding.weight)


def _split_projection(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The authors' packed projections as three."""
    split: dict[str, Tensor] = {}
    for key, tensor in state.items():
        if ".Wqkv." in key:
            parts = zip(("query", "key", "value"), tensor.chunk(3), strict=True)
            split |= {key.replace("Wqkv", name): part for name, part in parts}
        else:
            split[key] = tensor
    return split


def _tokenizer(folder: Path, model: str, *, by_letter: bool = False) -> Tokens:
    return tokens_of(folder, model=model, by_letter=by_letter)


ADAPTER = Adapter(
    network=MosaicBert,
    tokens=None,
    tokens_from=_tokenizer,
    checkpoints=FOLDER,
    sizes={name: name for name in ("hidden_size", "num_hidden_layers", "num_attention_heads")},
    settings={
        name: name
        for name in ("vocab_size", "intermediate_size", "type_vocab_size", "layer_norm_eps", "tie_word_embeddings")
    },
    completed=lambda values: {"intermediate_size": 4 * values["hidden_size"], **values},
    limited=False,
    names=(
        (r"^embedding\.", "bert.embeddings.word_embeddings."),
        (r"^kind\.", "bert.embeddings.token_type_embeddings."),
        (r"^norm\.", "bert.embeddings.LayerNorm."),
        (r"^layers\.", "bert.encoder.layer."),
        (r"\.attention\.(query|key|value)\.", r".attention.self.\1."),
        (r"\.attention\.out\.", ".attention.output.dense."),
        (r"(\d)\.norm\.", r"\1.attention.output.LayerNorm."),
        (r"\.unit_norm\.", ".mlp.layernorm."),
        (r"(\d)\.up\.", r"\1.mlp.gated_layers."),
        (r"(\d)\.down\.", r"\1.mlp.wo."),
        (r"^head\.dense\.", "cls.predictions.transform.dense."),
        (r"^head\.norm\.", "cls.predictions.transform.LayerNorm."),
        (r"^head\.bias$", "cls.predictions.decoder.bias"),
        (r"^head\.table$", "cls.predictions.decoder.weight"),
    ),
    prepared=_split_projection,
    copies=(("bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"),),
    leftovers=("bert.pooler.dense.*",),  # trained for the next sentence, or not at all
)


def load(
    spec: ModelSpec, *, weights: Path | None, config: Mapping[str, Any] | None, device: str, seed: int | None
) -> Encoder:
    """A folder as the hub has it (config.json, tokenizer.json, pytorch_model.bin); `config` overrides settings.

    A row whose tokens are bases reads the single letters of the BPE vocabulary.

    Raises: UnavailableError if the tokenizer is not there: a BPE vocabulary cannot be guessed.
    """
    adapter = replace(ADAPTER, tokens_from=partial(_tokenizer, by_letter=spec.resolution == "base"))
    return load_adapted(adapter, spec, weights=weights, config=config, device=device, seed=seed)
