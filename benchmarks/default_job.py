"""Processor time of `rnaexp run experiments/builtin.toml` in an empty directory: the first time, and once more.

Beside it, in the same minutes, what importing torch, transformers and MLflow alone costs: no run can be faster.
Numba compiles once an installation, and MLflow's tables are migrated once a user; what they kept is used, unless
`--compile` counts that as well.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "tracking" / "results" / "benchmark_default_job.csv"
IMPORTS = (sys.executable, "-c", "import torch, transformers, mlflow")
JOB = (sys.executable, "-m", "rnaexp", "run", str(ROOT / "experiments" / "builtin.toml"))
GOALS = {"first run": 90.0, "second run": 20.0}


def main(
    csv: Path = RESULTS,
    compile: Annotated[bool, typer.Option("--compile", help="Count what is kept beyond a run, too.")] = False,
) -> None:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        cache = {name: str(place / name) for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")} if compile else {}
        for what, command in (("imports", IMPORTS), ("first run", JOB), ("second run", JOB), ("imports", IMPORTS)):
            seconds, wall, lines = spent(command, place, cache)
            rows.append(
                {
                    "what": what,
                    "processor_s": round(seconds, 1),
                    "wall_s": round(wall, 1),
                    "lines_on_stderr": lines,
                    "goal_s": GOALS.get(what),
                    "compiling_counted": compile,
                    "load": round(os.getloadavg()[0], 2),
                    "cores": os.cpu_count(),
                }
            )
            sys.stdout.write(f"{what}: {seconds:.1f} s of processor time, {wall:.1f} s\n")
    csv.write_text(pd.DataFrame(rows).to_csv(index=False))


def spent(command: tuple[str, ...], folder: Path, variables: dict[str, str]) -> tuple[float, float, int]:
    """Processor seconds, wall seconds, lines on stderr."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "RNAEXP_STORE"))}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, cwd=folder, env=kept | variables, capture_output=True, text=True, check=True)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, wall, len(done.stderr.splitlines())


if __name__ == "__main__":
    typer.run(main)
