"""`rnaexp predict` on a file of many RNAs, against a bucketed batch loop in plain transformers that reads one head.

The model of structure.py. The loop: RNAs sorted by length, batches under a budget of tokens, eager attention, and one
head's map of each RNA, nothing more. Ours: letters to files (pairs, structures, the store). Processor time; ways take
turns. Prints the ratios, and writes them to tracking/results/benchmark_predict.csv.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import typer
from serve import head
from structure import RNA_FM, TOY, write_checkpoint

from rnaexp.data.own import read_own
from rnaexp.experiment.predictions import write_predictions
from rnaexp.models import load
from rnaexp.rna import Rna
from rnaexp.tasks.pairs.settings import PredictSettings

RESULTS = Path(__file__).parents[1] / "tracking" / "results" / "benchmark_predict.csv"
SHORTEST, LONGEST, TOKENS, GOAL = 40, 200, 1024, 0.6


def main(rnas: int = 2000, rounds: int = 3, csv: Path = RESULTS, *, quick: bool = False) -> None:
    sequences = different_sequences(rnas)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_checkpoint(place / "model", (TOY if quick else RNA_FM).network)
        encoder: Any = load(str(place / "model"), device="cpu")
        (place / "own.fa").write_text("".join(f">r{at}\n{sequence}\n" for at, sequence in enumerate(sequences)))
        own = read_own(place / "own.fa")
        for layer in (encoder.layers // 2 - 1, encoder.layers - 1):
            tuned = head(encoder, layer)
            at = 0

            def ours(tuned: Any = tuned) -> None:
                nonlocal at
                at += 1
                os.environ["RNAEXP_STORE"] = str(place / f"store {tuned.layer} {at}")  # nothing is known yet
                out = place / f"out {tuned.layer} {at}"
                out.mkdir()
                write_predictions(own, out, tuned, encoder, formats=(), settings=PredictSettings())

            ways = {"ours": ("rnaexp", ours), "plain": ("eager", lambda tuned=tuned: plain(encoder, own.rnas, tuned))}
            taken: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(rounds):
                for way, how in ways.items():
                    taken[way].append(seconds(encoder, *how))
            ratio = min(taken["ours"]) / min(taken["plain"])
            rows.append(
                {
                    "layer": layer,
                    "layers": encoder.layers,
                    "rnas": rnas,
                    **{f"{way}_ms_an_rna": round(1000 * min(times) / rnas, 2) for way, times in taken.items()},
                    "ratio": round(ratio, 3),
                    "goal": GOAL,
                    "met": "yes" if ratio <= GOAL else "NO",
                    "threads": torch.get_num_threads(),
                    "load": round(os.getloadavg()[0], 2),
                }
            )
            sys.stdout.write(
                f"head in layer {layer} of {encoder.layers}: {ratio:.2f} of the plain loop (goal {GOAL})\n"
            )
    csv.write_text(pd.DataFrame(rows).to_csv(index=False))


def different_sequences(count: int) -> list[str]:
    """Random letters: of an RNA that occurs twice, ours would find the first one's result in the store."""
    draw = np.random.default_rng(0)
    found = ["".join(draw.choice(list("ACGU"), bases)) for bases in draw.integers(SHORTEST, LONGEST + 1, count)]
    if len(set(found)) < count:
        message = "two sequences are equal; take another seed"
        raise ValueError(message)
    return found


def seconds(encoder: Any, attention: str, run: Callable[[], object]) -> float:
    """Processor time."""
    encoder.network.base_model.set_attn_implementation(attention)
    start = time.process_time()
    run()
    taken = time.process_time() - start
    encoder.network.base_model.set_attn_implementation("rnaexp")
    return taken


@torch.inference_mode()
def plain(encoder: Any, rnas: Sequence[Rna], tuned: Any) -> list[np.ndarray]:
    """One head's map of each RNA, in the order of their lengths."""
    found = []
    for batch in bucketed(sorted(rnas, key=len)):
        ids = [encoder.tokens.encode(rna).ids for rna in batch]
        most = max(map(len, ids))
        padded = torch.tensor([[*one, *[1] * (most - len(one))] for one in ids])
        maps = encoder.network.base_model(
            padded, attention_mask=(padded != 1).long(), output_attentions=True
        ).attentions[tuned.layer][:, tuned.head]
        found += [one[1 : len(rna) + 1, 1 : len(rna) + 1].numpy() for one, rna in zip(maps, batch, strict=True)]
    return found


def bucketed(rnas: Sequence[Rna]) -> list[list[Rna]]:
    """Batches of up to `TOKENS` tokens, padding included, of RNAs that are sorted by length."""
    batches: list[list[Rna]] = [[]]
    for rna in rnas:
        if (len(batches[-1]) + 1) * (len(rna) + 2) > TOKENS:
            batches.append([])
        batches[-1].append(rna)
    return [batch for batch in batches if batch]


if __name__ == "__main__":
    typer.run(main)
