"""Checkpoints in MultiMolecule's layout, read into the networks that are here.

MultiMolecule (AGPL-3.0) publishes many models under names of its own: config.json, model.safetensors, vocab.txt. Only
those names are used, in `multimolecule_layouts`; none of its code is imported or copied. Letters' ids are those of the
vocab.txt next to the weights.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import BertForMaskedLM

from rnaexp.errors import InputError, UnavailableError
from rnaexp.models import hyenadna
from rnaexp.models.adapter import FOLDER, Adapter, Settings, load_adapted
from rnaexp.models.layouts import AIDO, GENERIC, MSA, folder_of, prefix_of
from rnaexp.models.multimolecule_layouts import HEAD_ACT, HEAD_EPS, LAYOUTS, Layout
from rnaexp.models.multimolecule_msa import load_rnamsm
from rnaexp.models.spec import Encoder, ModelSpec
from rnaexp.models.tokenizer import resolution_of, tokens_of
from rnaexp.models.tokens import Tokens, Vocabulary, Words
from rnaexp.models.vocabulary_file import FILE, Special, read_ids, refuse_other_table, words_of

Config = Mapping[str, Any]
State = Mapping[str, Tensor]

_WORDS = "model.embeddings.word_embeddings.weight"
_POSITIONS = "model.embeddings.position_embeddings.weight"
_TABLE = "lm_head.decoder.weight"
_COPIES = ((_WORDS, _TABLE),)
# Heads of other tasks that its classes add or keep, and buffers of older files.
LEFTOVERS = (
    "model.pooler.*",
    "*position_ids",
    "*inv_freq",
    "lm_head.decoder.bias",
    *(f"{task}_head.*" for task in ("ss", "sa", "mfe", "structure", "contact", "sequence", "token")),
)
_ERNIE_LEFTOVERS = ("model.embeddings.token_type_embeddings.*",)  # in the file, used by nothing
_BERT_EPS = 1e-12  # of a letter head of which config.json says nothing


def load(spec: ModelSpec, *, weights: Path, config: Config | None, device: str, seed: int | None) -> Encoder:
    """The checkpoint, whatever row or folder name led to it; with a seed, random weights of its sizes.

    Raises: InputError for another model than the row's, and for keys, sizes or settings that do not fit;
    UnavailableError for AIDO.RNA.
    """
    folder = folder_of(weights)
    held = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    kind = str(held["model_type"])
    if kind == AIDO:
        message = (
            f"{folder}: MultiMolecule's AIDO.RNA feeds U by a row of its authors' table that they never feed (they "
            "write T), so it is not read; its authors' own files are: --model aido-rna-650m"
        )
        raise UnavailableError(message)
    # What a row says of its authors' own file says nothing of this one.
    own = {key: value for key, value in (config or {}).items() if key not in (spec.settings or {})}
    bare = replace(spec, settings=None, reads="alignment" if kind == MSA else spec.reads)
    if kind == MSA:
        _refuse_another_model("rnaexp.models.rnamsm:load", spec, kind, folder)
        return load_rnamsm(bare, weights=weights, held=held, config=own, device=device, seed=seed)
    layout = LAYOUTS[kind]
    _refuse_another_model(layout.rows, spec, kind, folder)
    values = _values(layout, {**held, **own}, folder)
    if kind == "hyenadna":
        bare = replace(bare, has_attention=False)
    adapter = _adapter(layout, values, kind, folder)
    encoder: Any = load_adapted(adapter, bare, weights=weights, config=values, device=device, seed=seed)
    encoder.spec = _described(encoder, layout, values)
    read: Encoder = encoder
    return read


def _refuse_another_model(rows: str, spec: ModelSpec, kind: str, folder: Path) -> None:
    if spec.loader not in (rows, GENERIC):
        message = f"model_type {kind!r}: these are weights of another model than {spec.name}; --model FOLDER opens them"
        raise InputError(message, path=folder / "config.json")


def _values(layout: Layout, held: Config, folder: Path) -> Settings:
    """config.json with `lm_head.X` for what stands inside it, and what the letter head takes from elsewhere.

    Raises: InputError for a setting that is missing, or that asks for another network.
    """
    path = folder / "config.json"
    values = {**held, **{f"lm_head.{name}": value for name, value in (held.get("lm_head") or {}).items()}}
    for name, expected in layout.fixed.items():
        if values.get(name, expected) != expected:
            message = f"{name} = {values[name]!r}; only {expected!r} is read"
            raise InputError(message, path=path)
    if missing := [name for name in layout.stated if values.get(name) is None]:
        message = f"does not say {missing[0]}"
        raise InputError(message, path=path)
    eps = _BERT_EPS if layout.network is BertForMaskedLM else values["layer_norm_eps"]
    values["letter_norm_eps"] = eps if HEAD_EPS in layout.inert else values.get(HEAD_EPS, eps)
    values["letter_act"] = values.get("hidden_act") if HEAD_ACT in layout.inert else values.get(HEAD_ACT, "gelu")
    return values


def _adapter(layout: Layout, values: Settings, kind: str, folder: Path) -> Adapter:
    return Adapter(
        network=layout.network,
        tokens=None,
        tokens_from=partial(_tokens, layout=layout, values=values, bpe=kind in ("dnabert2", "dnaberts")),
        checkpoints=FOLDER,
        sizes={name: name for name in layout.sizes},
        settings={**layout.settings, "letter_norm_eps": "letter_norm_eps", "letter_act": "letter_act"},
        completed=partial(_completed, values=values, kind=kind, folder=folder),
        limited=layout.positions == "learnt",
        names=layout.names,
        prepared=partial(_prepared, layout=layout, values=values, kind=kind),
        measured=partial(_measured, layout=layout, values=values, kind=kind),
        changed=layout.changed,
        copies=_COPIES,
        leftovers=LEFTOVERS + (_ERNIE_LEFTOVERS if kind == "ernierna" else ()),
        computed=layout.computed,
        optional="lm_head.*",
        encoder=layout.encoder,
    )


def _completed(settings: Settings, *, values: Settings, kind: str, folder: Path) -> Settings:
    """With what a model type has beyond the settings that it shares with others."""
    if kind == "rnafm":  # its positions are numbered from 2, those here from 1; older files call the norm otherwise
        norms = (values.get("embed_norm"), values.get("emb_layer_norm_before"), True)
        norm = next(stated for stated in norms if stated is not None)
        rows = int(values["max_position_embeddings"]) - 1
        return {**settings, "emb_layer_norm_before": norm, "max_position_embeddings": rows}
    if kind == "ernierna":
        ids, width = read_ids(folder), int(values["num_attention_heads"]) // 2
        return {"pair_width": width, **settings, "pairing_letters": [ids.get(letter) for letter in "AUGC"]}
    if kind == "hyenadna":  # its table is filled up to a multiple
        rows, multiple = int(values["vocab_size"]), int(values.get("pad_vocab_size_multiple", 8))
        return {**settings, "vocab_size": -(-rows // multiple) * multiple}
    return settings


def _prepared(state: State, *, layout: Layout, values: Settings, kind: str) -> dict[str, Tensor]:
    """The file's tensors under the names and in the order that the networks here have."""
    alike = _named_alike(state, kind)
    if kind == "rnafm" and _POSITIONS in alike:
        alike[_POSITIONS] = alike[_POSITIONS][1:].clone()
    if kind == "calm":
        _turn_halves(alike, int(values["hidden_size"]) // int(values["num_attention_heads"]) // 2)
    if kind == "hyenadna":
        return _hyenadna(hyenadna.one_frequency(alike), tied=bool(values.get("tie_word_embeddings", True)))
    if layout.own_table and _is_tied(alike, values):
        return {key: tensor for key, tensor in alike.items() if not key.startswith("lm_head.")}
    return alike


def _named_alike(state: State, kind: str) -> dict[str, Tensor]:
    """`model.` before the body's names, where older files have the type and a body saved alone nothing."""
    older = re.compile(rf"^{re.escape(prefix_of(kind))}\.")
    names = {key: older.sub("model.", key) for key in state}
    alone = not any(name.startswith("model.") for name in names.values())
    alike = {f"model.{name}" if alone else name: state[key] for key, name in names.items()}
    alike = {re.sub(r"(bias_proj)\.0\.", r"\1.dense1.", key): tensor for key, tensor in alike.items()}
    alike = {re.sub(r"(bias_proj)\.2\.", r"\1.dense2.", key): tensor for key, tensor in alike.items()}
    if "lm_head.decoder.bias" in alike:  # one tensor, of which a file may hold either name
        alike.setdefault("lm_head.bias", alike["lm_head.decoder.bias"])
    return alike


def _turn_halves(state: dict[str, Tensor], half: int) -> None:
    """CaLM turns neighbouring coordinates of a head by one angle, ESM the first half by the angles of the second."""
    for key in [key for key in state if ".attention.self.query." in key or ".attention.self.key." in key]:
        tensor = state[key]
        state[key] = tensor.view(-1, half, 2, *tensor.shape[1:]).transpose(1, 2).reshape(tensor.shape)


def _hyenadna(state: dict[str, Tensor], *, tied: bool) -> dict[str, Tensor]:
    if tied and _WORDS in state:
        state.setdefault("lm_head.weight", state[_WORDS].clone())
    return state


def _is_tied(state: State, values: Settings) -> bool:
    """As config.json says; where it does not, by the file: a tied table is left out of it, or there twice."""
    if values.get("tie_word_embeddings") is not None:
        return bool(values["tie_word_embeddings"])
    table = state.get(_TABLE)
    return table is None or bool(_WORDS in state and table.equal(state[_WORDS]))


def _measured(state: State, *, layout: Layout, values: Settings, kind: str) -> Settings:
    if kind == "hyenadna":
        return {}
    found: Settings = {"tie_word_embeddings": _is_tied(state, values) and not layout.own_table}
    pair = state.get("model.pairwise_bias_proj.dense1.weight")
    return found if pair is None else {**found, "pair_width": pair.shape[0]}


def _tokens(folder: Path, model: str, *, layout: Layout, values: Settings, bpe: bool) -> Tokens:
    """Letters, k-mers or codons of vocab.txt, between the special tokens that the authors put round a sequence.

    Raises: InputError for a vocab.txt that is not this table's.
    """
    folder = folder_of(folder)
    if bpe:
        return tokens_of(folder, model=model, fast=True)
    ids, path = read_ids(folder), folder / FILE
    special = {"<pad>": values["pad_token_id"], "<mask>": values.get("mask_token_id")}
    refuse_other_table(ids, path, rows=values["vocab_size"], stated=special)
    return words_of(
        ids,
        path,
        model=model,
        letters=layout.letters,
        special=Special(layout.before, layout.after),
        neighbours=layout.codons or bool(values.get("codon")),
        as_unknown=layout.as_unknown,
    )


def _described(encoder: Any, layout: Layout, values: Settings) -> ModelSpec:
    """The row, or of a folder without one what config.json says: how many bases, and what a token is."""
    spec: ModelSpec = encoder.spec
    tokens: Tokens = encoder.tokens
    spec = replace(spec, resolution=resolution_of(tokens))
    if spec.max_bases is not None or layout.positions == "endless" or not isinstance(tokens, (Vocabulary, Words)):
        return spec
    limit = encoder.max_tokens if layout.positions == "learnt" else values.get("max_position_embeddings")
    if limit is None:
        return spec
    room = int(limit) - len(tokens.before) - len(tokens.after)
    return replace(spec, max_bases=room * tokens.k if isinstance(tokens, Words) else room + tokens.k - 1)
