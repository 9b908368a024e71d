"""Checkpoints in MultiMolecule's layout, read into the networks that are here: a table of names for each model type.

None of its code (AGPL-3.0) is imported or copied: which parameter is called what was read from its converters and from
checkpoints that it wrote (multimolecule 0.2.2). The layout is recognised by config.json; letters' ids are those of the
vocab.txt beside it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import BertForMaskedLM, EsmForMaskedLM

from rnaexp.models import ernie_rna, hyenadna, mosaic_bert, rinalmo, rnabert
from rnaexp.models.adapter import FOLDER, Adapter, Settings, load_adapted
from rnaexp.models.huggingface import resolution_of, tokens_of
from rnaexp.models.layouts import MSA
from rnaexp.models.multimolecule_msa import load_rnamsm
from rnaexp.models.spec import Encoder, ModelSpec
from rnaexp.models.tokens import Tokens
from rnaexp.models.vocabulary_file import read_ids, read_words

Config = Mapping[str, Any]

_SIZES = {name: name for name in ("num_hidden_layers", "num_attention_heads", "hidden_size")}
_ALIKE = ("vocab_size", "intermediate_size", "layer_norm_eps", "tie_word_embeddings", "pad_token_id")
# Heads for other tasks that its classes add or keep.
_LEFTOVERS = (
    "model.pooler.*",
    "*position_ids",
    "ss_head.*",
    "sa_head.*",
    "mfe_head.*",
    "structure_head.*",
    "contact_head.*",
    "lm_head.decoder.*",
)
_COPIES = (
    ("model.embeddings.word_embeddings.weight", "lm_head.decoder.weight"),
    ("lm_head.bias", "lm_head.decoder.bias"),
)
_HEAD = (
    (r"^head\.dense\.", "lm_head.transform.dense."),
    (r"^head\.norm\.", "lm_head.transform.layer_norm."),
    (r"^head\.bias$", "lm_head.bias"),
    (r"^head\.table$", "lm_head.decoder.weight"),
)
_ATTENTION = (
    (r"\.attention\.(query|key|value)\.", r".attention.self.\1."),
    (r"\.attention\.out\.", ".attention.output.dense."),
)


def load(spec: ModelSpec, *, weights: Path, config: Mapping[str, Any] | None, device: str, seed: int | None) -> Encoder:
    """The checkpoint, whatever row or folder name led to it.

    Raises: InputError for keys, sizes or settings that do not fit.
    """
    folder = weights if weights.is_dir() else weights.parent
    held = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if held["model_type"] == MSA:
        return load_rnamsm(spec, weights=weights, held=held, config=config, device=device)
    adapter = LAYOUTS[held["model_type"]](held)
    # What a row says of its authors' own file says nothing of this one.
    own = {key: value for key, value in (config or {}).items() if key not in (spec.settings or {})}
    bare = replace(spec, settings=None, has_attention=held["model_type"] != "hyenadna")
    encoder: Any = load_adapted(adapter, bare, weights=weights, config=own or None, device=device, seed=seed)
    encoder.spec = replace(encoder.spec, resolution=resolution_of(encoder.tokens))
    read: Encoder = encoder
    return read


def _named_alike(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """With `model.` before the body's names, which a headless checkpoint lacks, and the head's bias under one name."""
    headless = not any(key.startswith("model.") for key in state)
    alike = {f"model.{key}" if headless else key: tensor for key, tensor in state.items()}
    if "lm_head.decoder.bias" in alike:
        alike.setdefault("lm_head.bias", alike["lm_head.decoder.bias"])
    return alike


def _tokens(held: Config, letters: str, *, bare: bool = False) -> Callable[[Path, str], Tokens]:
    """Letters or words of `letters` between <cls> and <eos>, or between nothing where the authors have nothing."""
    around: dict[str, tuple[str, ...]] = {"before": () if bare else ("<cls>",), "after": () if bare else ("<eos>",)}
    return lambda folder, model: read_words(
        folder,
        model=model,
        letters=letters,
        neighbours=bool(held.get("codon")),
        pad="<pad>",
        mask="<mask>",
        **around,
    )


def _bert(
    held: Config, letters: str, *, changed: Callable[[Any], None] = lambda _: None, bare: bool = False
) -> Adapter:
    return Adapter(
        network=BertForMaskedLM,
        tokens=None,
        tokens_beside=_tokens(held, letters, bare=bare),
        checkpoints=FOLDER,
        sizes=_SIZES,
        settings={name: name for name in (*_ALIKE, "max_position_embeddings", "hidden_act", "type_vocab_size")},
        expected={"position_embedding_type": "absolute"},
        names=(
            (r"^bert\.", "model."),
            (r"LayerNorm", "layer_norm"),
            (r"^cls\.predictions\.bias$", "lm_head.bias"),
            (r"^cls\.predictions\.", "lm_head."),
        ),
        optional="lm_head.*",
        prepared=_named_alike,
        changed=changed,
        copies=_COPIES,
        leftovers=_LEFTOVERS,
    )


def _esm(held: Config, letters: str) -> Adapter:
    """RNA-FM, UTR-LM and CaLM: transformers' ESM."""
    absolute = held.get("position_embedding_type") == "absolute"
    rnafm = held["model_type"] == "rnafm"
    last_norm = "layer_norm" if rnafm else "emb_layer_norm_after"
    return Adapter(
        network=EsmForMaskedLM,
        tokens=None,
        tokens_beside=_tokens(held, letters),
        checkpoints=FOLDER,
        sizes=_SIZES,
        settings={
            name: name for name in (*_ALIKE, "token_dropout", "emb_layer_norm_before", "mask_token_id", "hidden_act")
        },
        expected={"embed_norm": True, "hidden_act": "gelu"},
        completed=partial(_esm_settings, positions="absolute" if absolute else "rotary", norm_before=rnafm),
        names=(
            (r"^esm\.encoder\.emb_layer_norm_after\.", f"model.encoder.{last_norm}."),
            (r"^esm\.", "model."),
            (r"LayerNorm", "layer_norm"),
            (r"^lm_head\.(dense|layer_norm)\.", r"lm_head.transform.\1."),
        ),
        computed=("*rotary_embeddings.inv_freq",),
        optional="lm_head.*",
        prepared=partial(_esm_state, held=held),
        measured=_positions,
        limited=absolute,
        changed=_without_contacts,
        copies=_COPIES,
        leftovers=_LEFTOVERS,
    )


