"""The MSA transformer: attention along the rows of an alignment, tied over its rows, and attention down its columns.

Written for reading: the row attention of each layer can be had in turn, and nothing after the last one wanted is run.
Parameters carry the names of the RNA-MSM checkpoint, so that it loads key by key.
Source: Rao et al. 2021, doi:10.1101/2021.02.12.430858; Zhang et al. 2024 (RNA-MSM), doi:10.1093/nar/gkad1031.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel, initialization
from transformers.utils import ModelOutput

from rnaexp.models.axial import AxialLayer, Neighbours, Padding

# Called as reader(layer, row attention [b h t t]) after softmax, in float32.
RowReader = Callable[[int, Tensor], None]


class MsaTransformerConfig(PreTrainedConfig):
    """Sizes of an MSA transformer; the defaults are RNA-MSM's.

    `max_position_embeddings` counts tokens, the first special one included. `row_positions`: what is added to a row by
    its place in the alignment: a vector ("vector", ESM's MSA transformer), one number ("scalar", RNA-MSM; the layer
    norm that follows takes it out again, so the order of rows has no effect there) or nothing ("none").
    `column_positions`: "learned" vectors (RNA-MSM) or "relative", a number added to each head's scores by distance.
    `local_width`: how many neighbouring tokens, itself included, query and key are made from (odd; 0, RNA-MSM: its own
    only); `local_feed_forward`: the same before each feed-forward layer. `row_scores`: scores are summed over rows and
    divided by the root of their number ("sum", as published: the deeper, the sharper) or averaged ("mean").
    `column_attention` False leaves it out: a model of single sequences, which have nothing in a column.
    `tokens_per_chunk` bounds memory: that many tokens of an alignment are worked on at once; results do not depend on
    it but for rounding.
    """

    model_type = "rnaexp-msa-transformer"

    vocab_size: int = 12
    hidden_size: int = 768
    num_hidden_layers: int = 10
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    max_position_embeddings: int = 1024
    max_rows: int = 1024
    row_positions: str = "scalar"
    column_positions: str = "learned"
    local_width: int = 0
    column_attention: bool = True
    local_feed_forward: int = 0
    row_scores: str = "sum"
    hidden_dropout: float = 0.1
    attention_dropout: float = 0.1
    activation_dropout: float = 0.1
    layer_norm_eps: float = 1e-5
    initializer_range: float = 0.02
    pad_token_id: int = 1
    tie_word_embeddings: bool = True
    tokens_per_chunk: int = 2**14

    def __post_init__(self, **kwargs: Any) -> None:
        if self.hidden_size % self.num_attention_heads:
            message = f"hidden_size {self.hidden_size} is no multiple of {self.num_attention_heads} heads"
            raise ValueError(message)
        if self.row_positions not in ("scalar", "vector", "none"):
            message = f"row_positions {self.row_positions!r}: must be scalar, vector or none"
            raise ValueError(message)
        if self.column_positions not in ("learned", "relative"):
            message = f"column_positions {self.column_positions!r}: must be learned or relative"
            raise ValueError(message)
        for name in ("local_width", "local_feed_forward"):
            if (taps := getattr(self, name)) and (taps < 1 or taps % 2 == 0):
                message = f"{name} {taps}: must be 0 or odd"
                raise ValueError(message)
        if self.row_scores not in ("sum", "mean"):
            message = f"row_scores {self.row_scores!r}: must be sum or mean"
            raise ValueError(message)
        super().__post_init__(**kwargs)

    def to_dict(self) -> dict[str, Any]:
        """Without the choices that came later where they are off: older models keep their fingerprints."""
        held: dict[str, Any] = super().to_dict()
        return {name: value for name, value in held.items() if name not in _LATER or value != _LATER[name]}


_LATER = {"local_feed_forward": 0, "row_scores": "sum"}


@dataclass
class MsaOutput(ModelOutput):
    """`loss` only with labels; the others for the first `keep_rows` rows of each alignment."""

    loss: Tensor | None = None
    logits: Tensor | None = None
    last_hidden_state: Tensor | None = None


class MaskedLetterHead(nn.Module):
    """Letter logits from hidden states; `weight` is the table of letter embeddings."""

    def __init__(self, config: MsaTransformerConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.layer_norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.weight = nn.Parameter(torch.zeros(config.vocab_size, config.hidden_size))
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, hidden: Float[Tensor, "*b d"]) -> Float[Tensor, "*b v"]:
        """Logits of every token."""
        return nn.functional.linear(self.layer_norm(nn.functional.gelu(self.dense(hidden))), self.weight, self.bias)


class MsaTransformer(PreTrainedModel):
    """Masked-letter model of alignments `[b s t]`: b alignments of s rows and t tokens, the first a special one.

    Padding (`pad_token_id`) may fill whole rows and whole columns at the end; it changes nothing for the rest.
    """

    config_class = MsaTransformerConfig
    base_model_prefix = "model"
    main_input_name = "input_ids"
    layers: Any  # a ModuleList of AxialLayer; to mypy its items are bare Modules
    _tied_weights_keys = {"lm_head.weight": "embed_tokens.weight"}  # noqa: RUF012  as transformers wants it

    def __init__(self, config: MsaTransformerConfig) -> None:
        super().__init__(config)
        width, pad = config.hidden_size, config.pad_token_id
        self.embed_tokens = nn.Embedding(config.vocab_size, width, pad)
        # As in ESM, positions are numbered from pad + 1.
        learned = config.column_positions == "learned"
        self.embed_positions = nn.Embedding(config.max_position_embeddings + pad + 1, width, pad) if learned else None
        row_width = {"scalar": 1, "vector": width, "none": None}[config.row_positions]
        rows = None if row_width is None else nn.Parameter(torch.zeros(1, config.max_rows, 1, row_width))
        self.register_parameter("msa_position_embedding", rows)
        self.emb_layer_norm_before = nn.LayerNorm(width, config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout)
        self.layers = nn.ModuleList(AxialLayer(config) for _ in range(config.num_hidden_layers))
        self.emb_layer_norm_after = nn.LayerNorm(width, config.layer_norm_eps)
        self.lm_head = MaskedLetterHead(config)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, MaskedLetterHead):
            initialization.zeros_(module.bias)
        if isinstance(module, Neighbours):
            # Mixed from the start: from channels of one neighbour each, pairs of the letters themselves were learned
            # and no stacks (experiments/pretrain/README.md).
            initialization.normal_(module.convolution.weight, std=module.convolution.kernel_size[0] ** -0.5)
        if module is self and self.msa_position_embedding is not None:
            initialization.normal_(self.msa_position_embedding, std=0.01)  # as RNA-MSM's authors do

    def get_input_embeddings(self) -> nn.Module:
        """The table of letters."""
        return self.embed_tokens

    def forward(
        self,
        input_ids: Int[Tensor, "b s t"],
        labels: Int[Tensor, "b s t"] | None = None,
        reader: RowReader | None = None,
        keep_rows: int | None = None,
    ) -> MsaOutput:
        """The whole model; the reader is called with each layer's row attention and must not keep it.

        `labels`: letters to predict, -100 where none is to be predicted; the loss is their mean cross-entropy in nats.
        `keep_rows`: predict for that many first rows only (a single query needs one).
        """
        hidden = self.hidden_states(input_ids, reader=reader, keep_rows=keep_rows)
        logits = self.lm_head(hidden)
        loss = None if labels is None else _cross_entropy(logits, labels[:, :keep_rows])
        return MsaOutput(loss=loss, logits=logits, last_hidden_state=hidden)

    def hidden_states(
        self, input_ids: Int[Tensor, "b s t"], *, reader: RowReader | None = None, keep_rows: int | None = None
    ) -> Float[Tensor, "b s t d"]:
        """Last-layer states after the final norm, of the first `keep_rows` rows."""
        hidden, padding = self._embed(input_ids)
        for index, layer in enumerate(self.layers):
            maps = layer.row_self_attention.maps(hidden, padding)
            if reader is not None:
                reader(index, maps)
            hidden = layer(hidden, maps, padding)
        last: Tensor = self.emb_layer_norm_after(hidden[:, :keep_rows])
        return last

    def row_attention(self, input_ids: Int[Tensor, "b s t"]) -> Iterator[Float[Tensor, "b h t t"]]:
        """Each layer's row attention in turn, float32; padded columns draw none.

        Nothing runs that the next map does not need: the last layer is not finished, and who stops early pays for no
        later layer.
        """
        hidden, padding = self._embed(input_ids)
        for index, layer in enumerate(self.layers):
            maps = layer.row_self_attention.maps(hidden, padding)
            yield maps
            if index + 1 < len(self.layers):
                hidden = layer(hidden, maps, padding)

    def row_attention_head(self, input_ids: Int[Tensor, "b s t"], layer: int, head: int) -> Float[Tensor, "b t t"]:
        """One head's row attention: of its layer no other head is computed, and no later layer runs."""
        hidden, padding = self._embed(input_ids)
        for before in self.layers[:layer]:
            hidden = before(hidden, before.row_self_attention.maps(hidden, padding), padding)
        maps: Tensor = self.layers[layer].row_self_attention.maps(hidden, padding, head=head)
        return maps[:, 0]

    def _embed(self, input_ids: Tensor) -> tuple[Float[Tensor, "b s t d"], Padding | None]:
        self._check_size(input_ids)
        hidden = self.embed_tokens(input_ids)
        if self.embed_positions is not None:
            first = self.config.pad_token_id + 1
            positions = torch.arange(first, first + input_ids.shape[2], device=input_ids.device)
            hidden = hidden + self.embed_positions(positions)
        if self.msa_position_embedding is not None:
            hidden = hidden + self.msa_position_embedding[:, : input_ids.shape[1]]
        hidden = self.dropout(self.emb_layer_norm_before(hidden))
        return hidden, Padding.of(input_ids != self.config.pad_token_id)

    def _check_size(self, input_ids: Tensor) -> None:
        _, rows, tokens = input_ids.shape
        if rows > self.config.max_rows or tokens > self.config.max_position_embeddings:
            message = (
                f"alignment of {rows} rows x {tokens} tokens; the model reads at most "
                f"{self.config.max_rows} x {self.config.max_position_embeddings}"
            )
            raise ValueError(message)


def _cross_entropy(logits: Float[Tensor, "b s t v"], labels: Int[Tensor, "b s t"]) -> Float[Tensor, ""]:
    return nn.functional.cross_entropy(logits.flatten(0, 2).float(), labels.flatten())
