"""How much memory a model and one RNA need, before anything is loaded."""

import os
import re
from typing import Any

import psutil
import torch

from rnaexp.errors import UnavailableError
from rnaexp.models.spec import ModelSpec

_FLOAT = 4  # bytes


def weight_bytes(spec: ModelSpec) -> int | None:
    """Bytes of an encoder's weights in float32, as its authors count them, else from its sizes; None where unknown.

    From sizes: four projections and an inner layer, four times as wide unless the row says otherwise; letters and norms
    are small compared with them.
    """
    stated = re.fullmatch(r"~?([\d.]+)([MB])", spec.parameters or "")
    if stated is not None:
        return int(float(stated[1]) * {"M": 1e6, "B": 1e9}[stated[2]]) * _FLOAT
    if spec.layers is None or spec.width is None or spec.group == "baseline":
        return None
    inner = int((spec.settings or {}).get("intermediate_size", 4 * spec.width))
    return spec.layers * (4 * spec.width**2 + 2 * inner * spec.width) * _FLOAT


def map_bytes(heads: int, bases: int) -> int:
    """Bytes of one layer's maps, which is all that ever exists of them."""
    return heads * bases**2 * _FLOAT


def peak_bytes(encoder: Any, bases: int) -> int:
    """Weights, one layer's maps twice (scores and the reader's copy), and the hidden states of one RNA."""
    network = getattr(encoder, "network", None)
    weights = 0 if network is None else sum(each.numel() * each.element_size() for each in network.parameters())
    return int(weights) + 2 * map_bytes(encoder.heads, bases) + 8 * bases * (encoder.spec.width or 0) * _FLOAT


def refuse_too_large(spec: ModelSpec, device: str) -> None:
    """Say before loading that the weights cannot fit, instead of dying half-way.

    Loading holds the file's tensors and the network's at once. RNAEXP_IGNORE_MEMORY=1 tries all the same.

    Raises: UnavailableError.
    """
    needed = weight_bytes(spec)
    if needed is None or os.environ.get("RNAEXP_IGNORE_MEMORY"):
        return
    free = psutil.virtual_memory().available
    where = "memory"
    if device.startswith("cuda"):
        free, where = min(free, torch.cuda.mem_get_info(device)[0]), "GPU memory"
    if 2 * needed > free and needed > 2**28:
        message = (
            f"{spec.name}: needs about {2 * needed / 1e9:.1f} GB of {where} to load, {free / 1e9:.1f} GB are free; "
            "take a smaller model or a larger machine, or try with RNAEXP_IGNORE_MEMORY=1"
        )
        raise UnavailableError(message)