def _positions(state: Mapping[str, Tensor]) -> Settings:
    table = state.get("model.embeddings.position_embeddings.weight")
    return {} if table is None else {"max_position_embeddings": table.shape[0]}


def _esm_settings(told: Settings, *, positions: str, norm_before: bool) -> Settings:
    return {"emb_layer_norm_before": norm_before, **told, "position_embedding_type": positions}


def _esm_state(state: Mapping[str, Tensor], *, held: Config) -> dict[str, Tensor]:
    """Positions from 1 where MultiMolecule numbers from 2, and CaLM's coordinates in ESM's order.

    CaLM turns neighbouring coordinates of a head by one angle, ESM the first half by the angles of the second.
    """
    alike = _named_alike(state)
    table = "model.embeddings.position_embeddings.weight"
    if table in alike:
        alike[table] = alike[table][1:].clone()
    if held["model_type"] == "calm":
        half = int(held["hidden_size"]) // int(held["num_attention_heads"]) // 2
        for key in [key for key in alike if ".attention.self.query." in key or ".attention.self.key." in key]:
            tensor = alike[key]
            alike[key] = tensor.view(-1, half, 2, *tensor.shape[1:]).transpose(1, 2).reshape(tensor.shape)
    return alike


def _without_contacts(network: Any) -> None:
    network.esm.contact_head = None


