"""RIBOSPAN: AIDO.RNA's network under other names, its norm always a layer norm, its letter head with a bias.

Source: Wang et al. 2026, arXiv:2608.22849; its code (ribospan/modeling.py, configuration.py, tokenization.py) was read,
no weights and no output of it were at hand. Only the models without stretched positions (rope_scaling) are read.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from torch import Tensor

from rnaexp.models import aido_rna
from rnaexp.models.adapter import Settings, load_adapted
from rnaexp.models.tokens import Tokens
from rnaexp.models.vocabulary_file import Special, read_words


def _as_aido(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {re.sub(r"^ribospan\.", "bert.", key): tensor for key, tensor in state.items()}


def _tokens(folder: Path, model: str) -> Tokens:
    special = Special(before=["[CLS]"], after=["[SEP]"], pad="[PAD]", mask="[MASK]")
    return read_words(folder, model=model, letters="ACGTN", special=special)


def _completed(settings: Settings) -> Settings:
    return {"letter_bias": True, "normalization_type": "LayerNorm", **settings}


ADAPTER = replace(
    aido_rna.ADAPTER,
    tokens=None,
    tokens_from=_tokens,
    expected={"hidden_act": "swiglu", "normalization_type": "LayerNorm", "rotary_percent": 1.0, "rope_scaling": None},
    prepared=_as_aido,
    completed=_completed,
)

load = partial(load_adapted, ADAPTER)
