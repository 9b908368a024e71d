"""The run context: what happens in it is in MLflow, and it ends FINISHED, FAILED or KILLED as it really ended."""

import os
import sys
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from rnaexp.data.atomic import naming
from rnaexp.errors import Terminated
from rnaexp.track.artifacts import write_figure, write_file, write_shown_table, write_table, write_text
from rnaexp.track.names import MAX_METRICS, artifact_path, checked_metrics, checked_texts
from rnaexp.track.origin import origin_tags
from rnaexp.track.outbox import LiveTree, default_outbox, now
from rnaexp.track.store import EXPERIMENT, Target, target

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal[
    "parent",
    "question",
    "comparison",
    "search",
    "watch",
    "tune",
    "test",
    "classify",
    "fitness",
    "task",
    "reproduction",
    "published",
]
Status = Literal["FINISHED", "FAILED", "KILLED"]


class RunHandle:
    """One run, parent or child; a context manager. Its methods may be called from several threads."""

    def __init__(self, tree: LiveTree, name: str, *, kind: Kind, parent: "RunHandle | None") -> None:
        self.name, self.kind, self.uuid = " ".join(name.split()), kind, uuid.uuid4().hex
        self._tree, self._parent, self._above = tree, parent, parent
        self._children: list[RunHandle] = []
        self._params: dict[str, str] = {}
        self._metrics: set[str] = set()
        self._data: set[tuple[str, str, str]] = set()
        self._open = True
        self._at: tuple[int, int] | None = None
        self._begun = 0

    @property
    def run_id(self) -> str | None:
        """MLflow's id of the run, None as long as no server has it."""
        return self._tree.pusher.run_ids.get(self.uuid)

    @property
    def where(self) -> Target:
        """Its store and experiment; of a run that `mlflow run` opened that run's own, once it is known."""
        where, found = self._tree.pusher.where, self._tree.pusher.experiment_id
        return replace(where, experiment_id=found or where.experiment_id)

    @property
    def url(self) -> str | None:
        """The run's page, if the store is a server."""
        where, experiment_id = self._tree.pusher.where, self._tree.pusher.experiment_id
        if self.run_id is None or not where.uri.startswith("http"):
            return None
        return f"{where.public_uri.rstrip('/')}/#/experiments/{experiment_id}/runs/{self.run_id}"

    def child(
        self,
        name: str,
        *,
        kind: Kind,
        params: Mapping[str, object] | None = None,
        tags: Mapping[str, object] | None = None,
        at: tuple[int, int] | None = None,
    ) -> "RunHandle":
        """A run nested in this one; use it with `with`, or it is closed when its parent is. `at`: as `tracked_run`."""
        child = RunHandle(self._tree, name, kind=kind, parent=self)
        child._at = at
        self._children.append(child)
        child.start(tags or {}, params or {})
        return child

    def start(
        self,
        tags: Mapping[str, object],
        params: Mapping[str, object],
        continues: str | None = None,
        under: "RunHandle | None" = None,
    ) -> None:
        """Record the run's start; called once, by whoever made the handle. `under`: a run of another tree, above it."""
        self._above = self._parent or under
        parameters = checked_texts(params)
        self._begun = self._at[0] if self._at else now()
        begin = self._tree.begin if self._parent is None else self._tree.record
        begin(
            {
                "op": "start",
                "run": self.uuid,
                "parent": None if self._parent is None else self._parent.uuid,
                "continues": continues,
                "under": None if under is None else under.uuid,
                "name": self.name,
                "tags": checked_texts({**origin_tags(own=continues is None), "rnaexp.kind": self.kind, **tags}),
                "time": self._begun,
            }
        )
        self.params(parameters)

    def params(self, values: Mapping[str, object]) -> None:
        """Log parameters; None is left out.

        Raises: ValueError if one was logged before with another value.
        """
        texts = checked_texts(values)
        with self._tree.lock:
            for key, value in texts.items():
                if self._params.get(key, value) != value:
                    message = f"parameter {key} is {self._params[key]} and cannot become {value}"
                    raise ValueError(message)
            self._params |= texts
            self._record("params", texts)

    def metrics(self, values: Mapping[str, float | None], *, step: int = 0, time: int | None = None) -> None:
        """Log metrics in one call; None is left out. With steps they become a curve.

        `time`: milliseconds since 1970, default now. The same value at the same time is kept once, however often it is
        logged.

        Raises: ValueError for a number that is not finite, or more than 40 metrics in one run.
        """
        numbers = checked_metrics(values)
        with self._tree.lock:
            if len(self._metrics | numbers.keys()) > MAX_METRICS:
                message = f"more than {MAX_METRICS} metrics in run {self.name}: put long lists into a table"
                raise ValueError(message)
            self._metrics |= numbers.keys()
            self._record(
                "metrics", numbers, step=step, time=(self._at[0] if self._at else now()) if time is None else time
            )

    def tags(self, values: Mapping[str, object]) -> None:
        """Set tags; None is left out, a tag set before is replaced."""
        self._record("tags", checked_texts(values))

    def table(self, frame: "pd.DataFrame", name: str) -> None:
        """Keep a table as `name`, which ends in .csv or .parquet; a named index becomes columns."""
        self._artifact(name, lambda path: write_table(frame, path))

    def shown_table(self, frame: "pd.DataFrame", name: str) -> None:
        """Keep a table as `name` (.json), where MLflow's Evaluation tab shows it and `load_table` reads it."""
        self._artifact(name, lambda path: write_shown_table(frame, path), op="shown_table")

    def describe(self, text: str) -> None:
        """Stand on top of the run's page, as Markdown; names from data go through `markdown_text`."""
        self.tags({"mlflow.note.content": text})

    def text(self, text: str, name: str) -> None:
        """Keep a text as the artifact `name`."""
        self._artifact(name, lambda path: write_text(text, path))

    def figure(self, figure: Any, name: str) -> None:
        """Keep a picture: a Plotly figure as self-contained .html, a Matplotlib figure as .png/.svg/.pdf, or bytes."""
        self._artifact(name, lambda path: write_figure(figure, path))

    def file(self, path: Path, folder: str = "") -> None:
        """Keep a copy of a file in the artifact folder `folder`."""
        self._artifact(f"{folder}/{path.name}" if folder else path.name, lambda place: write_file(path, place))

    def data_set(self, name: str, sha256: str, source: str, context: str, rows: int) -> None:
        """Say which data went into the run, and so into its parent and its question.

        `context` is validation, test or similar, `rows` the number of RNAs.
        """
        about = {"name": name, "sha256": sha256, "source": source, "context": context, "rows": rows}
        with self._tree.lock:
            if (name, sha256, context) in self._data:
                return
            self._data.add((name, sha256, context))
            self._record("data_set", about, flat=True)
        if self._above is not None:
            self._above.data_set(name, sha256, source, context, rows)

    def close(self, status: Status) -> None:
        """End the run and every child still open, once; the parent also pushes what is left."""
        if not self._open:
            return
        self._open = False
        with ExitStack() as ends:  # what a full disk stops does not stop the others
            if self._parent is None:
                ends.callback(self._tree.close)
            ends.callback(self._end, status)
            for child in self._children:
                ends.callback(child.close, status)

    def _end(self, status: Status) -> None:
        ended = self._at[1] if self._at else max(now(), self._begun)  # a clock may have gone back
        self._tree.record({"op": "end", "run": self.uuid, "status": status, "time": ended})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        status = ending(error)
        if error is not None and status != "FINISHED":
            with suppress(OSError):  # of a full disk under the outbox: the error to show is the one that is there
                self.tags({"error.type": type(error).__name__, "error.message": " ".join(str(error).split())[:500]})
        self.close(status)

    def _record(self, op: str, values: Mapping[str, Any], *, flat: bool = False, **more: object) -> None:
        if values:
            held = values if flat else {"values": values}
            self._tree.record({"op": op, "run": self.uuid, "time": now(), **held, **more})

    def _artifact(self, name: str, write: Callable[[Path], None], op: str = "artifact") -> None:
        place = artifact_path(name)
        path, key = self._tree.journal.new_file(Path(place).name)
        with naming(path):
            write(path)
        self._tree.record({"op": op, "run": self.uuid, "time": now(), "path": place, "file": key})