def _rinalmo(held: Config) -> Adapter:
    return replace(
        rinalmo.ADAPTER,
        tokens=None,
        tokens_beside=_tokens(held, "ACGUN"),
        checkpoints=FOLDER,
        sizes=_SIZES,
        settings={name: name for name in ("vocab_size", "token_dropout", "pad_token_id", "mask_token_id")},
        expected={
            "position_embedding_type": "rotary",
            "learnable_beta": True,
            "layer_norm_eps": 1e-5,
            "hidden_act": "gelu",
            "tie_word_embeddings": False,
        },
        names=(
            (r"^embedding\.", "model.embeddings.word_embeddings."),
            (r"^layers\.", "model.encoder.layer."),
            *_ATTENTION,
            (r"(\d)\.norm\.", r"\1.attention.layer_norm."),
            (r"\.out_norm\.", ".layer_norm."),
            (r"\.swish\.linear\.", ".intermediate.linear."),
            (r"\.swish\.gate\.", ".intermediate.linear_gate."),
            (r"\.swish\.slope$", ".intermediate.bias"),
            (r"\.down\.", ".output.dense."),
            (r"^norm\.", "model.encoder.layer_norm."),
            *_HEAD,
        ),
        optional="lm_head.*",
        prepared=_named_alike,
        leftovers=(*_LEFTOVERS[:-1], "lm_head.decoder.bias", "*inv_freq"),
    )


def _ernie_rna(_: Config) -> Adapter:
    """Its letters are put into the authors' order: the pairing of letters is part of the network."""
    return replace(
        ernie_rna.ADAPTER,
        checkpoints=FOLDER,
        sizes=_SIZES,
        settings={"intermediate_size": "intermediate_size"},
        inside=None,
        expected={
            "position_embedding_type": "sinusoidal",
            "pairwise_alpha": 0.8,
            "layer_norm_eps": 1e-5,
            "hidden_act": "gelu",
            "tie_word_embeddings": True,
        },
        names=(
            (r"^embedding\.", "model.embeddings.word_embeddings."),
            (r"^norm\.", "model.embeddings.layer_norm."),
            (r"^pair_in\.", "model.pairwise_bias_proj.dense1."),
            (r"^pair_out\.", "model.pairwise_bias_proj.dense2."),
            (r"^layers\.", "model.encoder.layer."),
            *_ATTENTION,
            (r"(\d)\.norm\.", r"\1.attention.output.layer_norm."),
            (r"\.out_norm\.", ".output.layer_norm."),
            (r"\.up\.", ".intermediate.dense."),
            (r"\.down\.", ".output.dense."),
            *_HEAD,
        ),
        optional="lm_head.*",
        reordered=_ernie_letters,
        leftovers=(*_LEFTOVERS, "model.embeddings.token_type_embeddings.*"),
    )


def _ernie_letters(state: Mapping[str, Tensor], folder: Path) -> dict[str, Tensor]:
    """Rows of the letters' table and of the head's bias in the authors' order; ids that nothing is fed as stay zero."""
    alike, theirs = _named_alike(state), read_ids(folder)
    tokens = ernie_rna.TOKENS
    ours = {"<cls>": tokens.before[0], "<pad>": tokens.pad, "<eos>": tokens.after[0], "<mask>": tokens.mask, "<unk>": 3}
    ours |= {letter: at for letter, at in tokens.ids.items() if letter != "N"}  # N is fed as <unk>
    for key in ("model.embeddings.word_embeddings.weight", "lm_head.bias"):
        if key in alike:
            old = alike[key]
            alike[key] = torch.zeros(ernie_rna.ErnieRnaConfig.vocab_size, *old.shape[1:])
            for token, at in ours.items():
                alike[key][at] = old[theirs[token]]
    return {key: tensor for key, tensor in alike.items() if key != "lm_head.decoder.weight"}


