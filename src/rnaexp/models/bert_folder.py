"""Published models that are a transformers BERT folder: SpliceBERT, DNABERT, 3UTRBERT, and their untrained controls.

A folder (or hub repository) brings its own sizes and vocabulary; without one, random weights take the catalogue's.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rnaexp.models import huggingface
from rnaexp.models import weights as files
from rnaexp.models.encoder import TransformerEncoder
from rnaexp.models.spec import Encoder, ModelSpec
from rnaexp.models.streaming import IMPLEMENTATION, register
from rnaexp.models.tokens import Vocabulary

_SPECIAL = 5  # [PAD] [UNK] [CLS] [SEP] [MASK]


def load(
    spec: ModelSpec, *, weights: Path | None, config: Mapping[str, Any] | None, device: str, seed: int | None
) -> Encoder:
    """The folder; with a seed and no folder, random weights of the catalogue's sizes, `config` overriding them."""
    settings = dict(config or {})
    k = int(settings.pop("k", 1))
    if weights is not None or seed is None:
        return huggingface.load(spec, weights=weights, config=settings, device=device, seed=seed)
    tokens = _vocabulary(spec, k)
    network = _random(_sizes(spec, tokens, settings), seed)
    held: Any = network.config
    return TransformerEncoder(
        network.to(device),
        spec=replace(spec, layers=held.num_hidden_layers, heads=held.num_attention_heads, width=held.hidden_size),
        tokens=tokens,
        fingerprint=files.fingerprint(
            files.fingerprint_of_state(network.state_dict()), json.dumps(settings, sort_keys=True), tokens.fingerprint()
        ),
        max_tokens=held.max_position_embeddings,
    )


def _vocabulary(spec: ModelSpec, k: int) -> Vocabulary:
    """Words in their natural order: with random weights, the order of ids means nothing."""
    letters = "".join(sorted((spec.alphabet or "ACGU").replace("N", "")))
    words = ["".join(word) for word in product(letters, repeat=k)] + (["N"] if "N" in (spec.alphabet or "") else [])
    ids = {word: _SPECIAL + at for at, word in enumerate(words)}
    return Vocabulary(model=spec.name, ids=ids, k=k, before=(2,), after=(3,), pad=0, mask=4)


def _sizes(spec: ModelSpec, tokens: Vocabulary, settings: Mapping[str, Any]) -> dict[str, Any]:
    width = settings.get("hidden_size", spec.width)
    return {
        "vocab_size": _SPECIAL + len(tokens.ids),
        "num_hidden_layers": spec.layers,
        "num_attention_heads": spec.heads,
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "max_position_embeddings": (spec.max_bases or 510) - tokens.k + 1 + 2,
        "pad_token_id": tokens.pad,
        **settings,
    }


def _random(sizes: Mapping[str, Any], seed: int) -> nn.Module:
    from transformers import BertConfig, BertForMaskedLM

    register()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: nn.Module = BertForMaskedLM._from_config(BertConfig(**sizes), attn_implementation=IMPLEMENTATION)
    return network
