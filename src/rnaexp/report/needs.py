"""What each model of the catalogue would need on this machine: disk, memory, time."""

import time
from typing import Any

import torch

from rnaexp import models
from rnaexp.models.fetch import is_cached
from rnaexp.models.memory import map_bytes, weight_bytes
from rnaexp.models.spec import ModelSpec

BASES, RNAS = 100, 100  # what the times are given for
_SIDE = 1024  # of the matrices whose product is timed


def needs() -> list[dict[str, Any]]:
    """One row a model that has weights; None where a size is unknown."""
    rate = operations_per_second()
    rows = []
    for name in models.names():
        entry = models.spec(name)
        if entry.group != "baseline" and entry.proof_state != "by construction":
            rows.append(_row(entry, rate))
    return rows


def operations_per_second() -> float:
    """Multiplications and additions of float32 matrices, the best of five, as this machine does them now."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    one = torch.rand(_SIDE, _SIDE, device=device)
    best = 0.0
    for _ in range(5):
        start = time.perf_counter()
        float((one @ one)[0, 0])  # reading a number waits for the device
        best = max(best, 2 * _SIDE**3 / (time.perf_counter() - start))
    return best


def _row(entry: ModelSpec, rate: float) -> dict[str, Any]:
    weights = weight_bytes(entry)
    # Two operations a weight and token; attention itself is small compared with them at this length.
    seconds = None if weights is None else 2 * (weights / 4) * BASES * RNAS / rate
    maps = None if weights is None or entry.heads is None else weights + 2 * map_bytes(entry.heads, BASES)
    return {
        "name": entry.name,
        "disk_mb": _megabytes(weights),
        "memory_mb": _megabytes(maps),
        f"seconds_for_{RNAS}_rnas_of_{BASES}_bases": None if seconds is None else round(seconds, 1),
        "cached": {True: "yes", False: "no", None: "unknown"}[is_cached(entry)],
        "can_be_fetched": "no" if entry.unavailable else "yes",
    }


def _megabytes(amount: int | None) -> int | None:
    return None if amount is None else round(amount / 1e6)
