"""The runs table as a DataFrame, and the tables that runs keep as artifacts: for `rnaexp compare` and the exports."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnaexp.errors import InputError, UnavailableError
from rnaexp.track.database import is_database, runs_of_kind
from rnaexp.track.names import EARLIER
from rnaexp.track.store import EXPERIMENT, client, connect, pages, reason, target

if TYPE_CHECKING:
    import pandas as pd

_PAGE = 1000
SEARCH = "rnaexp.search"  # tag of a search's run, which older versions counted among the models' runs
_RUN_ID = re.compile("[0-9a-f]{8,32}")  # its beginning, or all 32 digits


def runs_table(experiment: str = EXPERIMENT) -> "pd.DataFrame":
    """One row per parent run, newest first: run_id, name, status, started, params.*, metrics.*, tags.*.

    A parameter stands under its own name where it was logged as `resolved.<name>` next to that of `mlflow run`.
    """
    import pandas as pd

    fixed = ["run_id", "name", "status", "started"]
    table = pd.DataFrame([_row(run) for run in _parents(experiment) if SEARCH not in run.data.tags])
    return table.reindex(columns=[*fixed, *sorted(set(table.columns) - set(fixed))])


def _parents(experiment: str) -> Iterable[Any]:
    from sqlalchemy.exc import SQLAlchemyError

    where, experiment_id = target(experiment), connect(experiment)
    if is_database(where.uri):
        with suppress(ImportError, AttributeError, SQLAlchemyError):  # an MLflow whose tables are others
            return runs_of_kind(where.uri, experiment_id, "parent")
    return pages(client(where).search_runs, [experiment_id], "tags.`rnaexp.kind` = 'parent'", size=_PAGE)


def searches_table(experiment: str = EXPERIMENT) -> "pd.DataFrame":
    """One row per finished search, newest first, as `runs_table` has them; those of older versions too."""
    import pandas as pd

    runs = runs_in(experiment, f"tags.`{SEARCH}` = 'larger' and attributes.status = 'FINISHED'")
    return pd.DataFrame([_row(run) for run in runs])


def runs_in(experiment: str, question: str) -> list[Any]:
    """Every run of the experiment that MLflow's filter `question` finds, newest first.

    Raises: UnavailableError; OSError where the store's disk is full or read-only.
    """
    experiment_id = connect(experiment)  # which says in words what a client would raise
    return _search(client(target(experiment)), experiment_id, question)


def _search(connection: Any, experiment_id: str, question: str, order_by: list[str] | None = None) -> list[Any]:
    return [*pages(connection.search_runs, [experiment_id], question, size=_PAGE, order_by=order_by)]


def leaderboard_run(experiment: str) -> str | None:
    """The id of the experiment's leaderboard run, None before there is one."""
    found = runs_in(experiment, "tags.`rnaexp.kind` = 'comparison' and attributes.run_name = 'leaderboard'")
    return str(found[0].info.run_id) if found else None


def describe_experiment(experiment: str, text: str) -> None:
    """Stand on the experiment's page, as Markdown. Raises: UnavailableError."""
    from mlflow.exceptions import MlflowException

    experiment_id = connect(experiment)
    try:
        client(target(experiment)).set_experiment_tag(experiment_id, "mlflow.note.content", text)
    except MlflowException as error:
        message = f"the description of experiment {experiment}: {reason(error)}"
        raise UnavailableError(message) from error


def whole_id(run_id: str) -> str:
    """The run's id, of which the first eight hex digits or more are enough; of a transferred run the one it had, too.

    What is no run's id is given back. Raises: InputError where several runs begin so, naming them.
    """
    if not _RUN_ID.fullmatch(run_id):
        return run_id
    connect()
    connection = client(target())
    experiments = [one.experiment_id for one in connection.search_experiments()]
    runs = connection.search_runs(experiments, f"attributes.run_id LIKE '{run_id}%'", max_results=10)
    if not runs:
        runs = connection.search_runs(experiments, f"tags.`{EARLIER}` LIKE '{run_id}%'", max_results=10)
    if len(runs) > 1:
        message = f"run {run_id}: several begin so: {', '.join(sorted(run.info.run_id for run in runs))}"
        raise InputError(message)
    return str(runs[0].info.run_id) if runs else run_id


