"""A team at work while its server is killed twice and its database once: PostgreSQL, artifacts passed through.

Each person is a process with a folder of its own that makes one run after another as `rnaexp run` does (parameters,
tags, metrics, a curve, a file, a data set, a child), without reading any RNA. At the end everyone calls `rnaexp sync`,
and every point of every metric is compared with what was logged.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from mlflow import MlflowClient

from rnaexp.track.store import pages

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.track.servers import Postgres, Server  # noqa: E402 - the servers that the tests use

RESULTS = ROOT / "tracking" / "results" / "benchmark_load.csv"
EXPERIMENT = "load"
STEPS = 10
app = typer.Typer()


@app.command()
def team(
    people: int = 8,
    runs: Annotated[int, typer.Option(help="Of each person.")] = 200,
    csv: Path = RESULTS,
) -> None:
    """Let them work, and write what came of it."""
    with tempfile.TemporaryDirectory() as name:
        found = worked(Path(name), people, runs)
    csv.write_text(pd.DataFrame([found]).to_csv(index=False))
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


@app.command()
def person(number: int, runs: int) -> None:
    """One of them, in the working directory."""
    from rnaexp.track import tracked_run

    for at in range(runs):
        about = {"model": f"m{at % 10}", "person": number, "at": at}
        with tracked_run(f"{number} · {at}", params=about, tags={"who": number}, experiment=EXPERIMENT) as run:
            run.data_set("builtin-ts", "0" * 64, "here", "test", 9)
            for step in range(STEPS):
                run.metrics({"loss": loss(number, at, step)}, step=step)
            with run.child("test", kind="test", params=about) as child:
                child.metrics(figures(number, at))
                child.text(f"{number} {at}\n" * 50, "per_rna.csv")
            run.metrics(figures(number, at))


def loss(number: int, at: int, step: int) -> float:
    return 1 / (1 + number + at + step)


def figures(number: int, at: int) -> dict[str, float]:
    return {f"structure.m{each}": number + at / 1000 + each / 7 for each in range(10)}


def worked(folder: Path, people: int, runs: int) -> dict[str, Any]:
    """What was done to them, and what the server has in the end."""
    database = Postgres()
    database.start()
    server = Server(database.uri, folder)
    try:
        server.start()
        client = MlflowClient(server.uri)
        client.create_experiment(EXPERIMENT)
        before = time.monotonic()
        team = {number: started(folder, server.uri, "person", number, runs) for number in range(people)}
        ills = (ill_server, ill_database, ill_server)
        for part, ill in enumerate(ills, start=1):
            while alive(team) and in_store(client) < part * people * runs // (2 * len(ills)):
                time.sleep(0.5)
            if not alive(team):
                break
            ill(server, database)
        else:
            part += 1
        failed = sum(process.wait() != 0 for process in team.values())
        seconds = time.monotonic() - before
        waiting = sum(1 for _ in folder.glob("*/outbox/*"))
        for number in team:
            synced(folder, server.uri, number)
        return {
            "people": people,
            "runs_each": runs,
            "kills": part - 1,
            "seconds": round(seconds),
            "load": round(os.getloadavg()[0], 1),
            "processes_failed": failed,
            "waiting_in_outboxes": waiting,
            "left_in_outboxes": sum(1 for _ in folder.glob("*/outbox/*")),
            **checked(client, people, runs),
            **asked(client, server.uri, folder),
        }
    finally:
        server.stop()
        database.remove()


def started(folder: Path, uri: str, *words: object) -> "subprocess.Popen[bytes]":
    place = folder / str(words[1])
    place.mkdir(exist_ok=True)
    command = [sys.executable, __file__, *map(str, words)]
    with (place / "log").open("a") as log:
        return subprocess.Popen(command, cwd=place, env=environment(uri, place), stdout=log, stderr=log)


def environment(uri: str, place: Path) -> dict[str, str]:
    own = {"MLFLOW_TRACKING_URI": uri, "RNAEXP_STORE": str(place), "OMP_NUM_THREADS": "1"}
    return {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")} | own


def synced(folder: Path, uri: str, number: int) -> None:
    place = folder / str(number)
    command = [sys.executable, "-m", "rnaexp", "sync"]
    subprocess.run(command, cwd=place, env=environment(uri, place), check=True, stdout=subprocess.DEVNULL)


def alive(team: "dict[int, subprocess.Popen[bytes]]") -> bool:
    return any(process.poll() is None for process in team.values())


def in_store(client: MlflowClient) -> int:
    """Parents that are FINISHED, at most a thousand."""
    return len(client.search_runs([experiment(client)], PARENTS, max_results=1000))


PARENTS = "tags.`rnaexp.kind` = 'parent' and attributes.status = 'FINISHED'"


def experiment(client: MlflowClient) -> str:
    return str(client.get_experiment_by_name(EXPERIMENT).experiment_id)


def ill_server(server: Server, database: Postgres) -> None:
    """Killed, and up again after some seconds."""
    server.stop()
    time.sleep(5)
    server.start()


def ill_database(server: Server, database: Postgres) -> None:
    """As by a power cut, and up again after some seconds."""
    database.stop()
    time.sleep(5)
    database.start()


def checked(client: MlflowClient, people: int, runs: int) -> dict[str, int]:
    """Runs and points that are there, missing, or there too often."""
    found = [*pages(client.search_runs, [experiment(client)], size=500)]
    keys = Counter((run.data.tags["rnaexp.kind"], run.data.params["person"], run.data.params["at"]) for run in found)
    wanted = {(kind, str(who), str(at)) for kind in ("parent", "test") for who in range(people) for at in range(runs)}
    lost = doubled = files = 0
    for run in found:
        here, expected = points(client, run), wanted_points(run)
        lost += sum((expected - here).values())
        doubled += sum((here - expected).values())
        if run.data.tags["rnaexp.kind"] == "test":
            files += [item.path for item in client.list_artifacts(run.info.run_id)] == ["per_rna.csv"]
    return {
        "runs_in_mlflow": len(found),
        "runs_finished": sum(run.info.status == "FINISHED" for run in found),
        "runs_missing": len(wanted - keys.keys()),
        "runs_doubled": sum(count - 1 for count in keys.values()),
        "points_missing": lost,
        "points_doubled_or_wrong": doubled,
        "files_missing": people * runs - files,
    }


def points(client: MlflowClient, run: Any) -> Counter[tuple[str, int, float]]:
    keys = run.data.metrics
    history = [one for key in keys for one in client.get_metric_history(run.info.run_id, key)]
    return Counter((one.key, one.step, one.value) for one in history)


def wanted_points(run: Any) -> Counter[tuple[str, int, float]]:
    number, at = int(run.data.params["person"]), int(run.data.params["at"])
    every = [(key, 0, value) for key, value in figures(number, at).items()]
    if run.data.tags["rnaexp.kind"] == "parent":
        every += [("loss", step, loss(number, at, step)) for step in range(STEPS)]
    return Counter(every)


def asked(client: MlflowClient, uri: str, folder: Path) -> dict[str, float]:
    """Seconds of the newest hundred runs, the best hundred, and the table that a comparison begins with."""
    best = {"filter_string": PARENTS, "order_by": ["metrics.`structure.m1` DESC"]}
    seconds = {}
    for name, words in (("list", {}), ("search", best)):
        before = time.monotonic()
        client.search_runs([experiment(client)], max_results=100, **words)
        seconds[f"{name}_seconds"] = round(time.monotonic() - before, 2)
    code = "import sys, time; from rnaexp.track.export import runs_table as of; import pandas, mlflow\n"
    code += f"at = time.monotonic(); of({EXPERIMENT!r}); sys.stdout.write(str(time.monotonic() - at))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, env=environment(uri, folder), check=True, capture_output=True, text=True)
    return seconds | {"table_seconds": round(float(done.stdout), 2)}


if __name__ == "__main__":
    app()
