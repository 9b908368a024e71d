"""Memory, store and processor time of `rnaexp run` on a large test set, and whether its oracle is exact.

RNAs of ArchiveII of up to 440 bases, evenly drawn; RNABERT; tuned on the built-in validation set. `--kills`: how often
the run is ended by SIGKILL on the way and started again.
Prints the goals' ratios, and writes a row a size to tracking/results/benchmark_large_set.csv, whose rows of other sizes
stay.
"""

import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import typer

from rnaexp.data.sets import load_set
from rnaexp.rna import Rna

RESULTS = Path(__file__).parents[1] / "tracking" / "results" / "benchmark_large_set.csv"
MODEL, LONGEST = "rnabert", 440
GOAL_MB, GOAL_KB = 1500.0, 60.0  # peak memory; store an RNA


def main(sizes: list[int] = [250], kills: int = 0, csv: Path = RESULTS) -> None:  # noqa: B006
    known = sorted((rna for rna in load_set("archiveii").rnas if rna.pairs and len(rna) <= LONGEST), key=len)
    rows = pd.read_csv(csv).to_dict("records") if csv.exists() else []
    for size in sizes:
        chosen = [known[at * len(known) // size] for at in range(size)]
        row = measured(chosen, kills) | {"load": round(os.getloadavg()[0], 2), "cores": os.cpu_count()}
        rows = [*(other for other in rows if other["rnas"] != size), row]
        sys.stdout.write(
            f"{size} RNAs: peak {row['peak_mb']:.0f} MB ({row['peak_mb'] / GOAL_MB:.2f} of the goal), "
            f"{row['store_kb_an_rna']:.0f} kB of store an RNA ({row['store_kb_an_rna'] / GOAL_KB:.2f}), "
            f"oracle {row['oracle_f1']} {'exact' if row['oracle_exact'] else 'a lower bound'}\n"
        )
        csv.write_text(pd.DataFrame(rows).sort_values("rnas").to_csv(index=False))


def measured(rnas: Sequence[Rna], kills: int) -> dict[str, object]:
    """A run on two of them, which also tunes model and controls; then one on all, killed so many times on the way."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_bpseq(rnas[:2], place / "two")
        write_bpseq(rnas, place / "test")
        command = (sys.executable, "-m", "rnaexp", "run", "--model", MODEL, "--validation", "builtin-vl", "--json")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "RNAEXP_STORE"))}
        with (place / "two.log").open("w") as log:
            two = (*command, "--test", str(place / "two"))
            subprocess.run(two, cwd=place, env=kept, stdout=log, stderr=log, check=True)
        before = entries(place / ".rnaexp")
        used, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        whole, scratch = (*command, "--test", str(place / "test")), 0
        for at in range(kills + 1):
            target = before.files + len(rnas) * (1 + 4 * at) // 3 if at < kills else None
            found, most = ended(whole, place, kept, target)
            scratch = max(scratch, most)
        wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        structure = json.loads(found)["structure"]
        held = entries(place / ".rnaexp")
        return {
            "model": MODEL,
            "rnas": len(rnas),
            "bases": sum(map(len, rnas)),
            "kills": kills,
            "peak_mb": round(after.ru_maxrss / 1024, 1),
            "store_kb_an_rna": round((held.bytes - before.bytes) / 1000 / len(rnas), 1),
            "scratch_kb_an_rna": round(scratch / 1000 / len(rnas), 1),
            "tuning_store_mb": round(before.bytes / 1e6, 1),
            "oracle_f1": structure["oracle_f1"],
            "oracle_exact": structure["oracle_exact"],
            "processor_s": round(after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime, 1),
            "wall_s": round(wall, 1),
        }


class Held(NamedTuple):
    """Entries of results, and bytes of all that a store keeps for good."""

    files: int
    bytes: int


def entries(store: Path) -> Held:
    """Of a store, scratch left out."""
    paths = [path for path in store.rglob("*") if path.is_file() and path.parts[len(store.parts)] != "scratch"]
    results = sum(path.parts[len(store.parts)] == "results" for path in paths)
    return Held(files=results, bytes=sum(path.stat().st_size for path in paths))


def ended(command: Sequence[str], place: Path, env: dict[str, str], target: int | None) -> tuple[str, int]:
    """What a run printed, and the most bytes of scratch seen; killed (SIGKILL) at so many results, if any."""
    store, most = place / ".rnaexp", 0
    with (place / "out").open("w") as out, (place / "log").open("a") as log:
        run = subprocess.Popen(command, cwd=place, env=env, stdout=out, stderr=log)
        while run.poll() is None:
            time.sleep(5)
            with contextlib.suppress(FileNotFoundError):  # of what is removed meanwhile
                most = max(most, sum(path.stat().st_size for path in (store / "scratch").rglob("*") if path.is_file()))
            if target is not None and sum(path.is_file() for path in (store / "results").rglob("*")) >= target:
                run.kill()
                run.wait()
    if run.returncode and target is None:
        raise SystemExit((place / "log").read_text())
    sys.stdout.write((place / "log").read_text()[-400:] + f"exit {run.returncode}\n")
    sys.stdout.flush()
    return (place / "out").read_text(), most


def write_bpseq(rnas: Sequence[Rna], folder: Path) -> None:
    """One file an RNA."""
    folder.mkdir()
    for at, rna in enumerate(rnas):
        partner = dict(rna.pairs or ()) | {j: i for i, j in rna.pairs or ()}
        lines = (f"{i + 1} {letter} {partner.get(i, -1) + 1}" for i, letter in enumerate(rna.sequence))
        (folder / f"{at:05d}.bpseq").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    typer.run(main)