def find_run(run_id: str) -> Any:
    """A run by its id, or the beginning of it. Raises: UnavailableError if there is no such run, as `whole_id`."""
    from mlflow.exceptions import MlflowException

    connect()
    try:
        return client(target()).get_run(whole_id(run_id))
    except MlflowException as error:
        message = f"run {run_id!r}: {reason(error)}"
        raise UnavailableError(message) from error


def runs_below(run: Any) -> list[Any]:
    """Every run under this one, however deep and however it ended, each after the run above it."""
    below = f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
    found = _search(client(target()), run.info.experiment_id, below, ["attributes.start_time ASC"])
    return [one for child in found for one in (child, *runs_below(child))]


def _of_kind(experiment: str, kind: str) -> list[Any]:
    return runs_in(experiment, f"tags.`rnaexp.kind` = '{kind}'")


def child_tables(
    experiment: str, parents: Collection[str], wanted: Mapping[str, Sequence[str]]
) -> "dict[str, dict[tuple[str, str], pd.DataFrame]]":
    """Of each parent run its children's CSV artifacts by (kind, name); what a child does not have is not there.

    `wanted`: the names by the kind of child.
    """
    found: dict[str, dict[tuple[str, str], pd.DataFrame]] = {parent: {} for parent in parents}
    if not found:
        return found
    experiment_id, connection = connect(experiment), client(target(experiment))
    # A question to the store for each parent that counts: all children of an experiment may be ten thousands.
    for parent, tables in found.items():
        for run in _search(connection, experiment_id, f"tags.`mlflow.parentRunId` = '{parent}'"):
            kind = run.data.tags.get("rnaexp.kind", "")
            for name, table in _csv_artifacts(experiment, run, wanted.get(kind, ())).items():
                tables[kind, name] = table
    return found


def question_tables(experiment: str, name: str) -> "dict[str, pd.DataFrame]":
    """The newest finished run of each question that keeps a CSV artifact of this name."""
    found: dict[str, pd.DataFrame] = {}
    for run in _of_kind(experiment, "question"):
        question = run.data.tags.get("rnaexp.question", run.info.run_name)
        if run.info.status == "FINISHED" and question not in found:
            for table in _csv_artifacts(experiment, run, (name,)).values():
                found[question] = table
    return found


def _csv_artifacts(experiment: str, run: Any, names: Sequence[str]) -> "dict[str, pd.DataFrame]":
    return {name: read_table(path) for name, path in _downloaded(run, target(experiment).uri, names.__contains__)}


def _downloaded(run: Any, uri: str, wanted: Callable[[str], bool]) -> Iterator[tuple[str, Path]]:
    """Those of a run's artifacts, outside folders, whose names are wanted: name and local file."""
    from mlflow.artifacts import download_artifacts, list_artifacts

    # By the run's own URI: by its id, MLflow asks the server three times for each file.
    root = run.info.artifact_uri
    for item in list_artifacts(artifact_uri=root, tracking_uri=uri):
        name = Path(item.path).name
        if wanted(name):
            yield name, Path(download_artifacts(artifact_uri=f"{root}/{name}", tracking_uri=uri))


def read_table(file: Any) -> "pd.DataFrame":
    """A CSV artifact. Words stay words: an RNA may be called NA."""
    import pandas as pd

    words = dict.fromkeys(("rna", "cluster", "family", "group"), str)
    return pd.read_csv(file, dtype=words, keep_default_na=False, na_values=[""])


