"""Operations of a journal carried out in MLflow.

Each may come twice without a trace, so after a crash or a time-out a journal is simply played again from its start:
a run is found by its tag `rnaexp.uuid`, metrics carry the time they were logged at (MLflow keeps one row per key, time
and value), the rest overwrites itself.
"""

import json
import os
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from rnaexp.errors import UnavailableError
from rnaexp.track.failures import disk_fault, server_fault, timed_out
from rnaexp.track.journal import Operation
from rnaexp.track.store import Target, client, open_experiment, reason, sqlite_file

UUID_TAG = "rnaexp.uuid"
PAUSES = (0.3, 1.0)  # seconds before the second and the third try
_REFUSALS = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "INVALID_STATE", "RESOURCE_DOES_NOT_EXIST")
_LOGIN = ("UNAUTHENTICATED", "PERMISSION_DENIED")
_DRAWN_NAME = re.compile(r"[a-z]+-[a-z]+-\d+")  # what MLflow calls a run that nobody named


class RefusedError(RuntimeError):
    """MLflow understood the operation and will never take it."""


class UnreachableError(RuntimeError):
    """MLflow could not be reached, or failed, several times; worth another try later."""


class DiskError(UnreachableError):
    """The store is on this machine, and its disk is full or cannot be written: the message begins with the path."""


