"""What the encoders written here share: attention through transformers' interface, rotary positions, one output.

The interface is what lets `streaming` read a layer's maps, read one head and end a pass early, so a model written on
it has all three. Each network's parameters have the names used here; `adapter` says what a published file calls them.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.utils import ModelOutput

ROTARY_BASE = 10000.0  # Su et al. 2021, arXiv:2104.09864


@dataclass
class EncoderOutput(ModelOutput):
    """`logits` is None for a model without a letter head; `hidden_states`, if wanted, are l + 1, first to last."""

    last_hidden_state: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    logits: Tensor | None = None


class NativeEncoder(PreTrainedModel):
    """A network that turns ids into hidden states (`hidden`), and those into letter logits (`letters`)."""

    _supports_sdpa = True
    _supports_attention_backend = True
    base_model_prefix = ""  # the network is its own body

    def hidden(
        self, ids: Tensor, attention_mask: Tensor | None, *, states: list[Tensor] | None = None, **reading: Any
    ) -> Tensor:
        """Hidden states [b t d] after the last layer and what the authors put behind it; see `noted` for `states`."""
        raise NotImplementedError

    def letters(self, hidden: Tensor) -> Tensor | None:
        """Logits [b t v]; None for a model without a masked-letter head."""
        return None

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        *,
        output_hidden_states: bool = False,
        **reading: Any,
    ) -> EncoderOutput:
        """`attention_mask` [b t] is 1 for tokens, 0 for padding; None: no padding."""
        states: list[Tensor] | None = [] if output_hidden_states else None
        hidden = self.hidden(input_ids, attention_mask, states=states, **reading)
        every = None if states is None else (*states, hidden)
        return EncoderOutput(last_hidden_state=hidden, hidden_states=every, logits=self.letters(hidden))


def noted(hidden: Tensor, states: list[Tensor] | None) -> Tensor:
    """What goes into a layer, kept if every layer's states are wanted."""
    if states is not None:
        states.append(hidden)
    return hidden


class LetterHead(nn.Module):
    """Letter logits from hidden states, as BERT has it; without a table of its own it reads the embeddings'."""

    def __init__(
        self, width: int, letters: int, norm: nn.Module, *, own_table: bool = False, bias: bool = True
    ) -> None:
        super().__init__()
        self.dense, self.norm = nn.Linear(width, width), norm
        self.bias = nn.Parameter(torch.zeros(letters)) if bias else None
        self.table = nn.Parameter(torch.zeros(letters, width)) if own_table else None

    def forward(self, hidden: Tensor, embeddings: Tensor) -> Tensor:
        """[b t d] -> [b t v]."""
        hidden = self.norm(nn.functional.gelu(self.dense(hidden)))
        return nn.functional.linear(hidden, embeddings if self.table is None else self.table, self.bias)


