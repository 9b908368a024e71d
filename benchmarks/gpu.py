"""A GPU in a few minutes: are its tables those of the CPU, and what does reading every head cost on it?

    python benchmarks/gpu.py                       # writes tracking/results/benchmark_gpu.csv, with the card's name
    python benchmarks/gpu.py --device cpu --toy    # shows that it runs, measures nothing

A model of RNA-FM's size with random weights. `differs`: the largest difference of a pair's score from the CPU's in
float32, on the pairs that both keep; `kept by both`: their share. Times are medians over rounds, the device waited for.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import pandas as pd
import torch
import typer
from structure import RNA_FM, TOY, random_rna, tuning_pass, write_checkpoint

from rnaexp.models import load
from rnaexp.models.memory import peak_bytes
from rnaexp.rna import Rna

RESULTS = Path(__file__).parents[1] / "tracking" / "results" / "benchmark_gpu.csv"
BASES, GOAL = (128, 512), 1.3  # of the tuning pass, in bare forward passes in bf16 at 512 bases
ROUNDS = 9


def main(
    device: Annotated[str, typer.Option(help="cuda, cuda:1, ...")] = "cuda",
    csv: Path = RESULTS,
    toy: Annotated[bool, typer.Option("--toy", help="A tiny model, and no file.")] = False,
) -> None:
    plan = TOY if toy else RNA_FM
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        write_checkpoint(Path(folder), plan.network)
        cpu: Any = load(folder, device="cpu")
        rows = []
        for precision in ("fp32", "bf16"):
            encoder: Any = load(folder, device=device, precision=precision)
            rows += [
                {"device": named(device), "precision": precision, "bases": bases}
                | compared(cpu, encoder, random_rna(bases))
                | timed(encoder, random_rna(bases), device)
                for bases in (plan.bases if toy else BASES)
            ]
    table = pd.DataFrame(rows)
    sys.stdout.write(table.to_string(index=False) + "\n")
    if not toy:
        csv.write_text(table.to_csv(index=False))


def named(device: str) -> str:
    """The card's own name."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def compared(cpu: Any, encoder: Any, rna: Rna) -> dict[str, float]:
    """The table of every head's best pairs against the CPU's in float32."""
    here, there = tuning_pass(cpu, rna), tuning_pass(encoder, rna)
    most, both, every = 0.0, 0, 0
    for mine, mine_at, theirs, theirs_at in zip(
        here["scores"], here["indices"], there["scores"], there["indices"], strict=True
    ):
        mine, theirs = mine[mine_at >= 0].astype(np.float64), theirs[theirs_at >= 0].astype(np.float64)
        _, first, second = np.intersect1d(mine_at[mine_at >= 0], theirs_at[theirs_at >= 0], return_indices=True)
        most = max(most, float(np.abs(mine[first] - theirs[second]).max(initial=0)))
        both, every = both + len(first), every + len(mine)
    return {"differs": most, "kept by both": round(both / every, 6)}


def timed(encoder: Any, rna: Rna, device: str) -> dict[str, float | str | None]:
    """Medians in milliseconds, their ratio, and the most memory of the device that a tuning pass held."""
    body, ids = encoder.network.base_model, torch.tensor([encoder.tokens.encode(rna).ids], device=device)
    of_pass, of_forward = [], []
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
    for done in range(ROUNDS + 1):
        body.set_attn_implementation("sdpa")
        bare = seconds(lambda: body(ids), device)
        body.set_attn_implementation("rnaexp")
        whole = seconds(lambda: tuning_pass(encoder, rna), device)
        if done:  # the first compiles and warms up
            of_forward.append(bare)
            of_pass.append(whole)
    ratio = median(of_pass) / median(of_forward)
    return {
        "forward_ms": round(1000 * median(of_forward), 3),
        "tuning_ms": round(1000 * median(of_pass), 3),
        "ratio": round(ratio, 3),
        "goal": GOAL,
        "met": "yes" if ratio <= GOAL else "NO",
        "estimate_mb": round(peak_bytes(encoder, len(rna)) / 2**20, 1),
        "peak_mb": round(torch.cuda.max_memory_allocated(device) / 2**20, 1) if device.startswith("cuda") else None,
    }


def seconds(run: Callable[[], object], device: str) -> float:
    """Wall time of one run, until the device has done it."""
    start = time.perf_counter()
    run()
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


if __name__ == "__main__":
    typer.run(main)
