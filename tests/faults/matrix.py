"""One cell: a fault in one place at one moment of a small job, and what was left of it once the fault was mended."""

import contextlib
import json
import re
import signal
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.command import environment
from tests.faults import disks
from tests.faults.gateway import Gateway
from tests.faults.program import Program
from tests.planted_sets import write_set

JOB = ("run", "--model", "stems", "--validation", "v.fa", "--test", "t.fa", "--related", "keep", "--json")
PLACES = ("store", "database", "artifacts", "output")
MOMENTS = ("start", "middle", "end")
_MEBIBYTES = {"store": 96, "database": 16, "artifacts": 16, "output": 16}  # the store wants 64 MiB free
_LEFT_OUT = ("run_id", "seconds", "peak_memory_mb")  # which two equal runs do not share
DONE = "done"  # what `after` of a cell says where nothing was lost


@dataclass
class Place:
    """Folders of one cell, and the program in them."""

    root: Path
    server: Any = None
    gateway: Gateway | None = None
    started: int = 0

    def __post_init__(self):
        for name in (*PLACES, "work"):
            (self.root / name).mkdir(parents=True)
        write_set(self.work / "v.fa", 1, 4, "v")
        write_set(self.work / "t.fa", 2, 4, "t")
        (self.root / "database" / "mlartifacts").symlink_to(self.root / "artifacts")

    @property
    def work(self):
        return self.root / "work"

    @property
    def database(self):
        return (self.root / "database" if self.server is None else self.server.folder) / "mlflow.db"

    @property
    def experiment(self):
        """On a server shared with other cells one of its own."""
        return "rnaexp" if self.server is None else self.root.name

    def entries(self):
        found = (self.root / "store" / "results").rglob("*")
        return {path.name: path.stat().st_mtime_ns for path in found if path.is_file() and path.name[0] != "."}

    def journals(self):
        return list((self.root / "store" / "outbox").glob("*/journal.jsonl"))

    def start(self, *words, **more):
        self.started += 1
        given = {
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.database}" if self.gateway is None else self.gateway.uri,
            "MLFLOW_EXPERIMENT_NAME": self.experiment,
            "MLFLOW_HTTP_REQUEST_TIMEOUT": 2,
            "RNAEXP_STORE": self.root / "store",
            "XDG_CACHE_HOME": self.root.parent / "cache",
        }
        variables = environment(**{**given, **more})
        return Program(words, self.work, variables, self.root / "streams" / str(self.started))

    def job(self, *words, **more):
        return self.start(*JOB, *words, "--csv", str(self.root / "output" / "table.csv"), **more)


def reached(moment: str, place: Place) -> Callable[[], bool]:
    """Whether a job has come so far. Middle: the first results are in the store. End: it has begun to log them."""
    if moment == "middle":
        return lambda: bool(place.entries())
    return lambda: any('"op": "artifact"' in path.read_text() for path in place.journals())


def disturbed(place: Place, moment: str, disturb: Callable[[Program], None], **more) -> Program:
    """The job with the fault in it: from its start, or from the moment on, at which it stands still."""
    if moment == "start":
        disturb(None)
        return place.job(**more)
    job = place.job(**more)
    come = reached(moment, place)
    while not come():
        assert job.runs, f"ended before its {moment}: {job.said}"
        time.sleep(0.001)
    job.send(signal.SIGSTOP)
    disturb(job)
    job.send(signal.SIGCONT)
    return job


@dataclass(frozen=True)
class Outcome:
    """`after`: DONE, or what is wrong once the fault is mended, `rnaexp sync` was run and the job was run again."""

    exit_code: int
    message: str
    runs: str
    after: str


@dataclass(frozen=True)
class Cell:
    """What is expected: the exit code, and the message (a regular expression), "" where there is nothing to say."""

    fault: str
    place: str
    moment: str
    exit_code: int
    says: str = ""

    @property
    def name(self):
        return f"{self.fault}-{self.place}-{self.moment}".replace(" ", "_")


@dataclass(frozen=True)
class Undisturbed:
    """What the job gives where nothing happens to it."""

    answer: dict
    table: str
    metrics: dict
    artifacts: tuple


