"""Delete runs with all that stands below them, and with what of them still waits in the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnaexp.errors import InputError
from rnaexp.track.export import find_run, runs_below
from rnaexp.track.journal import Journal
from rnaexp.track.outbox import default_outbox
from rnaexp.track.push import UUID_TAG
from rnaexp.track.store import client, target


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """Ids of the runs, those named first; addresses of registered versions that stay; folders of the outbox."""

    runs: tuple[str, ...]
    kept: tuple[str, ...]
    waiting: tuple[Path, ...]


def delete(run_ids: Sequence[str]) -> Deleted:
    """Mark the runs and everything below them as deleted (`mlflow gc` then removes their files).

    Children go first, so that what stands in the list of runs is never without the run above it. Registered versions
    stay: they have files of their own.

    Raises: UnavailableError if there is no such run, InputError for one that still runs; nothing is deleted then.
    """
    found: dict[str, Any] = {}
    for run_id in run_ids:
        run = find_run(run_id)
        found |= {one.info.run_id: one for one in (run, *runs_below(run))}
    if running := [one for one in found.values() if one.info.status == "RUNNING"]:
        message = (
            f"run {running[0].info.run_id} ({running[0].info.run_name}) still runs: stop it, or, if its process is "
            "gone, close it by rnaexp sync or rnaexp reap"
        )
        raise InputError(message)
    connection = client(target())
    kept = [version for run_id in found for version in _versions(connection, run_id)]
    waiting = tuple(_dropped({run.data.tags.get(UUID_TAG) for run in found.values()}))
    for run_id in reversed(found):
        if found[run_id].info.lifecycle_stage == "active":
            connection.delete_run(run_id)
    return Deleted(runs=tuple(found), kept=tuple(kept), waiting=waiting)


def _versions(connection: Any, run_id: str) -> list[str]:
    made = connection.search_model_versions(f"run_id = '{run_id}'")
    return [f"models:/{one.name}/{one.version}" for one in sorted(made, key=lambda one: (one.name, int(one.version)))]


def _dropped(uuids: set[str | None]) -> list[Path]:
    """Trees in the outbox that would bring one of these runs back at the next `sync`."""
    gone = []
    for folder in sorted(default_outbox().absolute().glob("*/")):
        journal = Journal.claim(folder)
        if journal is None:
            continue
        if any(one["op"] == "start" and one["run"] in uuids for one in journal.operations()):
            journal.remove()
            gone.append(folder)
        else:
            journal.close()
    return gone
