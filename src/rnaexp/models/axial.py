"""One layer of the MSA transformer: row attention, column attention, feed-forward; each added to its pre-normed input.

What RNA-MSM has not (neighbours mixed into query and key, distances in the scores, no column attention) is off unless
the configuration asks for it.

An alignment is worked on in chunks of rows or columns, so that 512 rows x 400 columns need little more memory than
their hidden states.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention


class Padding(NamedTuple):
    """Which tokens of a padded batch are real: an alignment fills the first rows and columns of its share."""

    real: Bool[Tensor, "b s t"]
    rows: Bool[Tensor, "b s"]
    columns: Bool[Tensor, "b t"]

    @classmethod
    def of(cls, real: Bool[Tensor, "b s t"]) -> "Padding | None":
        """None where nothing is padded; refuses padding that is not whole rows and columns."""
        if bool(real.all()):
            return None
        padding = cls(real, real.any(2), real.any(1))
        if not torch.equal(real, padding.rows[:, :, None] & padding.columns[:, None]):
            message = "padding must fill whole rows and whole columns; a gap inside an alignment is a letter"
            raise ValueError(message)
        return padding


class Neighbours(nn.Module):
    """What a token's neighbours along the row hold, each channel with its own weights, zero beyond the row's ends.

    Query and key then see words of letters, so that one head can score a stack of pairs.
    """

    def __init__(self, width: int, taps: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(width, width, taps, padding=taps // 2, groups=width)

    def forward(self, hidden: Float[Tensor, "b s t d"]) -> Float[Tensor, "b s t d"]:
        """Each row for itself."""
        mixed: Tensor = self.convolution(hidden.flatten(0, 1).transpose(1, 2))
        return mixed.transpose(1, 2).reshape(hidden.shape)


# First distance of each step after 0: one each up to 9, then growing by a quarter, 8 (5/4)^k rounded up, below 512.
# In whole numbers, for distance 10 stands on an edge, where a rounded logarithm falls to either side by machine.
_FIRST_OF_STEP = (*range(1, 10), *(-(-8 * 5**k // 4**k) for k in range(1, 19)))


class Separation(nn.Module):
    """A number to add to each head's scores by how far, and on which side, the column attended to stands."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.steps = len(_FIRST_OF_STEP) + 1
        self.bias = nn.Parameter(torch.zeros(heads, 2 * self.steps))

    def forward(self, tokens: int, head: int | None) -> Float[Tensor, "h t t"]:
        """The numbers of all heads, or of one."""
        at = torch.arange(tokens, device=self.bias.device)
        apart = at[None] - at[:, None]
        step = torch.bucketize(apart.abs(), torch.tensor(_FIRST_OF_STEP, device=at.device), right=True)
        bias = self.bias if head is None else self.bias[head : head + 1]
        return bias[:, step + self.steps * (apart < 0)]


class RowSelfAttention(nn.Module):
    """Attention between columns, one map for all rows: scores are summed over them."""

    def __init__(self, width: int, heads: int, dropout: float, local_width: int = 0) -> None:
        super().__init__()
        self.heads, self.head_width = heads, width // heads
        self.k_proj, self.v_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.q_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.neighbours = Neighbours(width, local_width) if local_width else None

    def scores(
        self, hidden: Float[Tensor, "b s t d"], weight: float | Float[Tensor, "b s t 1 1"], head: int | None
    ) -> Float[Tensor, "b h t t"]:
        """Products of weighted queries and keys, summed over these rows; of one head or of all."""
        if self.neighbours is not None:
            hidden = self.neighbours(hidden)
        query = self._project(self.q_proj, hidden, head) * weight
        key = self._project(self.k_proj, hidden, head)
        return query.permute(0, 3, 2, 1, 4).flatten(3) @ key.permute(0, 3, 1, 4, 2).flatten(2, 3)

    def forward(self, hidden: Float[Tensor, "b s t d"], maps: Float[Tensor, "b h t t"]) -> Float[Tensor, "b s t d"]:
        """Mix the columns of these rows by the maps."""
        value = self._project(self.v_proj, hidden, None)
        mixed = self.dropout(maps).to(value.dtype) @ value.permute(0, 3, 2, 1, 4).flatten(3)
        rows = mixed.view(*mixed.shape[:3], hidden.shape[1], self.head_width)
        update: Tensor = self.out_proj(rows.permute(0, 3, 2, 1, 4).flatten(3))
        return update

    def _project(self, layer: nn.Linear, hidden: Tensor, head: int | None) -> Float[Tensor, "b s t h e"]:
        part = slice(None) if head is None else slice(head * self.head_width, (head + 1) * self.head_width)
        projected: Tensor = linear(hidden, layer.weight[part], layer.bias[part])
        return projected.view(*hidden.shape[:3], -1, self.head_width)


