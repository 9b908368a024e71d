"""How long `rnaexp compare` takes where an experiment holds ten thousand models' runs, each with its tuning and test.

Two real runs are made in a temporary folder; further runs are copies of one of them in the database alone, under ids of
their own and older, as a team leaves them that asks the same question again and again: a hundred times with another
seed, so that as many rows count. SQLite, imports included.
"""

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import pandas as pd
import typer
from mlflow import MlflowClient

RESULTS = Path(__file__).parents[1] / "tracking" / "results" / "benchmark_many_runs.csv"
COUNTS = (100, 1000, 10_000)
SEEDS = 100
COMMAND = (sys.executable, "-m", "rnaexp")
_TABLES = ("params", "latest_metrics", "metrics", "tags")  # what belongs to a run, by its run_uuid


def main(csv: Path = RESULTS) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        two_runs(folder)
        frame = pd.DataFrame([timed(folder, count) for count in COUNTS])
    csv.write_text(frame.to_csv(index=False))
    sys.stdout.write(frame.to_string(index=False) + "\n")


def two_runs(folder: Path) -> None:
    for model in ("stems", "random"):
        rnaexp(folder, "run", "--model", model, "--families", "none")
    shutil.copy(folder / "mlflow.db", folder / "two.db")


def timed(folder: Path, count: int) -> dict[str, float]:
    shutil.copy(folder / "two.db", folder / "mlflow.db")
    with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
        copies(database, count - 2)
    before = time.monotonic()
    used, rows = compared(folder)
    return {
        "runs": count,
        "rows": rows,
        "seconds": round(time.monotonic() - before, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "load": round(os.getloadavg()[0], 1),
        "peak_memory_mb": round(used.ru_maxrss / 1024),
        **asked(MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")),
    }


def asked(client: MlflowClient) -> dict[str, float]:
    """Processor seconds of what MLflow's pages ask: the hundred newest runs, and the hundred best of a filter."""
    experiment = client.get_experiment_by_name("rnaexp").experiment_id
    best = "tags.`rnaexp.kind` = 'parent' and params.test = 'builtin-ts'"
    seconds = {}
    for name, words in (
        ("list", {"order_by": ["attributes.start_time DESC"]}),
        ("search", {"filter_string": best, "order_by": ["metrics.`structure.f1` DESC"]}),
    ):
        before = time.process_time()
        client.search_runs([experiment], max_results=100, **words)
        seconds[f"{name}_cpu_seconds"] = round(time.process_time() - before, 2)
    return seconds


def compared(folder: Path) -> tuple[resource.struct_rusage, int]:
    """What the process of the comparison used, alone; and how many rows its leaderboard has."""
    found = folder / "found.json"
    with found.open("w") as out:
        process = subprocess.Popen([*COMMAND, "compare", "--json"], cwd=folder, env=kept(), stdout=out)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return used, len(json.loads(found.read_text())["leaderboard"])


def copies(database: sqlite3.Connection, count: int) -> None:
    """So many copies of one model's run with its two steps: the same rows under other ids, each a second older."""
    parent = database.execute("SELECT run_uuid FROM tags WHERE key = 'rnaexp.kind' AND value = 'parent'").fetchone()[0]
    below = "SELECT run_uuid FROM tags WHERE key = 'mlflow.parentRunId' AND value = ?"
    family = [parent, *(row[0] for row in database.execute(below, (parent,)))]
    for table in ("runs", *_TABLES):
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        marks = ", ".join("?" * len(columns))
        rows = [
            dict(zip(columns, row, strict=True))
            for run in family
            for row in database.execute(f"SELECT * FROM {table} WHERE run_uuid = ?", (run,))
        ]
        made = ([of_copy(row, at)[name] for name in columns] for at in range(count) for row in rows)
        database.executemany(f"INSERT INTO {table} VALUES ({marks})", made)


def of_copy(row: dict[str, object], at: int) -> dict[str, object]:
    made = row | {"run_uuid": renamed(str(row["run_uuid"]), at)}
    if row.get("key") == "mlflow.parentRunId":
        made["value"] = renamed(str(row["value"]), at)
    if row.get("key") == "seed":
        made["value"] = str(at % SEEDS)
    if "start_time" in row:
        made["start_time"] = int(str(row["start_time"])) - 1000 * (at + 1)
    return made


def renamed(run: str, at: int) -> str:
    return f"{at:08x}{run[8:]}"


def rnaexp(folder: Path, *words: str) -> None:
    subprocess.run([*COMMAND, *words], cwd=folder, env=kept(), check=True, stdout=subprocess.DEVNULL)


def kept() -> dict[str, str]:
    """A folder and a store of its own, whatever the caller has set."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "RNAEXP_STORE"))}


if __name__ == "__main__":
    typer.run(main)