class Pusher:
    """One store and the runs of one journal (in `folder`) in it."""

    def __init__(self, where: Target, folder: Path, *, fresh: bool = False) -> None:
        """`fresh`: nothing of this journal has been pushed before, so no run of it is looked for."""
        self.where, self.folder, self._fresh = where, folder, fresh
        self.experiment_id: str | None = None
        self.run_ids: dict[str, str] = {}
        self._continued_runs: set[str] = set()
        self._client: Any = None

    def apply(self, *operations: Operation) -> None:
        """Carry out one operation, or a batch (`batch_of`), in a few tries.

        A server that refuses connections costs two seconds, one that accepts them and never answers one time-out.
        Raises: RefusedError, UnreachableError; DiskError, at once.
        """
        for pause in (*PAUSES, None):
            try:
                return self._carry_out(operations)
            except Exception as error:
                self._fresh = False  # the store may have taken part of it
                if not _from_the_store(error):
                    raise
                if (fault := disk_fault(error, self._place(operations[0]))) is not None:
                    raise DiskError(fault) from error
                code = getattr(error, "error_code", None)
                if code in _LOGIN:
                    message = f"{code}: set MLFLOW_TRACKING_USERNAME and _PASSWORD to a login that may write there"
                    raise RefusedError(message) from error
                refused = isinstance(error, UnavailableError) or code in _REFUSALS
                if refused and not (pause is not None and _raced(error)):
                    raise RefusedError(reason(error)) from error
                if pause is None or timed_out(error):
                    raise UnreachableError(self._words(error)) from error
                time.sleep(pause)
        return None

    def _words(self, error: Exception) -> str:
        fault = server_fault(str(error), os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT", ""))
        if fault is None and self.where.uri.startswith("http"):
            fault = f"failed: {reason(error)}"
        return reason(error) if fault is None else f"{self.where.public_uri} {fault}"

    def _place(self, operation: Operation) -> Path | None:
        """The file or folder of this machine that the operation writes into, if it is known."""
        database = sqlite_file(self.where.uri)
        if database is None or operation["op"] not in ("artifact", "shown_table"):
            return database
        with suppress(Exception):  # only words of a message
            return Path(unquote(urlsplit(self._client.get_run(self.run_ids[operation["run"]]).info.artifact_uri).path))
        return database

    def _carry_out(self, operations: Sequence[Operation]) -> None:
        if operations[0]["op"] in _BATCHED:
            self._log(operations)
        else:
            for operation in operations:
                _ACTIONS[operation["op"]](self, operation)

    def _open(self, operation: Operation) -> None:
        self.experiment_id = open_experiment(self.where)
        self._client = client(self.where)

    def _start(self, operation: Operation) -> None:
        if operation["continues"]:
            run = self._continued(operation)
        else:
            known = None if self._fresh else self._found(operation["run"])
            run = known or self._created(operation)
        self.run_ids[operation["run"]] = run.info.run_id

    def _continued(self, operation: Operation) -> Any:
        run = self._client.get_run(operation["continues"])
        self.experiment_id = run.info.experiment_id
        self._continued_runs.add(operation["run"])
        if run.info.status != "RUNNING":  # an earlier part of it was stopped
            self._client.update_run(run.info.run_id, status="RUNNING")
        if _DRAWN_NAME.fullmatch(run.info.run_name or ""):
            self._client.update_run(run.info.run_id, name=operation["name"])
        self._set_tags(run.info.run_id, {**operation["tags"], UUID_TAG: operation["run"]})
        return run

    def _found(self, uuid: str) -> Any:
        runs = self._client.search_runs([self.experiment_id], f"tags.`{UUID_TAG}` = '{uuid}'", max_results=1)
        return runs[0] if runs else None

    def _created(self, operation: Operation) -> Any:
        tags = {**operation["tags"], UUID_TAG: operation["run"]}
        if operation["parent"]:
            tags["mlflow.parentRunId"] = self.run_ids[operation["parent"]]
        elif (above := operation.get("under")) and (question := self._found(above)):
            tags["mlflow.parentRunId"] = question.info.run_id
        return self._client.create_run(
            self.experiment_id, start_time=operation["time"], tags=tags, run_name=operation["name"]
        )

    def _log(self, operations: Sequence[Operation]) -> None:
        """Parameters, metrics and tags of one run in one call."""
        entities: dict[str, list[Any]] = {}
        for operation in operations:
            entities.setdefault(operation["op"], []).extend(_BATCHED[operation["op"]](self, operation))
        self._client.log_batch(self.run_ids[operations[0]["run"]], **entities)

    def _params(self, operation: Operation) -> list[Any]:
        from mlflow.entities import Param

        run_id, values = self.run_ids[operation["run"]], operation["values"].items()
        # `mlflow run` has logged its own -P values and defaults, and a parameter cannot change.
        theirs = self._client.get_run(run_id).data.params if operation["run"] in self._continued_runs else {}
        named = {key if theirs.get(key, value) == value else f"resolved.{key}": value for key, value in values}
        return [Param(key, value) for key, value in named.items()]

    def _metrics(self, operation: Operation) -> list[Any]:
        from mlflow.entities import Metric

        at, step = operation["time"], operation.get("step", 0)
        return [Metric(key, value, at, step) for key, value in operation["values"].items()]

    def _tags(self, operation: Operation) -> list[Any]:
        from mlflow.entities import RunTag

        return [RunTag(key, value) for key, value in operation["values"].items()]

    def _set_tags(self, run_id: str, tags: dict[str, str]) -> None:
        self._client.log_batch(run_id, tags=self._tags({"values": tags}))

    def _artifact(self, operation: Operation) -> None:
        path = Path(operation["path"])
        where = None if path.parent == Path() else path.parent.as_posix()
        self._client.log_artifact(self.run_ids[operation["run"]], str(self.folder / operation["file"]), where)

    def _shown_table(self, operation: Operation) -> None:
        """Have MLflow enter the table by `log_table` of no rows, then put the file itself in its place.

        `log_table` adds its rows to those that are there, so a second push would double them; and it reads these by
        `pandas.read_json`, to which an RNA's name may be a number. A file that was cut short is mended before it.
        """
        run_id, path = self.run_ids[operation["run"]], operation["path"]
        if any(one.path == path for one in self._client.list_artifacts(run_id, str(Path(path).parent))):
            self._artifact(operation)
        columns = json.loads((self.folder / operation["file"]).read_text())["columns"]
        self._client.log_table(run_id, {name: [] for name in columns}, path)
        self._artifact(operation)

    def _data_set(self, operation: Operation) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        data_set = Dataset(
            name=operation["name"],
            digest=operation["sha256"][:36],  # MLflow's limit; the profile has all 64
            source_type="rnaexp",  # data_source.py loads it again
            source=json.dumps({"name": operation["name"], "uri": operation["source"], "sha256": operation["sha256"]}),
            profile=json.dumps({"num_rows": operation["rows"], "sha256": operation["sha256"]}),
        )
        tags = [InputTag("mlflow.data.context", operation["context"])]
        self._client.log_inputs(self.run_ids[operation["run"]], datasets=[DatasetInput(data_set, tags)])

    def _end(self, operation: Operation) -> None:
        run_id = self.run_ids[operation["run"]]
        self._client.set_terminated(run_id, status=operation["status"], end_time=operation["time"])


_ACTIONS: dict[str, Callable[[Pusher, Operation], None]] = {
    "open": Pusher._open,
    "start": Pusher._start,
    "artifact": Pusher._artifact,
    "shown_table": Pusher._shown_table,
    "data_set": Pusher._data_set,
    "end": Pusher._end,
}

_BATCHED: dict[str, Callable[[Pusher, Operation], list[Any]]] = {
    "params": Pusher._params,
    "metrics": Pusher._metrics,
    "tags": Pusher._tags,
}
_MAX_BATCH = 100  # parameters or tags; MLflow takes no more in one call


def batch_of(waiting: Sequence[Operation]) -> list[Operation]:
    """The first operation and those after it that go in one call with it: parameters, metrics, tags of one run.

    A key that comes twice starts a new batch: the later value must be the one that stays.
    """
    first, *others = waiting
    together = [first]
    if first["op"] not in _BATCHED:
        return together
    keys = {(first["op"], key) for key in first["values"]}
    for operation in others:
        if operation["op"] not in _BATCHED or operation["run"] != first["run"]:
            break
        fresh = {(operation["op"], key) for key in operation["values"]}
        if keys & fresh or len(keys) + len(fresh) > _MAX_BATCH:
            break
        keys |= fresh
        together.append(operation)
    return together


def _raced(error: Exception) -> bool:
    """Whether another writer put the same row there in the same moment: then the next try finds it."""
    return any(text in str(error) for text in ("UNIQUE constraint failed", "violates unique constraint"))


def _from_the_store(error: Exception) -> bool:
    """Whether an exception tells of the store (MLflow, HTTP, disk, S3, rnaexp's own word) and not of a bug here."""
    from mlflow.exceptions import MlflowException

    return isinstance(error, (MlflowException, OSError, UnavailableError)) or type(error).__module__.startswith("boto")
