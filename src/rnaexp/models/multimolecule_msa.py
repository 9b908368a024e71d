"""RNA-MSM in MultiMolecule's layout: the names of its axial layers are nearly the authors' own."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from rnaexp.errors import InputError
from rnaexp.models import rnamsm
from rnaexp.models import weights as files
from rnaexp.models.layouts import MSA, folder_of, prefix_of
from rnaexp.models.msa_encoder import AlignmentLetters, MsaEncoder
from rnaexp.models.msa_transformer import MsaTransformer, MsaTransformerConfig
from rnaexp.models.multimolecule_layouts import HEAD_FIXED
from rnaexp.models.spec import Encoder, ModelSpec
from rnaexp.models.vocabulary_file import FILE, read_ids, refuse_other_table

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
SETTINGS = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
    "layer_norm_eps",
    "pad_token_id",
    "embed_positions_msa",
    "max_tokens_per_msa",
)
FIXED = {
    **HEAD_FIXED,
    "hidden_act": "gelu",
    "lm_head.transform_act": "gelu",
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "tie_word_embeddings": True,
}
# `layer_type` of published files is "standard", though their layers are axial: the keys show which they are. The others
# are of layers that are not.
INERT = (
    "layer_type",
    "attention_type",
    "attention_bias",
    "num_features",
    "pkm_attention_heads",
    "num_product_keys",
    "pkm_topk",
    "pkm_head_size",
)
_LEFTOVERS = ("model.pooler.*", "*position_ids", "ss_head.*", "contact_head.*", "lm_head.decoder.bias")
_WORDS, _TABLE = "model.embeddings.word_embeddings.weight", "lm_head.decoder.weight"


def load_rnamsm(
    spec: ModelSpec,
    *,
    weights: Path,
    held: Mapping[str, Any],
    config: Mapping[str, Any],
    device: str,
    seed: int | None,
) -> Encoder:
    """The checkpoint; `config`: `max_rows`, how many rows of an alignment are read (512).

    Raises: InputError for keys, sizes or settings that do not fit.
    """
    own = dict(config)
    max_rows = int(own.pop("max_rows", rnamsm.MAX_ROWS))
    folder = folder_of(weights)
    values = {**held, **{f"lm_head.{name}": value for name, value in (held.get("lm_head") or {}).items()}}
    _refuse_other(values, own, folder / "config.json")
    letters = _letters(folder, values)
    network = _network(values, seed)
    if seed is None:
        path = files.only_file(weights, ["model.safetensors", "pytorch_model.bin"])
        state = _state(files.read_state(path))
        files.load_strictly(network, state, named=_named, allowed_leftovers=_LEFTOVERS, path=path)
    return MsaEncoder(
        network.to(device),
        spec=spec,
        letters=letters,
        max_rows=min(max_rows, network.config.max_rows),
        fingerprint=files.fingerprint_of_network(network),
    )


def _refuse_other(values: Mapping[str, Any], own: Mapping[str, Any], path: Path) -> None:
    for name, expected in FIXED.items():
        if values.get(name, expected) != expected:
            message = f"{name} = {values[name]!r}; only {expected!r} is read"
            raise InputError(message, path=path)
    if missing := [name for name in SETTINGS if values.get(name) is None]:
        message = f"does not say {missing[0]}"
        raise InputError(message, path=path)
    if own:
        message = f"unknown setting {sorted(own)[0]!r}; a checkpoint of this layout takes max_rows alone"
        raise InputError(message, path=path)


def _network(values: Mapping[str, Any], seed: int | None) -> MsaTransformer:
    """Its layers' norms have a fixed epsilon, those before, behind and in the letter head the stated ones."""
    eps = float(values["layer_norm_eps"])
    head_eps = float(values.get("lm_head.layer_norm_eps", eps))
    sizes = MsaTransformerConfig(
        vocab_size=int(values["vocab_size"]),
        hidden_size=int(values["hidden_size"]),
        num_hidden_layers=int(values["num_hidden_layers"]),
        num_attention_heads=int(values["num_attention_heads"]),
        intermediate_size=int(values["intermediate_size"]),
        max_position_embeddings=int(values["max_position_embeddings"]),
        max_rows=int(values["max_position_embeddings"]),
        row_positions="scalar" if values["embed_positions_msa"] else "none",
        tokens_per_chunk=int(values["max_tokens_per_msa"]),
        pad_token_id=int(values["pad_token_id"]),
        outer_eps=(eps, head_eps),
    )
    network = rnamsm.random_network(sizes, seed or 0)
    network.emb_layer_norm_before.eps = network.emb_layer_norm_after.eps = eps
    network.lm_head.layer_norm.eps = head_eps
    return network


def _state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Positions from 1 where MultiMolecule numbers from 2; the letters' table, which serves twice, under both names.

    Raises: InputError if it is there twice and not equal.
    """
    older = re.compile(rf"^{prefix_of(MSA)}\.")
    names = {key: older.sub("model.", key) for key in state}
    alone = not any(name.startswith("model.") for name in names.values())
    alike = {f"model.{name}" if alone else name: state[key] for key, name in names.items()}
    table = "model.embeddings.position_embeddings.weight"
    if table in alike:
        alike[table] = alike[table][1:].clone()
    if "lm_head.decoder.bias" in alike:
        alike.setdefault("lm_head.bias", alike["lm_head.decoder.bias"])
    if _WORDS in alike:
        files.drop_copy(alike, _WORDS, _TABLE, path=Path("lm_head"))
        alike[_TABLE] = alike[_WORDS]
    return alike


def _letters(folder: Path, values: Mapping[str, Any]) -> AlignmentLetters:
    ids, path = read_ids(folder), folder / FILE
    special = {"<pad>": values["pad_token_id"], "<mask>": values.get("mask_token_id")}
    refuse_other_table(ids, path, rows=int(values["vocab_size"]), stated=special)
    if missing := [token for token in (*"ACGUN-", "<cls>", "<pad>", "<mask>") if token not in ids]:
        message = f"lacks {missing[0]!r}"
        raise InputError(message, path=path)
    a, c, g, u, n, gap = (ids[letter] for letter in "ACGUN-")
    return AlignmentLetters(letters=(a, c, g, u, n, gap), first=ids["<cls>"], pad=ids["<pad>"], mask=ids["<mask>"])


def _named(key: str) -> str:
    for pattern, name in _NAMES:
        key = re.sub(pattern, name, key)
    return key
