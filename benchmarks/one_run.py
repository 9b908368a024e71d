"""Processor time of one run (RNABERT, SPOT-RNA VL1 -> TS1), cold and warm, against what it cannot do without.

Cold: an empty store, against the model's bare forward pass over the same RNAs. Warm: the same once more, against
`python -c "import torch"`, measured before and after. Writes tracking/results/benchmark_one_run.csv.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import torch
import typer
from default_job import spent

from rnaexp.data.sets import load_set
from rnaexp.models import load

RESULTS = Path(__file__).parents[1] / "tracking" / "results" / "benchmark_one_run.csv"
MODEL, VALIDATION, TEST = "rnabert", "spot-rna-vl1", "spot-rna-ts1"
TORCH = (sys.executable, "-c", "import torch")
RUN = (sys.executable, "-m", "rnaexp", "run", "--model", MODEL, "--validation", VALIDATION, "--test", TEST, "--json")
GOALS = {"cold": 15.0, "warm": 3.0}


def main(csv: Path = RESULTS) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        bare = [spent(TORCH, place, {})[0]]
        cold, warm = (spent(RUN, place, {})[0] for _ in range(2))
        bare.append(spent(TORCH, place, {})[0])
    forward = forward_seconds()
    rows = [
        {"what": "cold", "processor_s": cold, "against": "bare forward of the same RNAs", "its_s": forward},
        {"what": "warm", "processor_s": warm, "against": "import torch", "its_s": sum(bare) / 2},
    ]
    for row in rows:
        row["ratio"] = row["processor_s"] / row["its_s"]
        row["goal"] = GOALS[row["what"]]
        row["met"] = "yes" if row["ratio"] <= row["goal"] else "NO"
        row |= {"load": round(os.getloadavg()[0], 2), "cores": os.cpu_count(), "threads": torch.get_num_threads()}
        sys.stdout.write(f"{row['what']}: {row['ratio']:.1f} times {row['against']} (goal {row['goal']:g})\n")
    csv.write_text(pd.DataFrame(rows).round(3).to_csv(index=False))


@torch.inference_mode()
def forward_seconds() -> float:
    """Of all RNAs of both sets, one after the other, with transformers' SDPA; after a first one."""
    encoder = load(MODEL, device="cpu")
    body = encoder.network.base_model  # type: ignore[attr-defined]
    body.set_attn_implementation("sdpa")
    rnas = [rna for name in (VALIDATION, TEST) for rna in load_set(name).rnas if len(rna) <= encoder.spec.max_bases]
    ids = [torch.tensor([encoder.tokens.encode(rna).ids]) for rna in rnas]  # type: ignore[attr-defined]
    body(ids[0])
    start = time.process_time()
    for one in ids:
        body(one)
    return time.process_time() - start


if __name__ == "__main__":
    typer.run(main)