class ColumnSelfAttention(nn.Module):
    """Attention between rows, in each column for itself; its maps are never made."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.k_proj, self.v_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.q_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, hidden: Float[Tensor, "b s t d"], rows: Bool[Tensor, "b s"] | None) -> Float[Tensor, "b s t d"]:
        """Mix the real rows of each of these columns."""
        batch, _, tokens, _ = hidden.shape
        mask = None if rows is None else rows.repeat_interleave(tokens, 0)[:, None, None]
        query, key, value = (self._columns(layer(hidden)) for layer in (self.q_proj, self.k_proj, self.v_proj))
        dropout = self.dropout if self.training else 0.0
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
        update: Tensor = self.out_proj(mixed.view(batch, tokens, *mixed.shape[1:]).permute(0, 3, 1, 2, 4).flatten(3))
        return update

    def _columns(self, hidden: Float[Tensor, "b s t d"]) -> Float[Tensor, "bt h s e"]:
        return hidden.view(*hidden.shape[:3], self.heads, -1).permute(0, 2, 3, 1, 4).flatten(0, 1)


class FeedForward(nn.Module):
    """Two linear layers round a GELU, of each token or (`taps`) of it and its neighbours: then it can know words."""

    def __init__(self, width: int, inner: int, dropout: float, taps: int = 0) -> None:
        super().__init__()
        self.fc1, self.fc2, self.dropout = nn.Linear(width, inner), nn.Linear(inner, width), nn.Dropout(dropout)
        self.neighbours = Neighbours(width, taps) if taps else None

    def forward(
        self, hidden: Float[Tensor, "b s t d"], real: Bool[Tensor, "b 1 t 1"] | None
    ) -> Float[Tensor, "b s t d"]:
        """Each row for itself; what is not `real` is zero to its neighbours, like what is beyond the row."""
        if self.neighbours is not None:
            hidden = self.neighbours(hidden if real is None else hidden * real)
        update: Tensor = self.fc2(self.dropout(nn.functional.gelu(self.fc1(hidden))))
        return update


class PreNormed(nn.Module):
    """A layer whose normed input goes in and whose dropped-out output is added to the input, chunk by chunk."""

    def __init__(self, layer: nn.Module, config: Any) -> None:
        super().__init__()
        self.layer = layer
        self.layer_norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout)
        self.tokens_per_chunk: int = config.tokens_per_chunk

    def add(self, hidden: Float[Tensor, "b s t d"], axis: int, *arguments: object) -> Float[Tensor, "b s t d"]:
        """Add the layer's output, `axis` (1 rows, 2 columns) cut into chunks; in place where no gradient is kept."""
        chunks = self.chunks(hidden, axis)
        if torch.is_grad_enabled():
            return hidden + torch.cat([self._update(chunk, arguments) for chunk in chunks], axis)
        for chunk in chunks:
            chunk += self._update(chunk, arguments)
        return hidden

    def chunks(self, hidden: Tensor, axis: int) -> tuple[Tensor, ...]:
        """Views of at most `tokens_per_chunk` tokens, but at least one row or column."""
        tokens = hidden.shape[:3].numel() // hidden.shape[axis]
        return torch.split(hidden, max(1, self.tokens_per_chunk // tokens), axis)

    def _update(self, chunk: Tensor, arguments: tuple[object, ...]) -> Tensor:
        update: Tensor = self.dropout(self.layer(self.layer_norm(chunk), *arguments))
        return update


class RowBlock(PreNormed):
    """Row attention in two steps, for its maps can be wanted without what follows from them."""

    layer: RowSelfAttention

    def __init__(self, layer: RowSelfAttention, config: Any) -> None:
        super().__init__(layer, config)
        self.separation = Separation(layer.heads) if config.column_positions == "relative" else None
        self.row_power = {"sum": 1, "mean": 2}[config.row_scores]

    def maps(
        self, hidden: Float[Tensor, "b s t d"], padding: Padding | None, head: int | None = None
    ) -> Float[Tensor, "b h t t"]:
        """Attention after softmax, in float32; of one head or of all."""
        rows = self.chunks(hidden, 1)
        weights = self._weights(hidden, padding, rows[0].shape[1], len(rows))
        parts = zip(self._normed(rows, padding), weights, strict=True)
        scores: Any = sum(self.layer.scores(part, weight, head).float() for part, weight in parts)
        if self.separation is not None:
            scores = scores + self.separation(hidden.shape[2], head)
        if padding is not None:
            scores = scores.masked_fill(~padding.columns[:, None, None], -torch.inf)
        return torch.softmax(scores, -1)

    def _normed(self, rows: Sequence[Tensor], padding: Padding | None) -> Iterator[Float[Tensor, "b s t d"]]:
        """Each chunk's normed states; no neighbour may see padding, so it is zero like what is beyond the row."""
        if padding is None or self.layer.neighbours is None:
            return (self.layer_norm(part) for part in rows)
        real = padding.columns[:, None, :, None]
        return (self.layer_norm(part) * real for part in rows)

    def _weights(
        self, hidden: Tensor, padding: Padding | None, rows_at_once: int, chunks: int
    ) -> Sequence[float | Tensor]:
        """Each chunk's query weights: the scale of a sum over so many real rows, and 0 for padding."""
        if padding is None:
            return [(hidden.shape[1] ** self.row_power * self.layer.head_width) ** -0.5] * chunks
        scale = (padding.rows.sum(1) ** self.row_power * self.layer.head_width) ** -0.5
        weights = (padding.real * scale[:, None, None]).to(hidden.dtype)
        return torch.split(weights[..., None, None], rows_at_once, 1)

    def forward(self, hidden: Float[Tensor, "b s t d"], maps: Float[Tensor, "b h t t"]) -> Float[Tensor, "b s t d"]:
        """Go on with the maps."""
        return self.add(hidden, 1, maps)


class AxialLayer(nn.Module):
    """Row attention (its maps are made outside), then column attention, then feed-forward."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        width, heads, dropout = config.hidden_size, config.num_attention_heads, config.attention_dropout
        self.row_self_attention = RowBlock(RowSelfAttention(width, heads, dropout, config.local_width), config)
        columns = PreNormed(ColumnSelfAttention(width, heads, dropout), config) if config.column_attention else None
        self.column_self_attention = columns
        inner = FeedForward(width, config.intermediate_size, config.activation_dropout, config.local_feed_forward)
        self.feed_forward_layer = PreNormed(inner, config)

    def forward(
        self, hidden: Float[Tensor, "b s t d"], maps: Float[Tensor, "b h t t"], padding: Padding | None
    ) -> Float[Tensor, "b s t d"]:
        """Finish the layer from its row attention; without gradients `hidden` is changed in place."""
        hidden = self.row_self_attention(hidden, maps)
        if self.column_self_attention is not None:
            hidden = self.column_self_attention.add(hidden, 2, None if padding is None else padding.rows)
        return self.feed_forward_layer.add(hidden, 1, None if padding is None else padding.columns[:, None, :, None])
