"""The cost of noting what each head attends to while the maps of a tuning pass stream by: processor time, interleaved.

    python benchmarks/atlas.py tracking/results/benchmark_atlas.csv

A random network of RNA-FM's size; `of_pass` is the median of the ratios within a round.
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
import torch
from structure import READING, RNA_FM, random_rna, tuning_pass, write_checkpoint

from rnaexp.models import load
from rnaexp.models.encoder import TransformerEncoder
from rnaexp.rna import Rna
from rnaexp.structure.atlas import Places, attended
from rnaexp.structure.reading import Table
from rnaexp.structure.strong import strong_counts

MOST = 1.1
ROUNDS = 5


def with_atlas(encoder: TransformerEncoder, rna: Rna) -> None:
    """A tuning pass that also says what heads attend to."""
    table, places, found = Table(rna, READING), Places.of(rna), []

    def read(_: int, layer: int, maps: torch.Tensor) -> None:
        table.add(layer, maps)
        found.append((attended(maps, places), strong_counts(maps, places)))

    encoder.read_attention([rna], read)
    table.entry()


def seconds(run: Any, *given: Any) -> float:
    start = time.process_time()
    run(*given)
    return time.process_time() - start


def row(encoder: TransformerEncoder, rna: Rna) -> dict[str, Any]:
    taken = [(seconds(tuning_pass, encoder, rna), seconds(with_atlas, encoder, rna)) for _ in range(ROUNDS + 1)][1:]
    alone, both = zip(*taken, strict=True)
    ratios = {"of_pass": median(b / a for a, b in taken), "of_pass_min": min(both) / min(alone)}
    return {"bases": len(rna), "pass_seconds": median(alone), "with_atlas_seconds": median(both), **ratios}


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        write_checkpoint(Path(folder), RNA_FM.network)
        encoder: Any = load(folder, device="cpu")
        with torch.inference_mode():
            rows = [row(encoder, random_rna(bases)) for bases in RNA_FM.bases]
    found = pd.DataFrame(rows).assign(goal=f"of_pass <= {MOST}", rounds=ROUNDS, load=round(os.getloadavg()[1], 1))
    found["met"] = ["yes" if max(one.of_pass, one.of_pass_min) <= MOST else "NO" for one in found.itertuples()]
    print(found.to_string(index=False))
    found.assign(torch=torch.__version__).to_csv(sys.argv[1], index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