def judged(place: Place, job: Program, heal: Callable[[], None], undisturbed: Undisturbed) -> Outcome:
    """Let the job end, mend what is broken, `sync`, look, run it again, look."""
    code, before = job.wait(), place.entries()
    finished = bool(job.answered.strip())
    heal()
    synced = place.start("sync")
    wrong = [f"sync: exit {synced.wait()}: {synced.said}"] if synced.wait() else []
    states = runs(place)
    wrong += [f"{name} is {state}" for name, state, *_ in states if state in ("RUNNING", "SCHEDULED")]
    wrong += [f"waits: {path.parent.name}" for path in place.journals()]
    wrong += [f"{name} ends before it begins" for name, _, run, _ in states if run["seconds"] < 0]
    if finished:
        wrong += _differences(states, place, undisturbed)
    status = next((state for _, state, _, parent in states if not parent), "none")
    again = place.job("--again")
    if again.wait() or not again.answered:
        wrong.append(f"again: exit {again.wait()}: {again.said}")
    else:
        wrong += [] if numbers(again.answered) == undisturbed.answer else ["the numbers are others"]
        wrong += [] if table(place) == undisturbed.table else ["the table is another"]
        wrong += [] if before.items() <= place.entries().items() else ["what was there was computed again"]
    return Outcome(exit_code=code, message=shown(job.said, place), runs=status, after="; ".join(wrong) or DONE)


def _differences(states, place, undisturbed):
    """Of a job that ended: whether all of it is in MLflow."""
    metrics = {(kind, name): value for _, _, run, _ in states for kind, name, value in run["metrics"]}
    others = {name for name, _ in metrics.items() ^ undisturbed.metrics.items()}
    files = {name for name, _ in set(artifacts(place)) ^ set(undisturbed.artifacts)}
    wrong = [f"metrics missing or others: {sorted(others)}"] if others else []
    return wrong + ([f"artifacts missing or others: {sorted(files)}"] if files else [])


def numbers(answered: str):
    record = json.loads(answered.strip().splitlines()[-1])
    return {name: value for name, value in record["structure"].items() if name not in _LEFT_OUT}


def table(place: Place):
    import pandas as pd

    frame = pd.read_csv(place.root / "output" / "table.csv")
    return frame.drop(columns=[name for name in _LEFT_OUT if name in frame]).to_csv(index=False)


def artifacts(place: Place):
    """Name and size of every file of the runs' artifacts; sizes of those that hold moments are left out."""
    folder = (place.root if place.server is None else place.server.folder) / "artifacts"
    found = [run["id"] for _, _, run, _ in runs(place)]
    return tuple(
        sorted(
            (path.name, path.stat().st_size if path.suffix in (".csv", ".png") else 0)
            for run in found
            for path in folder.glob(f"**/{run}/artifacts/**/*")
            if path.is_file()
        )
    )


def runs(place: Place):
    """Name, status, figures and parent of every run that this cell's job left, oldest first, from SQLite itself."""
    if not place.database.exists():
        return []
    found = []
    with contextlib.closing(sqlite3.connect(place.database)) as tables:
        asked = (
            "SELECT run_uuid, runs.name, status, end_time - start_time FROM runs JOIN experiments USING (experiment_id)"
            " WHERE experiments.name = ? ORDER BY start_time, runs.rowid"
        )
        for run, name, status, took in tables.execute(asked, (place.experiment,)).fetchall():
            tags = dict(tables.execute("SELECT key, value FROM tags WHERE run_uuid = ?", (run,)))
            rows = tables.execute("SELECT key, value FROM latest_metrics WHERE run_uuid = ?", (run,))
            kind = tags.get("rnaexp.kind", "")
            metrics = [(kind, key, value) for key, value in rows if key not in _LEFT_OUT]
            about = {"id": run, "metrics": metrics, "seconds": (took or 0) / 1000}
            found.append((name, status, about, tags.get("mlflow.parentRunId")))
    return found


def shown(said: str, place: Place):
    """What the program said about the fault, its folders by their names in the cell, each line once."""
    lines = [line.removeprefix("rnaexp: ") for line in said.splitlines() if line.startswith("rnaexp: ")]
    others = [line for line in said.splitlines() if "Traceback" in line or "Error" in line.split(":")[0]]
    text = " / ".join(dict.fromkeys([*lines, *others])).replace(f"{place.root}/", "")
    return re.sub(r"127\.0\.0\.1:\d+", "SERVER", re.sub(r"\b[0-9a-f]{32}\b", "ID", text))


def undisturbed_job(root: Path) -> Undisturbed:
    place = Place(root)
    job = place.job()
    assert job.wait() == 0, job.said
    found = runs(place)
    metrics = {(kind, name): value for _, _, run, _ in found for kind, name, value in run["metrics"]}
    return Undisturbed(numbers(job.answered), table(place), metrics, artifacts(place))


def with_disk(cell: Cell, root: Path, clean: Undisturbed) -> Outcome:
    """A disk that fills up, or a folder that becomes read-only, under one place."""
    place = Place(root)
    folder = root / cell.place
    full = cell.fault == "full disk"
    with disks.small_disk(folder, _MEBIBYTES[cell.place]):
        if cell.place == "database":
            (folder / "mlartifacts").symlink_to(root / "artifacts")
        do, undo = (disks.fill, disks.free) if full else (disks.make_read_only, disks.make_writable)
        job = disturbed(place, cell.moment, lambda job: do(folder))
        return judged(place, job, lambda: undo(folder), clean)


