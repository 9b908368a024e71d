"""RNABERT: the authors' checkpoint put, name by name, into transformers' BERT.

Source: Akiyama and Sakakibara 2022, doi:10.1093/nargab/lqac012; code mana438/RNABERT.
The authors pad every RNA to 440 without a mask, so their outputs depend on the padding. Here nothing is padded, or
padding is masked.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rnaexp.data.download import file_sha256
from rnaexp.errors import InputError, UnavailableError
from rnaexp.models import weights as files
from rnaexp.models.encoder import TransformerEncoder
from rnaexp.models.fetch import weights_or_published
from rnaexp.models.spec import Encoder, ModelSpec
from rnaexp.models.streaming import IMPLEMENTATION, register
from rnaexp.models.tokens import Vocabulary

CHECKPOINT = "bert_mul_2.pth"
SETTINGS = "RNA_bert_config.json"  # the authors', where it lies next to the weights
OURS = "model.safetensors"  # as save_pretrained names it

# MASK 1 and these letters, nothing else: their data loader drops every sequence with another letter.
VOCABULARY = Vocabulary(model="rnabert", ids={"A": 2, "U": 3, "G": 4, "C": 5}, pad=0, mask=1)

_INNER, _POSITIONS = 40, 440  # RNA_bert_config.json

# Trained for other tasks: pooling, secondary-structure states, next sentence.
LEFTOVERS = ("bert.pooler.dense.*", "cls.predictions_ss.*", "cls.seq_relationship.*")

_AUTHORS_NAMES = (
    (re.compile(r"\.attention\.self\."), ".attention.selfattn."),
    (re.compile(r"\.LayerNorm\.weight$"), ".LayerNorm.gamma"),
    (re.compile(r"\.LayerNorm\.bias$"), ".LayerNorm.beta"),
    (re.compile(r"\.decoder\.bias$"), ".bias"),  # transformers holds this one under both names
)


def load(
    spec: ModelSpec, *, weights: Path | None, config: Mapping[str, Any] | None, device: str, seed: int | None
) -> Encoder:
    """The published weights, a user's own in the same layout, or (with a seed) random ones of the same sizes."""
    path = _checkpoint(spec, weights) if seed is None else None
    sizes = _sizes(spec, path) if config is None else _complete(config)
    network = _network(sizes, seed)
    if path is not None:
        _fill(network, path)
    print_of_weights = files.fingerprint_of_state(network.state_dict()) if path is None else file_sha256(path)
    settings: Any = network.config
    return TransformerEncoder(
        network.to(device),
        spec=replace(
            spec,
            layers=settings.num_hidden_layers,
            heads=settings.num_attention_heads,
            width=settings.hidden_size,
            max_bases=settings.max_position_embeddings,
        ),
        tokens=VOCABULARY,
        fingerprint=files.fingerprint(
            print_of_weights, json.dumps(dict(sizes), sort_keys=True), VOCABULARY.fingerprint()
        ),
        max_tokens=settings.max_position_embeddings,
    )


def _checkpoint(spec: ModelSpec, weights: Path | None) -> Path:
    return files.only_file(weights_or_published(spec, weights), [CHECKPOINT, OURS])


def _sizes(spec: ModelSpec, path: Path | None) -> Mapping[str, Any]:
    """From the file next to the weights, the authors' or the one that transformers writes, else the published ones.

    Raises: InputError where transformers wrote the weights and the file is not there.
    """
    names = () if path is None else ("config.json",) if path.name == OURS else (SETTINGS, "config.json")
    for name in names:
        if path is not None and (source := path.with_name(name)).is_file():
            sizes: dict[str, Any] = json.loads(source.read_text())
            return sizes
    if path is not None and path.name == OURS:
        message = "no config.json next to it"
        raise InputError(message, path=path)
    return _catalogue_sizes(spec)


def _fill(network: nn.Module, path: Path) -> None:
    # The authors saved the model inside DataParallel, which puts "module." before each name.
    state = {key.removeprefix("module."): tensor for key, tensor in files.read_state(path).items()}
    if any(".selfattn." in key for key in state):
        files.load_strictly(network, state, named=_authors_name, allowed_leftovers=LEFTOVERS, path=path)
    else:
        files.load_strictly(network, state, path=path)


def _complete(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """With the published inner width and positions where none are given.

    Raises: UnavailableError naming the size that is missing.
    """
    sizes = {"intermediate_size": _INNER, "max_position_embeddings": _POSITIONS, **config}
    width = ("multiple",) if "hidden_size" not in sizes else ()
    for name in ("num_hidden_layers", "num_attention_heads", *width):
        if name not in sizes:
            message = f"rnabert: {name} is not known; give num_hidden_layers, num_attention_heads and hidden_size"
            raise UnavailableError(message)
    return sizes


def _catalogue_sizes(spec: ModelSpec) -> Mapping[str, Any]:
    return {
        "num_hidden_layers": spec.layers,
        "num_attention_heads": spec.heads,
        "hidden_size": spec.width,
        "intermediate_size": _INNER,
        "max_position_embeddings": spec.max_bases,
    }


def _network(sizes: Mapping[str, Any], seed: int | None) -> nn.Module:
    """BERT of these sizes; the published file gives the width as heads x `multiple`."""
    from transformers import BertConfig, BertForMaskedLM

    register()
    heads = sizes["num_attention_heads"]
    config = BertConfig(
        vocab_size=sizes.get("vocab_size", 6),
        hidden_size=sizes.get("hidden_size") or heads * sizes["multiple"],
        num_hidden_layers=sizes["num_hidden_layers"],
        num_attention_heads=heads,
        intermediate_size=sizes["intermediate_size"],
        max_position_embeddings=sizes["max_position_embeddings"],
        type_vocab_size=sizes.get("type_vocab_size", 2),
        initializer_range=sizes.get("initializer_range", 0.02),
        pad_token_id=VOCABULARY.pad,
        tie_word_embeddings=False,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed or 0)
        network: Any = BertForMaskedLM._from_config(config, attn_implementation=IMPLEMENTATION)
    without_activation(network)
    module: nn.Module = network
    return module


def without_activation(network: Any) -> None:
    """The authors' letter head has no activation."""
    network.cls.predictions.transform.transform_act_fn = nn.Identity()


def _authors_name(key: str) -> str:
    """What the authors' checkpoint calls a parameter of transformers' BERT."""
    for pattern, name in _AUTHORS_NAMES:
        key = pattern.sub(name, key)
    return key
