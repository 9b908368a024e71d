"""HyenaDNA: gated convolutions over the whole sequence instead of attention, read from left to right, one base a token.

Source: Nguyen et al. 2023, arXiv:2306.15794 (HyenaDNA); Poli et al. 2023, arXiv:2302.10866 (the operator, section 3.4
for the filter); code HazyResearch/hyena-dna at d553021b (standalone_hyenadna.py), names as in LongSafari's *-hf files.

No token sees a later one, so what is padded on the right changes nothing, and there is no map of pairs to read.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedConfig

from rnaexp.models import weights as files
from rnaexp.models.adapter import FOLDER, Adapter, load_adapted
from rnaexp.models.left_to_right import LeftToRight
from rnaexp.models.native import NativeEncoder, noted
from rnaexp.models.spec import Encoder, ModelSpec, Reader, refuse_without_attention
from rnaexp.models.tokens import Vocabulary
from rnaexp.rna import Rna

# [CLS] [SEP] [BOS] [MASK] [PAD] [RESERVED] [UNK], then the letters; a sequence ends with [SEP] and begins with nothing.
TOKENS = Vocabulary(model="hyenadna", ids={letter: 7 + at for at, letter in enumerate("ACGTN")}, after=(1,), pad=4)

_INNER = 2  # layers of the filter's network between its first and its last
_SHORT = 3  # tokens of the short convolution: each and the two before it
_FAST, _SLOW, _TARGET, _SHIFT = 0.3, 1.5, 1e-2, 0.05  # decay of the window: the authors' ExponentialModulation


class HyenaDnaConfig(PreTrainedConfig):
    """`max_position_embeddings`: tokens that the filters are made for; `vocab_size`: rows of the table."""

    model_type = "rnaexp-hyenadna"

    vocab_size: int = 16
    hidden_size: int = 128
    num_hidden_layers: int = 2
    intermediate_size: int = 512
    max_position_embeddings: int = 1026
    filter_order: int = 64
    position_size: int = 5
    frequency: float = 10
    layer_norm_eps: float = 1e-5
    pad_token_id: int = TOKENS.pad
    initializer_range: float = 0.02
    tie_word_embeddings: bool = False


class Filter(nn.Module):
    """A filter as long as the sequence, out of a small network of the position, times a window that decays.

    `positions` may be trained, so the file's own are read; so are `times` and `rates`, which are computed.
    """

    times: Tensor
    rates: Tensor

    def __init__(self, config: HyenaDnaConfig) -> None:
        super().__init__()
        tokens, order = config.max_position_embeddings, config.filter_order
        self.positions = nn.Parameter(waves(tokens, config.position_size))
        self.register_buffer("times", torch.linspace(0, 1, tokens)[:, None])
        slowest, fastest = math.log(_TARGET) / _SLOW, math.log(_TARGET) / _FAST
        self.register_buffer("rates", torch.linspace(slowest, fastest, config.hidden_size))
        self.frequency = nn.Parameter(torch.full((order,), float(config.frequency)))
        inner = (nn.Linear(order, order) for _ in range(_INNER))
        self.inner = nn.ModuleList((nn.Linear(config.position_size, order), *inner))
        self.out = nn.Linear(order, config.hidden_size, bias=False)

    def forward(self, tokens: int) -> Float[Tensor, "d t"]:
        """What each channel takes from 0, 1, 2 ... tokens ago."""
        wave = self.positions[:tokens].to(self.out.weight.dtype)
        for linear in self.inner:
            wave = torch.sin(self.frequency * linear(wave))
        window = torch.exp(-self.times[:tokens] * self.rates.abs()) + _SHIFT
        taken: Tensor = (self.out(wave) * window).T
        return taken


def waves(tokens: int, size: int) -> Float[Tensor, "t size"]:
    """Time from 0 to 1, then cosines and minus sines of slow waves."""
    bands = (size - 1) // 2
    angles = 2 * math.pi * torch.arange(tokens)[:, None] / tokens * torch.linspace(1e-4, bands - 1, bands)
    return torch.cat((torch.linspace(0, 1, tokens)[:, None], angles.cos(), -angles.sin()), -1)


def convolved(signal: Float[Tensor, "b d t"], taken: Float[Tensor, "d t"]) -> Float[Tensor, "b d t"]:
    """sum over s <= t of taken[t - s] signal[s]; twice the length, so that the end does not reach the beginning."""
    size = 2 * signal.shape[-1]
    product = torch.fft.rfft(signal.float(), n=size) * torch.fft.rfft(taken.float(), n=size)
    sums: Tensor = torch.fft.irfft(product, n=size)[..., : signal.shape[-1]]
    return sums.to(signal.dtype)


class Operator(nn.Module):
    """Three projections, each smoothed over three tokens: value and first gate are convolved, times the last."""

    def __init__(self, config: HyenaDnaConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.into, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.short = nn.Conv1d(3 * width, 3 * width, _SHORT, padding=_SHORT - 1, groups=3 * width)
        self.filter, self.skip = Filter(config), nn.Parameter(torch.randn(width))

    def forward(self, hidden: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        """No token sees a later one."""
        tokens = hidden.shape[1]
        last, first, value = self.short(self.into(hidden).mT)[..., :tokens].chunk(3, 1)
        value = value * first
        value = convolved(value, self.filter(tokens)) + value * self.skip[:, None]
        mixed: Tensor = self.out((value * last).mT)
        return mixed


class Block(nn.Module):
    """One layer."""

    def __init__(self, config: HyenaDnaConfig) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        self.norm, self.unit_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.operator = Operator(config)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, hidden: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        """Pre-norm, both parts added."""
        hidden = hidden + self.operator(self.norm(hidden))
        units = nn.functional.gelu(self.up(self.unit_norm(hidden)), approximate="tanh")
        added: Tensor = hidden + self.down(units)
        return added


class HyenaDna(NativeEncoder):
    """HyenaDNA of any size; its letters are the next ones, never hidden ones."""

    config_class = HyenaDnaConfig

    def __init__(self, config: HyenaDnaConfig) -> None:
        super().__init__(config)
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def hidden(
        self, ids: Tensor, attention_mask: Tensor | None, *, states: list[Tensor] | None = None, **_: Any
    ) -> Tensor:
        """After the final norm; what is padded on the right is never looked at, so the mask is not needed."""
        hidden = self.embedding(ids)
        for layer in self.layers:
            hidden = layer(noted(hidden, states))
        normed: Tensor = self.norm(hidden)
        return normed

    def letters(self, hidden: Tensor) -> Tensor:
        """Logits of the next letter."""
        logits: Tensor = self.head(hidden)
        return logits


class ConvolutionEncoder(LeftToRight):
    """A model without attention: embeddings only; reading a map raises an error that explains this."""

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


def one_frequency(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The filter's layers share one vector of frequencies, which some files hold once, others once a layer.

    Raises: InputError if a file holds two that differ.
    """
    held = dict(state)
    for key in [key for key in held if key.endswith(".freq")]:
        first = key.rsplit(".", 2)[0] + ".1.freq"
        if key != first:
            files.drop_copy(held, first, key, path=Path("implicit_filter"))
    return {
        key: tensor.reshape(tensor.shape[1:])
        if key.endswith((".freq", ".pos_emb.z", ".pos_emb.t"))
        else tensor.reshape(-1)
        if key.endswith(".modulation.deltas")
        else tensor
        for key, tensor in held.items()
    }