def tracked_run(
    name: str,
    *,
    kind: Literal["parent", "question", "comparison", "search", "watch", "reproduction", "published"] = "parent",
    params: Mapping[str, object] | None = None,
    tags: Mapping[str, object] | None = None,
    experiment: str = EXPERIMENT,
    continues: str | None = None,
    under: RunHandle | None = None,
    at: tuple[int, int] | None = None,
) -> RunHandle:
    """Start a parent run: `with tracked_run("rnabert") as run: ...`; goes on with the run `mlflow run` opened, if any.

    A `question` is the run above those of its models, each of which is pushed by itself (`under`: the question's); a
    `comparison` and a `search` stand by themselves; a `reproduction` is a run made again, and `published` a figure
    that a paper states: no table shows these.
    `continues`: MLflow's id of an earlier run that this one goes on with.
    `at`: when an imported run started and ended, in milliseconds since 1970.
    Inside a caller's open `mlflow.start_run()` it is nested in that run, in its store and experiment.
    With the server down the run goes on: what it logs waits in the outbox for `sync`.
    Raises: UnavailableError if the store refuses the run.
    """
    # Taken out of the environment: the run is continued once, and not by our subprocesses.
    continues = os.environ.pop("MLFLOW_RUN_ID", None) or continues
    where, around = (target(experiment), {}) if continues or under else _enclosing(experiment)
    if under is not None:
        where = under.where
    tree = LiveTree(where, default_outbox())
    run = RunHandle(tree, name, kind=kind, parent=None)
    run._at = at
    run.start({**around, **(tags or {})}, params or {}, continues, under)
    return run


def _enclosing(experiment: str) -> tuple[Target, dict[str, str]]:
    """Where a run of one's own goes, and under which: the caller's open run if MLflow is in use and has one."""
    mlflow = sys.modules.get("mlflow")
    active = None if mlflow is None else mlflow.active_run()
    if mlflow is None or active is None:
        return target(experiment), {}
    where = Target(uri=mlflow.get_tracking_uri(), experiment=experiment, experiment_id=str(active.info.experiment_id))
    return where, {"mlflow.parentRunId": str(active.info.run_id)}


def ending(error: BaseException | None) -> Status:
    """How a run that was left by this exception ended."""
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return "FINISHED"
    return "KILLED" if isinstance(error, (Terminated, KeyboardInterrupt)) else "FAILED"
