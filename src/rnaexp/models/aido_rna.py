"""AIDO.RNA: pre-norm encoder with rotary positions and gated units, its norm as its config.json says.

Source: Zou et al. 2024, doi:10.1101/2024.11.28.625345; code genbio-ai/ModelGenerator (huggingface/aido.rna).
Its class means to add a bias of the letter head (`decoder.bias` is `predictions.bias`), and its file holds it once,
under the second name. `from_pretrained` of transformers 5 does not see that the two are one and leaves the first at
zero, so the authors' stored outputs are without it. By default it is left out here, too; `letter_bias` = true adds it,
as in training. Attention and embeddings do not depend on it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedConfig

from rnaexp.models.adapter import FOLDER, Adapter, load_adapted
from rnaexp.models.native import LetterHead, RotaryEncoder, SelfAttention
from rnaexp.models.spec import Encoder, ModelSpec
from rnaexp.models.tokens import Vocabulary

# The vocabulary has U as well (9), but its authors feed DNA letters: U becomes T.
TOKENS = Vocabulary(
    model="aido-rna", ids={"A": 5, "G": 6, "C": 7, "T": 8, "N": 10}, before=(2,), after=(3,), pad=0, mask=1
)


class AidoRnaConfig(PreTrainedConfig):
    """Names and defaults as in the authors' configuration, and `letter_bias`."""

    model_type = "rnaexp-aido-rna"

    vocab_size: int = 16
    hidden_size: int = 1024
    num_hidden_layers: int = 24
    num_attention_heads: int = 16
    intermediate_size: int = 4096
    layer_norm_eps: float = 1e-5
    normalization_type: str = "RMSNorm"
    add_linear_bias: bool = True
    letter_bias: bool = False
    pad_token_id: int = 0
    initializer_range: float = 0.02
    tie_word_embeddings: bool = True

    def norm(self) -> nn.Module:
        """A norm of the configured kind."""
        kinds: dict[str, Any] = {"RMSNorm": nn.RMSNorm, "LayerNorm": nn.LayerNorm}
        if self.normalization_type not in kinds:
            message = f"normalization_type {self.normalization_type!r}: must be RMSNorm or LayerNorm"
            raise ValueError(message)
        module: nn.Module = kinds[self.normalization_type](self.hidden_size, eps=self.layer_norm_eps)
        return module


class Block(nn.Module):
    """One layer: attention, then units gated by a SiLU."""

    def __init__(self, config: AidoRnaConfig) -> None:
        super().__init__()
        width, inner, bias = config.hidden_size, config.intermediate_size, config.add_linear_bias
        self.norm, self.unit_norm = config.norm(), config.norm()
        self.attention = SelfAttention(config, bias=bias, out_bias=bias)
        self.up, self.gate = nn.Linear(width, inner, bias=bias), nn.Linear(width, inner, bias=bias)
        self.down = nn.Linear(inner, width, bias=bias)

    def forward(self, hidden: Tensor, mask: Tensor | None, **how: Any) -> Tensor:
        """[b t d]."""
        hidden = hidden + self.attention(self.norm(hidden), mask, **how)
        units = self.unit_norm(hidden)
        return hidden + self.down(nn.functional.silu(self.gate(units)) * self.up(units))


class AidoRna(RotaryEncoder):
    """AIDO.RNA of any size."""

    config_class = AidoRnaConfig

    def __init__(self, config: AidoRnaConfig) -> None:
        super().__init__(config)
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.norm = config.norm()
        self.head = LetterHead(
            config.hidden_size,
            config.vocab_size,
            config.norm(),
            own_table=not config.tie_word_embeddings,
            bias=config.letter_bias,
        )
        self.post_init()


def _measured(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The inner width, which the shapes tell."""
    units = state.get("bert.encoder.layer.0.mlp.up_proj.weight")
    return {} if units is None else {"intermediate_size": units.shape[0]}


_NAMES = (
    (r"^embedding\.", "bert.embeddings.word_embeddings."),
    (r"^layers\.", "bert.encoder.layer."),
    (r"\.attention\.(query|key|value)\.", r".attention.self.\1."),
    (r"\.attention\.out\.", ".attention.output.dense."),
    (r"(\d)\.norm\.", r"\1.attention.ln."),
    (r"\.unit_norm\.", ".ln."),
    (r"(\d)\.(up|gate|down)\.", r"\1.mlp.\2_proj."),
    (r"^norm\.", "bert.encoder.ln."),
    (r"^head\.dense\.", "cls.predictions.transform.dense."),
    (r"^head\.norm\.", "cls.predictions.transform.LayerNorm."),
    (r"^head\.bias$", "cls.predictions.bias"),
    (r"^head\.table$", "cls.predictions.decoder.weight"),
)

ADAPTER = Adapter(
    network=AidoRna,
    tokens=TOKENS,
    checkpoints=FOLDER,
    sizes={name: name for name in ("hidden_size", "num_hidden_layers", "num_attention_heads")},
    settings={
        name: name
        for name in (
            "vocab_size",
            "intermediate_size",
            "layer_norm_eps",
            "normalization_type",
            "add_linear_bias",
            "tie_word_embeddings",
            "letter_bias",
        )
    },
    names=_NAMES,
    measured=_measured,
    copies=(
        ("bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"),
        ("cls.predictions.bias", "cls.predictions.decoder.bias"),
    ),
    leftovers=("bert.pooler.dense.*", "cls.predictions.decoder.bias", "cls.predictions.bias"),
)


def load(
    spec: ModelSpec, *, weights: Path | None, config: Mapping[str, Any] | None, device: str, seed: int | None
) -> Encoder:
    """A folder as the hub has it (config.json, model.safetensors); `config` overrides single settings."""
    return load_adapted(ADAPTER, spec, weights=weights, config=config, device=device, seed=seed)