def _measured(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Rows of the table, the vocabulary of 12 rounded up; the tokens that filters are made for."""
    shapes = {key: tensor.shape[0] for key, tensor in state.items()}
    held = {
        "vocab_size": shapes.get("hyena.backbone.embeddings.word_embeddings.weight"),
        "max_position_embeddings": shapes.get("hyena.backbone.layers.0.mixer.filter_fn.pos_emb.z"),
    }
    return {name: size for name, size in held.items() if size is not None}


_FILTER = "mixer.filter_fn."
ADAPTER = Adapter(
    network=HyenaDna,
    tokens=TOKENS,
    checkpoints=FOLDER,
    sizes={"hidden_size": "d_model", "num_hidden_layers": "n_layer"},
    settings={
        "intermediate_size": "d_inner",
        "max_position_embeddings": "max_seq_len",
        "filter_order": "filter_order",
        "position_size": "emb_dim",
        "frequency": "activation_freq",
        "layer_norm_eps": "layer_norm_epsilon",
    },
    # What the authors' class can do otherwise and no published file asks for.
    expected={
        "hyena_order": 2,
        "short_filter_order": _SHORT,
        "num_inner_mlps": _INNER,
        "train_freq": True,
        "tie_word_embeddings": False,
    },
    completed=lambda values: {"intermediate_size": 4 * values["hidden_size"], **values},
    names=(
        (r"^embedding\.", "hyena.backbone.embeddings.word_embeddings."),
        (r"^norm\.", "hyena.backbone.ln_f."),
        (r"^head\.", "lm_head."),
        (r"^layers\.", "hyena.backbone.layers."),
        (r"(\d)\.norm\.", r"\1.norm1."),
        (r"\.unit_norm\.", ".norm2."),
        (r"\.up\.", ".mlp.fc1."),
        (r"\.down\.", ".mlp.fc2."),
        (r"\.operator\.into\.", ".mixer.in_proj."),
        (r"\.operator\.out\.", ".mixer.out_proj."),
        (r"\.operator\.short\.", ".mixer.short_filter."),
        (r"\.operator\.skip$", f".{_FILTER}bias"),
        (r"\.operator\.filter\.positions$", f".{_FILTER}pos_emb.z"),
        (r"\.operator\.filter\.times$", f".{_FILTER}pos_emb.t"),
        (r"\.operator\.filter\.rates$", f".{_FILTER}modulation.deltas"),
        (r"\.operator\.filter\.frequency$", f".{_FILTER}implicit_filter.1.freq"),
        (r"\.operator\.filter\.inner\.0\.", f".{_FILTER}implicit_filter.0."),
        (r"\.operator\.filter\.inner\.1\.", f".{_FILTER}implicit_filter.2."),
        (r"\.operator\.filter\.inner\.2\.", f".{_FILTER}implicit_filter.4."),
        (r"\.operator\.filter\.out\.", f".{_FILTER}implicit_filter.6."),
    ),
    prepared=one_frequency,
    measured=_measured,
    encoder=ConvolutionEncoder,
)


def load(
    spec: ModelSpec, *, weights: Path | None, config: Mapping[str, Any] | None, device: str, seed: int | None
) -> Encoder:
    """A folder as the hub has it (config.json, model.safetensors); `config` overrides single settings."""
    return load_adapted(ADAPTER, spec, weights=weights, config=config, device=device, seed=seed)
