"""RNA-MSM in MultiMolecule's layout: the names of its axial layers are nearly the authors' own."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from rnaexp.errors import InputError
from rnaexp.models import rnamsm
from rnaexp.models import weights as files
from rnaexp.models.msa_encoder import AlignmentLetters, MsaEncoder
from rnaexp.models.msa_transformer import MsaTransformerConfig
from rnaexp.models.spec import Encoder, ModelSpec
from rnaexp.models.vocabulary_file import read_ids

_NAMES = (
    (r"^embed_tokens\.", "model.embeddings.word_embeddings."),
    (r"^embed_positions\.", "model.embeddings.position_embeddings."),
    (r"^msa_position_embedding$", "model.embeddings.msa_embeddings"),
    (r"^emb_layer_norm_before\.", "model.embeddings.layer_norm."),
    (r"^layers\.", "model.encoder.layer."),
    (r"^emb_layer_norm_after\.", "model.encoder.layer_norm."),
    (r"^lm_head\.(dense|layer_norm)\.", r"lm_head.transform.\1."),
    (r"^lm_head\.weight$", "lm_head.decoder.weight"),
)
_EXPECTED = {
    "layer_type": "axial",
    "attention_type": "standard",
    "attention_bias": True,
    "embed_positions_msa": True,
    "hidden_act": "gelu",
    "tie_word_embeddings": True,
}
_LEFTOVERS = ("model.pooler.*", "*position_ids", "ss_head.*", "contact_head.*", "lm_head.decoder.bias")


def load_rnamsm(
    spec: ModelSpec, *, weights: Path, held: Mapping[str, Any], config: Mapping[str, Any] | None, device: str
) -> Encoder:
    """The checkpoint; `config`: `max_rows`, how many rows of an alignment are read (512).

    Raises: InputError for keys, sizes or settings that do not fit.
    """
    told = dict(config or {})
    max_rows = int(told.pop("max_rows", rnamsm.MAX_ROWS))
    folder = weights if weights.is_dir() else weights.parent
    _refuse_other(held, {key: value for key, value in told.items() if key not in (spec.settings or {})}, folder)
    path = weights if weights.is_file() else files.only_file(weights, ["model.safetensors", "pytorch_model.bin"])
    state = _state(files.read_state(path))
    letters = _letters(folder)
    network = rnamsm.random_network(_sizes(held, state, letters), 0)
    files.load_strictly(network, state, named=_named, allowed_leftovers=_LEFTOVERS, path=path)
    return MsaEncoder(
        network.to(device),
        spec=spec,
        letters=letters,
        max_rows=min(max_rows, network.config.max_rows),
        fingerprint=files.fingerprint(
            files.fingerprint_of_state(network.state_dict()), json.dumps(network.config.to_dict(), sort_keys=True)
        ),
    )


def _refuse_other(held: Mapping[str, Any], told: Mapping[str, Any], folder: Path) -> None:
    for name, expected in _EXPECTED.items():
        if held.get(name, expected) != expected:
            message = f"{name} = {held[name]!r}; only {expected!r} is read"
            raise InputError(message, path=folder / "config.json")
    if told:
        message = f"unknown setting {sorted(told)[0]!r}; a checkpoint of this layout takes max_rows alone"
        raise InputError(message, path=folder / "config.json")


def _state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Positions from 1 where MultiMolecule numbers from 2; the letters' table, which serves twice, under both names."""
    headless = not any(key.startswith("model.") for key in state)
    alike = {f"model.{key}" if headless else key: tensor for key, tensor in state.items()}
    table = "model.embeddings.position_embeddings.weight"
    if table in alike:
        alike[table] = alike[table][1:].clone()
    if "lm_head.decoder.bias" in alike:
        alike.setdefault("lm_head.bias", alike["lm_head.decoder.bias"])
    words = alike.get("model.embeddings.word_embeddings.weight")
    if words is not None:
        alike.setdefault("lm_head.decoder.weight", words)
    return alike


def _letters(folder: Path) -> AlignmentLetters:
    ids = read_ids(folder)
    if missing := [token for token in (*"ACGUN-", "<cls>", "<pad>", "<mask>") if token not in ids]:
        message = f"vocab.txt lacks {missing[0]!r}"
        raise InputError(message, path=folder)
    a, c, g, u, n, gap = (ids[letter] for letter in "ACGUN-")
    return AlignmentLetters(letters=(a, c, g, u, n, gap), first=ids["<cls>"], pad=ids["<pad>"], mask=ids["<mask>"])


def _sizes(held: Mapping[str, Any], state: Mapping[str, Tensor], letters: AlignmentLetters) -> MsaTransformerConfig:
    shapes = {key: tensor.shape for key, tensor in state.items()}
    positions = shapes.get("model.embeddings.position_embeddings.weight", (int(held["max_position_embeddings"]) + 1,))
    rows = shapes.get("model.embeddings.msa_embeddings", (1, 1024, 1, 1))
    return MsaTransformerConfig(
        vocab_size=int(held["vocab_size"]),
        hidden_size=int(held["hidden_size"]),
        num_hidden_layers=int(held["num_hidden_layers"]),
        num_attention_heads=int(held["num_attention_heads"]),
        intermediate_size=int(held["intermediate_size"]),
        max_position_embeddings=int(positions[0]) - letters.pad - 1,
        max_rows=int(rows[1]),
        tokens_per_chunk=int(held.get("max_tokens_per_msa", 2**14)),
        layer_norm_eps=float(held["layer_norm_eps"]),
        pad_token_id=letters.pad,
    )


def _named(key: str) -> str:
    for pattern, name in _NAMES:
        key = re.sub(pattern, name, key)
    return key
