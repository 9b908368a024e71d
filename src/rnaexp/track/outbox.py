"""What could not be pushed waits on disk: live run trees and the later `sync`."""

import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnaexp.errors import UnavailableError
from rnaexp.track.journal import Journal, Operation, begun
from rnaexp.track.push import DiskError, Pusher, RefusedError, UnreachableError, batch_of
from rnaexp.track.store import Target, target

PAUSE_SECONDS = 60.0  # after a failed push the run goes on this long before it asks the server again
PATIENCE = "60"  # seconds that `sync` gives a slow server, for which no run waits
PUSH_SECONDS = 5.0  # what is logged between the starts and the ends of runs is pushed together, after this long
HEARTBEAT_SECONDS = 300.0  # a parent run says this often that its process lives: `rnaexp reap` goes by it
HEARTBEAT_TAG = "rnaexp.heartbeat"
_AT_ONCE = frozenset({"start", "end"})
_unwritten: set[str] = set()


def unwritten() -> bool:
    """Whether a disk did not take all that this process logged: the program then ends with 74, its results printed."""
    return bool(_unwritten)


def default_outbox() -> Path:
    """`outbox` inside the store of results."""
    return Path(os.environ.get("RNAEXP_STORE") or ".rnaexp") / "outbox"


def now() -> int:
    """Milliseconds since 1970, as MLflow counts."""
    return time.time_ns() // 1_000_000


def warn(message: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"rnaexp: {message}\n")