def text_of_artifacts(run: Any, ending: str) -> dict[str, str]:
    """The texts of a run's artifacts, those in folders left out, whose names end so."""
    found = _downloaded(run, target().uri, lambda name: name.endswith(ending))
    return {name: path.read_text(encoding="utf-8") for name, path in found}


def params_of(run: Any) -> dict[str, str]:
    """A run's parameters, each under its own name; what was logged as `resolved.<name>` wins."""
    params = run.data.params
    resolved = {key.removeprefix("resolved."): value for key, value in params.items() if key.startswith("resolved.")}
    return {key: value for key, value in params.items() if not key.startswith("resolved.")} | resolved


def _row(run: Any) -> dict[str, Any]:
    import pandas as pd

    return {
        "run_id": run.info.run_id,
        "name": run.info.run_name,
        "status": run.info.status,
        "started": pd.Timestamp(run.info.start_time, unit="ms", tz="UTC"),
        **{f"params.{key}": value for key, value in params_of(run).items()},
        **{f"metrics.{key}": value for key, value in run.data.metrics.items()},
        **{f"tags.{key}": value for key, value in run.data.tags.items() if not key.startswith("mlflow.")},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A model's run with its children: parameters, and every metric, a child's as `kind: name`."""

    params: dict[str, str]
    metrics: dict[str, float]


def kind_of(run_id: str) -> str:
    """What a run is: parent, question and so on. Raises: UnavailableError if there is no such run."""
    return str(find_run(run_id).data.tags.get("rnaexp.kind", ""))


def model_runs_of(question: str, kind: str = "") -> list[str]:
    """Ids of the finished runs below a run, in the order in which they were started; `kind`: only those of it."""
    below = f"tags.`mlflow.parentRunId` = '{question}' and attributes.status = 'FINISHED'"
    below += f" and tags.`rnaexp.kind` = '{kind}'" if kind else ""
    experiment = find_run(question).info.experiment_id
    found = _search(client(target()), experiment, below, ["attributes.start_time ASC"])
    return [run.info.run_id for run in found]


def figures_of(run_id: str) -> Figures:
    """Raises: UnavailableError if there is no such run, or it is not a model's own."""
    from mlflow.exceptions import MlflowException

    connect()
    connection = client(target())
    try:
        run = connection.get_run(run_id)
        family = connection.search_runs(
            [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'", max_results=100
        )
    except MlflowException as error:
        message = f"run {run_id!r}: {reason(error)}"
        raise UnavailableError(message) from error
    if (kind := run.data.tags.get("rnaexp.kind")) not in ("parent", "reproduction"):
        message = f"run {run_id}: a run of kind {kind}; give the id of a model's own run"
        raise UnavailableError(message)
    params = {key.removeprefix("resolved."): value for key, value in sorted(run.data.params.items())}
    metrics = dict(run.data.metrics)
    for one in family:
        about = one.data.tags.get("rnaexp.kind"), one.info.run_name
        metrics |= {f"{' '.join(dict.fromkeys(map(str, about)))}: {key}": v for key, v in one.data.metrics.items()}
    return Figures(params=params, metrics=metrics)


def fetch_artifact(run_id: str, name: str) -> Path:
    """A run's artifact as a local file; the artifact of its test child if the run itself has none.

    Raises: UnavailableError if there is no such run or artifact.
    """
    import mlflow.artifacts
    from mlflow.exceptions import MlflowException

    where = target()
    connect()
    run_id = whole_id(run_id)
    try:
        run = client(where).get_run(run_id)
        family = client(where).search_runs(
            [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'", max_results=100
        )
        for one in (run, *family):
            if any(item.path == name for item in client(where).list_artifacts(one.info.run_id)):
                return Path(
                    mlflow.artifacts.download_artifacts(
                        run_id=one.info.run_id, artifact_path=name, tracking_uri=where.uri
                    )
                )
    except MlflowException as error:
        message = f"run {run_id!r}: {reason(error)}"
        raise UnavailableError(message) from error
    message = f"run {run_id} has no {name}"
    raise UnavailableError(message)