def with_server(cell: Cell, root: Path, clean: Undisturbed, server) -> Outcome:
    """A server behind a gateway that does what the fault says, from the moment on until the job has ended."""
    gateway = Gateway(server.port)
    place = Place(root, server=server, gateway=gateway)
    try:
        job = disturbed(place, cell.moment, lambda job: gateway.become(cell.fault.removeprefix("server ")))
        return judged(place, job, lambda: gateway.become("passes"), clean)
    finally:
        gateway.close()


def with_signal(cell: Cell, root: Path, clean: Undisturbed) -> Outcome:
    """A signal at a moment; at the start, as soon as the process tracks."""
    place = Place(root)
    number = signal.Signals[cell.fault]
    if cell.moment == "start":
        job = place.job()
        while not place.journals() and job.runs:
            time.sleep(0.001)
        job.send(number)
    else:
        job = disturbed(place, cell.moment, lambda job: job.send(number))
    return judged(place, job, lambda: None, clean)


def with_another(cell: Cell, root: Path, clean: Undisturbed) -> Outcome:
    """The same job twice at once, on one store and one database; the other one in an experiment of its own."""
    place, others = Place(root), []
    start = lambda job: others.append(place.job(MLFLOW_EXPERIMENT_NAME="another"))  # noqa: E731
    job = disturbed(place, cell.moment, start)

    def ended():
        code = others[0].wait()
        assert code == 0, others[0].said
        assert numbers(others[0].answered) == clean.answer

    return judged(place, job, ended, clean)


def with_clock(cell: Cell, root: Path, clean: Undisturbed) -> Outcome:
    """The process's clock goes back a day."""
    place = Place(root)
    back = root / "back"
    job = disturbed(place, cell.moment, lambda job: back.touch(), TEST_CLOCK_JUMPS=back)
    return judged(place, job, lambda: None, clean)


_FULL, _READ_ONLY = "No space left on device", "(Read-only file system|cannot be written, nor its folder)"
_KEPT = "; what MLflow did not take is kept in store/outbox/ID: clear space, then `rnaexp sync`$"
_WAITS = "not everything is in MLflow; kept in store/outbox/ID: `rnaexp sync` pushes it later$"
_STOPPED = "stopped by SIGTERM; what was computed is kept, the same command goes on from there"
_SERVERS = {
    "down": "http://SERVER refuses connections: is the server running?",
    "silent": "http://SERVER does not answer within 2 s",
    "html": "http://SERVER answers with a web page: is MLFLOW_TRACKING_URI right, or a login page in between?",
    "broken": "http://SERVER answers with HTTP 502",
    "cut": "http://SERVER breaks off its answers",  # or what MLflow makes of half an answer
}


def _of_disks():
    for fault, why in (("full disk", _FULL), ("read-only", _READ_ONLY)):
        says = {
            "store": f"^store/.*: {why}$",
            "database": f"database/mlflow.db(.lock)?: {why}{_KEPT}",
            "artifacts": f"database/mlartifacts/.*: {why}{_KEPT}",
            "output": f"^output/table.csv: {why}$",
        }
        for place in PLACES:
            for moment in MOMENTS:
                early = fault == "full disk" and (place, moment) == ("store", "start")
                yield Cell(fault, place, moment, 74, "^store: less than 64 MiB free" if early else says[place])


def _of_processes():
    for moment in MOMENTS:
        yield Cell("SIGKILL", "process", moment, 137)
        yield Cell("SIGTERM", "process", moment, 143, _STOPPED)
        yield Cell("second process", "store", moment, 0)
        yield Cell("clock goes back", "process", moment, 0)


def _of_servers():
    for ill, words in _SERVERS.items():
        for moment in MOMENTS:
            said = "http://SERVER (breaks off|failed: )" if ill == "cut" else re.escape(words)
            yield Cell(f"server {ill}", "server", moment, 0, f"{said}.*{_WAITS}")
    for moment in MOMENTS:
        yield Cell("server slow", "server", moment, 0)


# Every fault of the matrix.
CELLS = (*_of_disks(), *_of_processes(), *_of_servers())
_WAYS = {
    "SIGKILL": with_signal,
    "SIGTERM": with_signal,
    "second process": with_another,
    "clock goes back": with_clock,
    "full disk": with_disk,
    "read-only": with_disk,
}


def outcome_of(cell: Cell, root: Path, clean: Undisturbed, server: Callable[[], Any]) -> Outcome:
    """`server`: starts the one that all cells with a server share."""
    if cell.place == "server":
        return with_server(cell, root, clean, server())
    return _WAYS[cell.fault](cell, root, clean)


def as_expected(cell: Cell, outcome: Outcome) -> bool:
    said = re.search(cell.says, outcome.message) if cell.says else not outcome.message
    return outcome.exit_code == cell.exit_code and bool(said) and outcome.after == DONE
