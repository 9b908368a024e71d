"""`predict_contacts` of fair-esm, against our answer from one head: random weights of one size, one RNA at a time.

fair-esm (`pip install fair-esm==2.0.0`, which rnaexp does not need) computes every layer, keeps every map, and applies
its regression; we run the layers up to the head's, and give pairs and a structure. Processor time; ways take turns.
Prints the ratios, and writes them to tracking/results/benchmark_fair_esm.csv.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import esm
import pandas as pd
import torch
import typer
from serve import head
from structure import random_rna, write_checkpoint

from rnaexp.models import load
from rnaexp.structure.predict import predict_one

RESULTS = Path(__file__).parents[1] / "tracking" / "results" / "benchmark_fair_esm.csv"
NETWORK = (12, 20, 480, 1920)  # esm2_t12_35M
GOAL = 2.0


def main(csv: Path = RESULTS, rounds: int = 7) -> None:
    theirs = esm.ESM2(num_layers=NETWORK[0], embed_dim=NETWORK[2], attention_heads=NETWORK[1]).eval()
    rows = []
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        write_checkpoint(Path(folder), NETWORK)
        encoder: Any = load(folder, device="cpu")
        for layer in (NETWORK[0] // 2 - 1, NETWORK[0] - 1):
            tuned = head(encoder, layer)
            for bases in (100, 300):
                rna = random_rna(bases)
                tokens = torch.tensor([[0, *[4 + "ACGU".index(letter) for letter in rna.sequence], 2]])
                ways: dict[str, Callable[[], object]] = {
                    "fair_esm": lambda tokens=tokens: theirs.predict_contacts(tokens),
                    "ours": lambda rna=rna, tuned=tuned: predict_one(encoder, rna, tuned),
                }
                taken: dict[str, list[float]] = {way: [] for way in ways}
                for at in range(rounds + 1):
                    for way, run in ways.items():
                        start = time.process_time()
                        run()
                        taken[way] += [time.process_time() - start] if at else []
                ratio = min(taken["fair_esm"]) / min(taken["ours"])
                rows.append(
                    {
                        "bases": bases,
                        "layer": layer,
                        **{f"{way}_ms": round(1000 * min(times), 2) for way, times in taken.items()},
                        "ratio": round(ratio, 2),
                        "goal": GOAL,
                        "met": "yes" if ratio >= GOAL else "NO",
                        "threads": torch.get_num_threads(),
                        "load": round(os.getloadavg()[0], 2),
                    }
                )
                sys.stdout.write(f"{bases} bases, head in layer {layer}: fair-esm takes {ratio:.2f} times ours\n")
    csv.write_text(pd.DataFrame(rows).to_csv(index=False))


if __name__ == "__main__":
    typer.run(main)
