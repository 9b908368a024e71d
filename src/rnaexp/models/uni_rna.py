"""Uni-RNA: transformers' ESM with rotary positions and a norm before the first layer, three times as wide inside.

Source: Wang et al. 2023, doi:10.1101/2023.07.11.548588; its package unirna_tf (config.py, model.py: EsmForMaskedLM with
its own configuration), its converter and its upload script were read; no weights were at hand.
"""

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import EsmForMaskedLM

from rnaexp.models.adapter import FOLDER, Adapter, load_adapted
from rnaexp.models.tokens import Tokens
from rnaexp.models.vocabulary_file import Special, read_words

_SIZES = ("num_hidden_layers", "num_attention_heads", "hidden_size")
_SETTINGS = (
    "vocab_size",
    "intermediate_size",
    "max_position_embeddings",
    "layer_norm_eps",
    "emb_layer_norm_before",
    "token_dropout",
    "pad_token_id",
    "mask_token_id",
    "tie_word_embeddings",
)


def _named_alike(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The body's names with `esm.` before them, however the folder that holds them calls it."""
    return {
        key if key.startswith("lm_head.") else re.sub(r"^(esm\.|unirna\.)?", "esm.", key): tensor
        for key, tensor in state.items()
    }


def _without_contacts(network: Any) -> None:
    network.esm.contact_head = None


def _tokens(folder: Path, model: str) -> Tokens:
    return read_words(folder, model=model, letters="ACGUN", special=Special(before=["<cls>"], after=["<eos>"]))


ADAPTER = Adapter(
    network=EsmForMaskedLM,
    tokens=None,
    tokens_from=_tokens,
    checkpoints=FOLDER,
    sizes={name: name for name in _SIZES},
    settings={name: name for name in _SETTINGS},
    expected={"position_embedding_type": "rotary"},
    completed=lambda values: {
        "vocab_size": 10,
        "intermediate_size": 3 * values["hidden_size"],
        "max_position_embeddings": 1026,
        "layer_norm_eps": 1e-5,
        "emb_layer_norm_before": True,
        "token_dropout": True,
        "pad_token_id": 0,
        "mask_token_id": 4,
        "tie_word_embeddings": False,
        **values,
        "position_embedding_type": "rotary",
    },
    names=(),
    prepared=_named_alike,
    changed=_without_contacts,
    limited=False,
    leftovers=("esm.contact_head.regression.*", "*rotary_embeddings.inv_freq", "*position_ids", "esm.pooler.dense.*"),
)

load = partial(load_adapted, ADAPTER)