def _mosaic(_: Config) -> Adapter:
    """DNABERT-2 and DNABERT-S (which has no letter head), on the tokenizer of their folder."""
    return replace(
        mosaic_bert.ADAPTER,
        tokens_beside=lambda folder, model: tokens_of(folder, model=model),
        settings={name: name for name in (*_ALIKE, "type_vocab_size")},
        expected={"position_embedding_type": "alibi", "hidden_act": "gelu"},
        names=(
            (r"^embedding\.", "model.embeddings.word_embeddings."),
            (r"^kind\.", "model.embeddings.token_type_embeddings."),
            (r"^norm\.", "model.embeddings.layer_norm."),
            (r"^layers\.", "model.encoder.layer."),
            *_ATTENTION,
            (r"(\d)\.norm\.", r"\1.attention.output.layer_norm."),
            (r"\.unit_norm\.", ".mlp.layer_norm."),
            (r"(\d)\.up\.", r"\1.mlp.up_proj."),
            (r"(\d)\.down\.", r"\1.mlp.down_proj."),
            *_HEAD,
        ),
        optional="lm_head.*",
        prepared=_named_alike,
        copies=_COPIES,
        leftovers=_LEFTOVERS,
    )


_FILTER = "mixer.filter_fn."


def _hyenadna(held: Config) -> Adapter:
    """Positions, times and rates of its filters are computed, as they are here."""
    tied = bool(held.get("tie_word_embeddings", True))
    return replace(
        hyenadna.ADAPTER,
        tokens=None,
        tokens_beside=lambda folder, model: read_words(
            folder, model=model, letters="ACGTN", before=(), after=("<eos>",), pad="<pad>", mask="<mask>"
        ),
        sizes={name: name for name in ("hidden_size", "num_hidden_layers")},
        settings={
            "intermediate_size": "intermediate_size",
            "max_position_embeddings": "max_position_embeddings",
            "filter_order": "filter_order",
            "position_size": "filter_emb_dim",
            "frequency": "activation_freq",
            "layer_norm_eps": "layer_norm_eps",
            "pad_token_id": "pad_token_id",
        },
        expected={"hyena_order": 2, "short_filter_order": 3, "num_inner_mlps": 2, "train_freq": True, "use_bias": True},
        names=(
            (r"^embedding\.", "model.embeddings.word_embeddings."),
            (r"^norm\.", "model.final_layer_norm."),
            (r"^head\.", "lm_head."),
            (r"^layers\.", "model.layers."),
            *((pattern, name) for pattern, name in hyenadna.ADAPTER.names if not pattern.startswith("^")),
        ),
        computed=(f"*.{_FILTER}pos_emb.z", f"*.{_FILTER}pos_emb.t", f"*.{_FILTER}modulation.deltas"),
        optional="lm_head.*",
        prepared=partial(_hyena_state, tied=tied),
        measured=lambda state: {"vocab_size": state["model.embeddings.word_embeddings.weight"].shape[0]},
        leftovers=(),
    )


def _hyena_state(state: Mapping[str, Tensor], *, tied: bool) -> dict[str, Tensor]:
    alike = hyenadna.one_frequency(_named_alike(state))
    if tied and "lm_head.weight" not in alike:
        alike["lm_head.weight"] = alike["model.embeddings.word_embeddings.weight"].clone()
    return alike


# N only where the authors' own vocabulary has it: elsewhere its row was never trained.
LAYOUTS: Mapping[str, Callable[[Config], Adapter]] = {
    "splicebert": partial(_bert, letters="ACGUN"),
    "utrbert": partial(_bert, letters="ACGU"),
    "dnabert": partial(_bert, letters="ACGT"),
    "rnaernie": partial(_bert, letters="ACGU"),
    # Its authors put nothing round a sequence, and no activation into the letter head.
    "rnabert": partial(_bert, letters="ACGU", changed=rnabert.without_activation, bare=True),
    "rnafm": lambda held: _esm(held, "ACGU" if held.get("codon") else "ACGUN"),
    "utrlm": partial(_esm, letters="ACGU"),
    "calm": partial(_esm, letters="ACGU"),
    "rinalmo": _rinalmo,
    "ernierna": _ernie_rna,
    "dnabert2": _mosaic,
    "dnaberts": _mosaic,
    "hyenadna": _hyenadna,
}
