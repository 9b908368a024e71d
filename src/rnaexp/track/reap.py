"""Runs that say RUNNING for ever: their process was killed on a machine whose outbox nobody will sync.

A live process renews its parent run's tag `rnaexp.heartbeat`; a child run lives as long as its parent. A run that is
closed here although its process lives (it could not reach the server for so long) loses nothing: what it logs still
arrives, and its own end replaces KILLED.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rnaexp.track.export import runs_in
from rnaexp.track.outbox import HEARTBEAT_TAG, now, sync
from rnaexp.track.push import UUID_TAG
from rnaexp.track.store import EXPERIMENT, client, target


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaped:
    """A run that was closed (or would be), and when it last gave a sign of life."""

    run_id: str
    name: str
    last_seen: datetime


def reap(seconds: float, *, experiment: str = EXPERIMENT, dry_run: bool = False) -> list[Reaped]:
    """Close as KILLED each of our RUNNING runs without a sign of life for so long, children before their parents.

    What waits in this machine's outbox is sent first: it tells more of a dead run, and ends it as well.
    Raises: UnavailableError.
    """
    if not dry_run:
        sync()
    connection, closed = client(target(experiment)), []
    running = runs_in(experiment, f"attributes.status = 'RUNNING' and tags.`{UUID_TAG}` LIKE '%'")
    parents: dict[str, Any] = {}
    for run in sorted(running, key=_is_parent):
        last = _last_seen(_parent(run, connection, parents))
        if now() - last < 1000 * seconds:
            continue
        closed.append(Reaped(run_id=run.info.run_id, name=run.info.run_name, last_seen=_moment(last)))
        if not dry_run:
            connection.set_tag(
                run.info.run_id, "rnaexp.reaped", f"no sign of life since {_moment(last):%Y-%m-%d %H:%M} UTC"
            )
            connection.set_terminated(run.info.run_id, status="KILLED", end_time=last)
    return closed


def _is_parent(run: Any) -> bool:
    return "mlflow.parentRunId" not in run.data.tags


def _parent(run: Any, connection: Any, known: dict[str, Any]) -> Any:
    """The run whose heartbeat counts; read now, for it may have beaten since the runs were listed."""
    about = run.data.tags.get("mlflow.parentRunId", run.info.run_id)
    if about not in known:
        known[about] = connection.get_run(about)
    return known[about]


def _last_seen(run: Any) -> int:
    """Milliseconds since 1970."""
    return max(int(run.info.start_time), int(run.data.tags.get(HEARTBEAT_TAG, 0)))


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
