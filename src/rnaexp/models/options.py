"""How a loaded model is run: in which numbers, and how a score of two tokens becomes scores of their bases."""

from typing import Any

import torch

from rnaexp.errors import InputError
from rnaexp.models.spec import Encoder
from rnaexp.models.weights import fingerprint

_KINDS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def with_options(encoder: Encoder, *, precision: str, token_pairs: str) -> Encoder:
    """The encoder, run like this. Attention is softmaxed and handed on in float32 whatever the precision.

    Weights of another precision are other weights: the fingerprint says so, and with it every stored result.

    Raises: InputError if the model has no weights to convert.
    """
    held: Any = encoder
    if precision != "fp32":
        if getattr(held, "network", None) is None:
            message = f"{encoder.spec.name} has no weights, so --precision {precision} means nothing"
            raise InputError(message)
        held.network.to(_KINDS[precision])
        held.fingerprint = fingerprint(held.fingerprint, precision)
    if encoder.spec.resolution != "base":  # where a token is a base there is nothing to choose
        held.token_pairs = token_pairs
    return encoder


def precision_of(encoder: Encoder) -> str:
    """fp32, bf16 or fp16."""
    known: str | None = getattr(encoder, "precision", None)  # of a model whose network is not built yet
    if known is not None:
        return known
    network = getattr(encoder, "network", None)
    kind = torch.float32 if network is None else next(network.parameters()).dtype
    return next(name for name, each in _KINDS.items() if each == kind)
