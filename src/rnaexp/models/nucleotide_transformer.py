"""Nucleotide Transformer v2: ESM's pre-norm encoder with rotary positions and gated units, on neighbouring 6-mers.

Source: Dalla-Torre et al. 2024, doi:10.1038/s41592-024-02523-z; code instadeepai/nucleotide-transformer
(nucleotide_transformer/layers.py: units gated by a swish, no bias in them) and the copies of its hub class in public
repositories. The hub's class keeps a table of positions that nothing reads, and a contact head.
"""

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedConfig

from rnaexp.errors import InputError
from rnaexp.models.adapter import FOLDER, Adapter, load_adapted
from rnaexp.models.native import LetterHead, RotaryEncoder, SelfAttention
from rnaexp.models.spec import Encoder, ModelSpec
from rnaexp.models.tokens import Words

_K = 6
_LETTERS = "ATCG"


class NucleotideTransformerConfig(PreTrainedConfig):
    """Names as in the published config.json."""

    model_type = "rnaexp-nucleotide-transformer"

    vocab_size: int = 4107
    hidden_size: int = 512
    num_hidden_layers: int = 12
    num_attention_heads: int = 16
    intermediate_size: int = 2048
    layer_norm_eps: float = 1e-12
    pad_token_id: int = 1
    initializer_range: float = 0.02
    tie_word_embeddings: bool = False


class Block(nn.Module):
    """One layer."""

    def __init__(self, config: NucleotideTransformerConfig) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        self.norm, self.unit_norm = (nn.LayerNorm(width, eps=config.layer_norm_eps) for _ in range(2))
        self.attention = SelfAttention(config, bias=True, out_bias=True)
        self.up, self.down = nn.Linear(width, 2 * inner, bias=False), nn.Linear(inner, width, bias=False)

    def forward(self, hidden: Tensor, mask: Tensor | None, **how: Any) -> Tensor:
        """[b t d]."""
        hidden = hidden + self.attention(self.norm(hidden), mask, **how)
        gate, units = self.up(self.unit_norm(hidden)).chunk(2, -1)
        return hidden + self.down(nn.functional.silu(gate) * units)


class NucleotideTransformer(RotaryEncoder):
    """Nucleotide Transformer v2 of any size."""

    config_class = NucleotideTransformerConfig

    def __init__(self, config: NucleotideTransformerConfig) -> None:
        super().__init__(config)
        width, eps = config.hidden_size, config.layer_norm_eps
        self.embedding = nn.Embedding(config.vocab_size, width, padding_idx=config.pad_token_id)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.LayerNorm(width, eps=eps)
        self.head = LetterHead(
            width, config.vocab_size, nn.LayerNorm(width, eps=eps), own_table=not config.tie_word_embeddings
        )
        self.post_init()


def _words(ids: Mapping[str, int], model: str) -> Words:
    """A sequence begins with <cls> and ends with nothing: 251 bases are 41 6-mers, 5 letters and <cls>."""
    nucleic = {token: at for token, at in ids.items() if set(token) <= set(_LETTERS + "N")}
    return Words(model=model, ids=nucleic, k=_K, before=(ids["<cls>"],), pad=ids["<pad>"], mask=ids["<mask>"])


def _vocabulary(folder: Path, model: str) -> Words:
    """The table that lies next to the weights: its order is the file's, not ours.

    Raises: InputError if it is not there or lacks a word.
    """
    path = folder / "vocab.txt"
    if not path.is_file():
        message = "no vocab.txt next to the weights: which id a 6-mer has is not known without it"
        raise InputError(message, path=folder)
    ids = {token: at for at, token in enumerate(path.read_text(encoding="utf-8").split("\n")) if token}
    wanted = [*_SPECIAL[:4], *map("".join, product(_LETTERS, repeat=_K)), *_LETTERS, "N"]
    if missing := [token for token in wanted if token not in ids]:
        message = f"lacks {', '.join(missing[:5])}"
        raise InputError(message, path=path)
    return _words(ids, model)


_SPECIAL = ("<unk>", "<pad>", "<mask>", "<cls>")
_NATURAL = [*_SPECIAL, *map("".join, product(_LETTERS, repeat=_K)), *_LETTERS, "N", "<eos>", "<bos>"]

ADAPTER = Adapter(
    network=NucleotideTransformer,
    # Of random weights: there, the order of ids means nothing.
    tokens=_words({token: at for at, token in enumerate(_NATURAL)}, "nt-v2"),
    tokens_from=_vocabulary,
    checkpoints=FOLDER,
    sizes={name: name for name in ("hidden_size", "num_hidden_layers", "num_attention_heads")},
    settings={name: name for name in ("vocab_size", "intermediate_size", "layer_norm_eps", "tie_word_embeddings")},
    # What ESM's configuration can ask for and this network has not; a file that asks for it is not read wrongly.
    expected={
        "position_embedding_type": "rotary",
        "token_dropout": False,
        "emb_layer_norm_before": False,
        "add_bias_fnn": False,
    },
    completed=lambda values: {"intermediate_size": 4 * values["hidden_size"], **values},
    limited=False,
    names=(
        (r"^embedding\.", "esm.embeddings.word_embeddings."),
        (r"^layers\.", "esm.encoder.layer."),
        (r"\.attention\.(query|key|value)\.", r".attention.self.\1."),
        (r"\.attention\.out\.", ".attention.output.dense."),
        (r"(\d)\.norm\.", r"\1.attention.LayerNorm."),
        (r"\.unit_norm\.", ".LayerNorm."),
        (r"(\d)\.up\.", r"\1.intermediate.dense."),
        (r"(\d)\.down\.", r"\1.output.dense."),
        (r"^norm\.", "esm.encoder.emb_layer_norm_after."),
        (r"^head\.dense\.", "lm_head.dense."),
        (r"^head\.norm\.", "lm_head.layer_norm."),
        (r"^head\.bias$", "lm_head.bias"),
        (r"^head\.table$", "lm_head.decoder.weight"),
    ),
    copies=(("esm.embeddings.word_embeddings.weight", "lm_head.decoder.weight"),),
    # Positions that rotary attention does not read, a regression on contacts, and what is computed.
    leftovers=(
        "esm.embeddings.position_embeddings.weight",
        "esm.embeddings.position_ids",
        "esm.contact_head.regression.*",
        "*.rotary_embeddings.inv_freq",
    ),
)


def load(
    spec: ModelSpec, *, weights: Path | None, config: Mapping[str, Any] | None, device: str, seed: int | None
) -> Encoder:
    """A folder as the hub has it (config.json, vocab.txt, model.safetensors); `config` overrides single settings."""
    return load_adapted(ADAPTER, spec, weights=weights, config=config, device=device, seed=seed)