class SelfAttention(nn.Module):
    """Multi-head self-attention; rotary positions where a model has them, any other bias through the mask."""

    def __init__(self, config: Any, *, bias: bool, out_bias: bool) -> None:
        super().__init__()
        self.config, self.heads = config, config.num_attention_heads
        width = config.hidden_size
        self.query, self.key, self.value = (nn.Linear(width, width, bias=bias) for _ in range(3))
        self.out = nn.Linear(width, width, bias=out_bias)

    def queries_and_keys(
        self, hidden: Float[Tensor, "b t d"], rotary: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """[b h t e] each, turned by their positions if `rotary` is given."""
        query, key = self._split(self.query(hidden)), self._split(self.key(hidden))
        return (query, key) if rotary is None else (turned(query, *rotary), turned(key, *rotary))

    def forward(
        self,
        hidden: Float[Tensor, "b t d"],
        mask: Float[Tensor, "*b h t t"] | None,
        *,
        rotary: tuple[Tensor, Tensor] | None = None,
        **reading: Any,
    ) -> Float[Tensor, "b t d"]:
        """`mask` is added to the scores before softmax."""
        query, key = self.queries_and_keys(hidden, rotary)
        return self.mixed(query, key, self._split(self.value(hidden)), mask, **reading)

    def mixed(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **reading: Any) -> Tensor:
        """Values [b h t e] mixed by attention, put together and projected."""
        attend = ALL_ATTENTION_FUNCTIONS.get_interface(self.config._attn_implementation, plainly)
        mixed, _ = attend(self, query, key, value, mask, scaling=self.scaling, dropout=0.0, **reading)
        return self.out(mixed.flatten(-2))

    @property
    def scaling(self) -> float:
        """What scores are multiplied with."""
        return float((self.config.hidden_size // self.heads) ** -0.5)

    def _split(self, states: Tensor) -> Tensor:
        return states.view(*states.shape[:-1], self.heads, -1).transpose(1, 2)


def plainly(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    **_: Any,
) -> tuple[Tensor, Tensor]:
    """Attention written out ("eager" in transformers), against which streaming proves itself."""
    scores = query @ key.transpose(-1, -2) * scaling
    maps = torch.softmax(scores if attention_mask is None else scores + attention_mask, -1, dtype=torch.float32)
    return (maps.to(value.dtype) @ value).transpose(1, 2).contiguous(), maps


def hidden_keys(attention_mask: Int[Tensor, "b t"] | None, dtype: torch.dtype) -> Float[Tensor, "b 1 1 t"] | None:
    """What is added to scores so that no token attends to padding."""
    if attention_mask is None:
        return None
    return torch.zeros_like(attention_mask, dtype=dtype).masked_fill_(attention_mask == 0, -torch.inf)[:, None, None]


def rotations(tokens: int, size: int, like: Tensor) -> tuple[Float[Tensor, "t e"], Float[Tensor, "t e"]]:
    """Cosines and sines that turn query and key by their position, counted from the first special token."""
    steps = torch.arange(0, size, 2, device=like.device, dtype=torch.float32) / size
    angles = torch.arange(tokens, device=like.device, dtype=torch.float32)[:, None] / ROTARY_BASE**steps
    angles = torch.cat((angles, angles), -1)
    return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def turned(states: Float[Tensor, "b h t e"], cosines: Tensor, sines: Tensor) -> Float[Tensor, "b h t e"]:
    """Each pair (first half, second half) of a head's coordinates turned by its angle."""
    first, second = states.chunk(2, -1)
    return states * cosines + torch.cat((-second, first), -1) * sines


def scaled_for_masks(embedded: Tensor, ids: Tensor, attention_mask: Tensor | None, mask_id: int) -> Tensor:
    """ESM's token dropout at inference: masks count as nothing, the rest is scaled to the share kept in training.

    Source: Lin et al. 2023, doi:10.1126/science.ade2574; 15 % of tokens chosen, 80 % of those masked.
    """
    masked = ids == mask_id
    tokens = ids.shape[1] if attention_mask is None else attention_mask.sum(-1)
    share = masked.sum(-1) / tokens
    scale = ((1 - 0.15 * 0.8) / (1 - share))[:, None, None].to(embedded.dtype)
    return embedded.masked_fill(masked[..., None], 0) * scale


class RotaryEncoder(NativeEncoder):
    """An embedding, blocks with rotary positions, a final norm, and a head for the letters."""

    embedding: nn.Embedding
    layers: nn.ModuleList
    norm: nn.Module
    head: "LetterHead"

    def embedded(self, ids: Tensor, attention_mask: Tensor | None) -> Tensor:
        """What goes into the first block [b t d]."""
        states: Tensor = self.embedding(ids)
        return states

    def hidden(
        self, ids: Tensor, attention_mask: Tensor | None, *, states: list[Tensor] | None = None, **reading: Any
    ) -> Tensor:
        """After the final norm."""
        hidden = self.embedded(ids, attention_mask)
        rotary = rotations(ids.shape[1], self.config.hidden_size // self.config.num_attention_heads, hidden)
        mask = hidden_keys(attention_mask, hidden.dtype)
        for layer in self.layers:
            hidden = layer(noted(hidden, states), mask, rotary=rotary, **reading)
        normed: Tensor = self.norm(hidden)
        return normed

    def letters(self, hidden: Tensor) -> Tensor:
        """By the tokens' own embeddings, unless the head has a table of its own."""
        logits: Tensor = self.head(hidden, self.embedding.weight)
        return logits
