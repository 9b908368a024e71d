"""How long `rnaexp compare --html` takes over real runs: our models, baselines, controls, RNABERT, RNA-MSM's own maps.

The runs are made first, in a temporary folder (minutes); then each comparison is a process of its own, imports and
all. RNABERT and RNA-MSM's maps come from RNAEXP_MIRROR and are left out where it is not set.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "tracking" / "results" / "benchmark_compare.csv"
MODELS = (
    "msm-nano",
    "lm-nano",
    "alifold",
    "viennarna",
    "covariation",
    "stems-alignment",
    "stems",
    "canonical",
    "random",
)
MAPS = "raw.githubusercontent.com/yikunpku/RNA-MSM/faadd57559c1c146effbfd84a7628cd2042d5ede"
TIMES = 3


def main(
    folder: Annotated[Path | None, typer.Argument(help="Where runs were made before, instead of making them.")] = None,
    csv: Path = RESULTS,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        if folder is None:
            folder = Path(name)
            make_runs(folder)
        frame = pd.DataFrame([timed(folder, Path(name)) for _ in range(TIMES)])
    csv.write_text(frame.to_csv(index=False))
    sys.stdout.write(frame.to_string(index=False) + "\n")


def make_runs(folder: Path) -> None:
    for model in MODELS:
        rnaexp(folder, "run", "--model", model, "--families", "builtin" if model.endswith("nano") else "none")
    mirror = os.environ.get("RNAEXP_MIRROR")
    if mirror is None:
        return
    rnaexp(folder, "run", "--model", "rnabert")
    there, maps = Path(mirror) / MAPS, folder / "maps"
    maps.mkdir()
    shutil.copy(there / "results" / "2DRB_1_atp.npy", maps / "2DRB_1.npy")
    reference = there / "results" / "SS_result" / "2DRB_1.bpseq"
    words = ("--maps", maps, "--heads-per-layer", "12", "--test", reference, "--min-separation", "4")
    rnaexp(folder, "score", "--name", "rna-msm-published", *words)


def timed(folder: Path, out: Path) -> dict[str, float]:
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    rnaexp(folder, "compare", "--html", out / "report.html", "--csv", out / "report.csv")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "runs": int((pd.read_csv(out / "report.csv")["source"] == "measured").sum()),
        "seconds": round(time.monotonic() - start, 1),
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "load": round(
            os.getloadavg()[0], 1
        ),  # of the whole machine: with more than its cores, seconds are not ours alone
        "megabytes": round((out / "report.html").stat().st_size / 1e6, 1),
    }


def rnaexp(folder: Path, *words: object) -> None:
    own = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}", "RNAEXP_STORE": str(folder / "store")}
    command = [sys.executable, "-m", "rnaexp", *map(str, words)]
    subprocess.run(command, cwd=folder, env=os.environ | own, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    typer.run(main)
