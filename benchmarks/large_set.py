"""Memory, store and processor time of `rnaexp run` on a large test set, and whether its oracle is exact.

RNAs of ArchiveII of up to 440 bases, evenly drawn; RNABERT; tuned on the built-in validation set.
Prints the goals' ratios, and writes a row a size to tracking/results/benchmark_large_set.csv.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import typer

from rnaexp.data.sets import load_set
from rnaexp.rna import Rna

RESULTS = Path(__file__).parents[1] / "tracking" / "results" / "benchmark_large_set.csv"
MODEL, LONGEST = "rnabert", 440
GOAL_MB, GOAL_KB = 1500.0, 60.0  # peak memory; store an RNA


def main(sizes: list[int] = [250], csv: Path = RESULTS) -> None:  # noqa: B006
    known = sorted((rna for rna in load_set("archiveii").rnas if rna.pairs and len(rna) <= LONGEST), key=len)
    rows = []
    for size in sizes:
        chosen = [known[at * len(known) // size] for at in range(size)]
        rows.append(measured(chosen) | {"load": round(os.getloadavg()[0], 2), "cores": os.cpu_count()})
        row = rows[-1]
        sys.stdout.write(
            f"{size} RNAs: peak {row['peak_mb']:.0f} MB ({row['peak_mb'] / GOAL_MB:.2f} of the goal), "
            f"{row['store_kb_an_rna']:.0f} kB of store an RNA ({row['store_kb_an_rna'] / GOAL_KB:.2f}), "
            f"oracle {row['oracle_f1']} {'exact' if row['oracle_exact'] else 'a lower bound'}\n"
        )
        csv.write_text(pd.DataFrame(rows).to_csv(index=False))


def measured(rnas: Sequence[Rna]) -> dict[str, object]:
    """One run from an empty directory."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_bpseq(rnas, place / "test")
        command = (sys.executable, "-m", "rnaexp", "run", "--model", MODEL, "--validation", "builtin-vl", "--json")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "RNAEXP_STORE"))}
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(
            (*command, "--test", str(place / "test")), cwd=place, env=kept, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        found = json.loads(done.stdout)["structure"]
        size = sum(path.stat().st_size for path in (place / ".rnaexp").rglob("*") if path.is_file())
        return {
            "model": MODEL,
            "rnas": len(rnas),
            "bases": sum(map(len, rnas)),
            "peak_mb": round(after.ru_maxrss / 1024, 1),
            "store_kb_an_rna": round(size / 1000 / len(rnas), 1),
            "oracle_f1": found["oracle_f1"],
            "oracle_exact": found["oracle_exact"],
            "processor_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
            "wall_s": round(wall, 1),
        }


def write_bpseq(rnas: Sequence[Rna], folder: Path) -> None:
    """One file an RNA."""
    folder.mkdir()
    for at, rna in enumerate(rnas):
        partner = dict(rna.pairs or ()) | {j: i for i, j in rna.pairs or ()}
        lines = (f"{i + 1} {letter} {partner.get(i, -1) + 1}" for i, letter in enumerate(rna.sequence))
        (folder / f"{at:05d}.bpseq").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    typer.run(main)
