"""Where runs go: the tracking store and the experiment, ready for use by many processes at once."""

import fcntl
import hashlib
import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from rnaexp.data.atomic import naming, write_atomically
from rnaexp.data.download import cache_folder
from rnaexp.errors import UnavailableError
from rnaexp.track.failures import disk_fault
from rnaexp.track.local_store import refuse_moved_or_older
from rnaexp.track.names import safe_name

EXPERIMENT = "rnaexp"
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
    # MLflow waits up to four minutes for a dead server; retries are ours and short (push.py), then the outbox.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A tracking store and an experiment in it; `experiment_id` when the environment names one (`mlflow run`)."""

    uri: str
    experiment: str
    experiment_id: str | None = None

    @property
    def public_uri(self) -> str:
        """The URI without user name and password: what may be written to disk and shown."""
        return without_password(self.uri)


def target(experiment: str = EXPERIMENT) -> Target:
    """The store that the usual MLflow variables name, by default `mlflow.db` in the working directory.

    An experiment other than the default wins over MLFLOW_EXPERIMENT_ID and MLFLOW_EXPERIMENT_NAME.
    """
    uri = absolute(os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db")
    if experiment != EXPERIMENT:
        return Target(uri=uri, experiment=experiment)
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or experiment
    return Target(uri=uri, experiment=name, experiment_id=os.environ.get("MLFLOW_EXPERIMENT_ID") or None)


def without_password(text: str) -> str:
    """The text with `user:password@` cut out of every URI."""
    return re.sub(r"//[^/@\s]*@", "//", text)


def reason(error: Exception) -> str:
    """An exception in one line that may be shown; of a database's the words before its SQL."""
    return without_password(" ".join(str(error).partition("[SQL:")[0].split()))[:300]


def connect(experiment: str = EXPERIMENT) -> str:
    """Make the store ready, point MLflow at it, and return the experiment's id.

    Raises: UnavailableError when the store cannot be reached or used; OSError when its disk is full or read-only.
    """
    where = target(experiment)
    prepare()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        experiment_id = open_experiment(where)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        if (fault := disk_fault(error, sqlite_file(where.uri))) is not None:
            raise OSError(fault) from error
        if isinstance(error, SQLAlchemyError):
            message = (
                f"tracking store {where.public_uri}: {reason(error)}; "
                "if its file is damaged, move it away and run again"
            )
            raise UnavailableError(message) from error
        message = f"tracking store {where.public_uri}: {reason(error)}; is it running, is MLFLOW_TRACKING_URI right?"
        raise UnavailableError(message) from error
    import mlflow

    mlflow.set_tracking_uri(where.uri)
    return experiment_id


def prepare() -> None:
    """Silence MLflow (no telemetry, no INFO lines, no URLs on stdout); what the user has set stays."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(os.environ["MLFLOW_LOGGING_LEVEL"].upper())
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # it raises what it logs, too


def client(where: Target) -> Any:
    """An MlflowClient for the store; explicit run ids everywhere, so threads and nested runs are safe."""
    prepare()
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=where.uri)


def pages(search: Any, *words: Any, size: int = 100, **more: Any) -> Iterator[Any]:
    """All that one of the client's searches finds, a page of `size` held at a time."""
    token: str | None = ""
    while token is not None:
        page = search(*words, max_results=size, page_token=token or None, **more)
        yield from page
        token = page.token or None


def open_experiment(where: Target) -> str:
    """The id of the experiment, created if needed; a fresh SQLite file is initialised by one process only.

    Raises: UnavailableError for a SQLite file that was moved, or that an older or newer MLflow made.
    """
    with _initialised_once(where.uri):
        connection = client(where)
        found = _found(connection, where)
        if found is None:
            return _created(connection, where)
        return str(found.experiment_id)


def _found(connection: Any, where: Target) -> Any:
    if where.experiment_id is not None:
        found = connection.get_experiment(where.experiment_id)
    else:
        found = connection.get_experiment_by_name(where.experiment)
    if found is not None and found.lifecycle_stage != "active":
        message = f"experiment {found.name!r} was deleted: restore it (mlflow experiments restore) or name another"
        raise UnavailableError(message)
    return found


def _created(connection: Any, where: Target) -> str:
    from mlflow.exceptions import MlflowException

    try:
        return str(connection.create_experiment(where.experiment, artifact_location=_artifact_location(where)))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return str(connection.get_experiment_by_name(where.experiment).experiment_id)


def _artifact_location(where: Target) -> str | None:
    """An absolute place next to the database (MLflow's own default freezes a relative one); a server has its own."""
    if where.uri.startswith("http"):
        return None
    root = sqlite_file(where.uri)
    folder = Path.cwd() if root is None else root.parent
    return (folder / "mlartifacts" / safe_name(where.experiment)).as_uri()


def sqlite_file(uri: str) -> Path | None:
    """The file of a SQLite store, None for any other store."""
    return Path(unquote(uri.removeprefix("sqlite:///").partition("?")[0])) if uri.startswith("sqlite:///") else None


def absolute(uri: str) -> str:
    """A SQLite file's URI with its whole path; any other as it is."""
    file = sqlite_file(uri)
    if file is None:
        return uri
    _, mark, options = uri.partition("?")
    # Only what would be misread is quoted: from a quoted space MLflow makes an empty folder named `a%20b`.
    path = str(Path.cwd() / file).replace("%", "%25").replace("?", "%3F")
    return f"sqlite:///{path}{mark}{options}"


@contextmanager
def _initialised_once(uri: str) -> Iterator[None]:
    """Hold a lock next to the SQLite file: opened fresh by several processes at once it is left half-migrated."""
    file = sqlite_file(uri)
    if file is None:
        yield
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_name(file.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if file.exists():
            refuse_moved_or_older(file)
        else:
            _make_database(file)
        yield


def _make_database(file: Path) -> None:
    """Make the tables under another name and rename: killed on the way, MLflow leaves a file that never opens again.

    Its migrations take seconds: they run once a user and version of MLflow, and what they made is kept and copied.
    """
    made, whole = (file.with_name(f".{file.name}.{os.getpid()}.{step}") for step in ("making", "made"))
    kept = cache_folder() / "mlflow"
    try:
        with naming(file):
            if not _kept_tables(kept, whole):
                _migrate(made, whole)
                with suppress(OSError):  # only the next first start would be quicker
                    _keep_tables(whole, kept)
            whole.replace(file)
    finally:
        for left in file.parent.glob(f".{file.name}.{os.getpid()}.*"):
            with suppress(OSError):
                left.unlink()


def _migrate(made: Path, whole: Path) -> None:
    """Tables without a row of a place: the default experiment, which names a folder, is made by whoever opens them.

    Copied by SQLite itself, since what MLflow has just written may still stand in a journal next to its file.
    """
    prepare()
    from mlflow import MlflowClient

    MlflowClient(tracking_uri=absolute(f"sqlite:///{made}")).search_experiments(max_results=1)
    with closing(sqlite3.connect(made)) as source, closing(sqlite3.connect(whole)) as copy:
        source.backup(copy)
        copy.execute("DELETE FROM experiments")
        copy.commit()


def _kept_tables(kept: Path, whole: Path) -> bool:
    """Copy the tables that were made before by this version of MLflow; False if there are none, or damaged ones."""
    for path in kept.glob(f"{version('mlflow')}-*.db"):
        written = path.read_bytes()
        if path.stem.endswith(f"-{hashlib.sha256(written).hexdigest()}"):
            write_atomically(whole, written)
            return True
        with suppress(OSError):
            path.unlink()
    return False


def _keep_tables(whole: Path, kept: Path) -> None:
    """Under a name that says what they hold."""
    kept.mkdir(parents=True, exist_ok=True)
    written = whole.read_bytes()
    write_atomically(kept / f"{version('mlflow')}-{hashlib.sha256(written).hexdigest()}.db", written)