class LiveTree:
    """A parent run and its children while their process lives: to disk first, then to MLflow."""

    def __init__(self, where: Target, outbox: Path) -> None:
        header = {
            "uri": where.public_uri,
            "experiment": where.experiment,
            "experiment_id": where.experiment_id,
            "time": now(),
        }
        self.journal = Journal.create(outbox, header)
        self.pusher = Pusher(where, self.journal.folder, fresh=True)
        self.lock = threading.RLock()
        self._pending: list[Operation] = [{"op": "open"}]
        self._quiet_until = 0.0
        self._refused = False
        self._disk = ""
        self._ended = threading.Event()

    def record(self, operation: Operation) -> None:
        """Keep one operation on disk; it is pushed at the next start or end of a run, or `PUSH_SECONDS` later.

        A server's failure is a warning, never the run's. Raises: OSError when the outbox's disk is full.
        """
        with self.lock:
            self._pending.append(operation)
            try:
                self.journal.append(operation)
            finally:  # what the outbox has no space for MLflow may take
                if operation["op"] in _AT_ONCE:
                    self._push_unless_quiet()

    def begin(self, operation: Operation) -> None:
        """Record the parent's start; nothing is computed yet, so here a refusal stops the run.

        Raises: UnavailableError.
        """
        self._pending.append(operation)
        self.journal.append(operation)
        try:
            self._push_all()
        except RefusedError as error:
            self.journal.remove()
            message = f"tracking store {self.pusher.where.public_uri}: {error}"
            raise UnavailableError(message) from error
        threading.Thread(target=self._beat, args=(operation["run"],), name="heartbeat", daemon=True).start()

    def _beat(self, run: str) -> None:
        """Until the run ends: push what waits, and say now and then that the process lives."""
        shown = time.monotonic()
        while not self._ended.wait(min(PUSH_SECONDS, HEARTBEAT_SECONDS)):
            with self.lock, suppress(OSError):  # a full disk: whoever computes meets it as well, and says so
                if self._ended.is_set():
                    return
                if time.monotonic() >= shown + HEARTBEAT_SECONDS:
                    shown = time.monotonic()
                    self.record({"op": "tags", "run": run, "time": now(), "values": {HEARTBEAT_TAG: str(now())}})
                self._push_unless_quiet()

    def _push_unless_quiet(self) -> None:
        if time.monotonic() >= self._quiet_until:
            self._push()

    def close(self) -> None:
        """Push what is left; the folder goes when all of it has arrived, else it waits for `rnaexp sync`."""
        self._ended.set()
        with self.lock:
            self._push()
            if self._pending and self._disk:
                _unwritten.add(self._disk)
                warn(
                    f"{self._disk}; what MLflow did not take is kept in {self.journal.folder}: clear space, "
                    "then `rnaexp sync`"
                )
                self.journal.close()
            elif self._pending or self._refused:
                warn(f"not everything is in MLflow; kept in {self.journal.folder}: `rnaexp sync` pushes it later")
                self.journal.close()
            else:
                self.journal.remove()

    def _push(self) -> None:
        while self._pending:
            try:
                return self._push_all()
            except RefusedError as error:
                self._refused = True
                warn(f"MLflow refused {self._pending.pop(0)['op']}: {error}")
        return None

    def _push_all(self) -> None:
        try:
            while self._pending:
                together = batch_of(self._pending)
                try:
                    self.pusher.apply(*together)
                except RefusedError:
                    if len(together) == 1:
                        raise
                    together = together[:1]  # one of them is refused: one by one shows which
                    self.pusher.apply(together[0])
                del self._pending[: len(together)]
        except UnreachableError as error:
            self._quiet_until = time.monotonic() + PAUSE_SECONDS
            if isinstance(error, DiskError):
                self._disk = str(error)
                warn(f"MLflow's store cannot be written, the run goes on: {error}")
            else:
                warn(f"tracking store not reachable, the run goes on: {error}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What one `sync` did, in run trees."""

    pushed: int = 0
    live: int = 0
    kept: int = 0


def sync(outbox: Path | None = None) -> Synced:
    """Push every waiting run tree whose process has ended; a second call finds nothing left to do.

    A run that never ended (its process was killed) is closed as KILLED. Trees meant for another store stay. The oldest
    goes first: a question's run before those of its models, which look for it.
    """
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", PATIENCE)
    root = outbox or default_outbox()
    counts = {"pushed": 0, "live": 0, "kept": 0}
    for folder in sorted(root.absolute().glob("*/"), key=begun):
        journal = Journal.claim(folder)
        counts["live" if journal is None else _pushed(journal)] += 1
    return Synced(**counts)


def _pushed(journal: Journal) -> str:
    try:
        complete = _replay(journal)
    except UnreachableError as error:
        warn(f"{journal.folder.name} stays in the outbox: {error}")
        if isinstance(error, DiskError):
            _unwritten.add(str(error))
        complete = False
    if complete:
        journal.remove()
        return "pushed"
    journal.close()
    return "kept"


def _replay(journal: Journal) -> bool:
    """Play a whole journal; False if part of it was refused or it belongs to another store."""
    header, *operations = journal.operations() or [{}]
    where = target()
    if header.get("uri") != where.public_uri:
        warn(f"{journal.folder.name} stays in the outbox: meant for {header.get('uri')}, set MLFLOW_TRACKING_URI to it")
        return False
    there = Target(uri=where.uri, experiment=header["experiment"], experiment_id=header["experiment_id"])
    for operation in _endings(operations):
        journal.append(operation)
        operations.append(operation)
    return _all_taken(Pusher(there, journal.folder), [header, *operations])


def _all_taken(pusher: Pusher, operations: list[Operation]) -> bool:
    complete = True
    for operation in operations:
        try:
            pusher.apply(operation)
        except RefusedError as error:
            warn(f"{pusher.folder.name}: MLflow refused {operation['op']}: {error}")
            complete = False
    return complete


def _endings(operations: list[Operation]) -> list[dict[str, Any]]:
    """KILLED for each run of the journal that has a start and no end, children first."""
    ended = {operation["run"] for operation in operations if operation["op"] == "end"}
    started = [operation["run"] for operation in operations if operation["op"] == "start"]
    last = max((operation.get("time", 0) for operation in operations), default=0)
    return [
        {"op": "end", "run": run, "status": "KILLED", "time": last} for run in reversed(started) if run not in ended
    ]
