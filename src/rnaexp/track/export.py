"""The runs table as a DataFrame: for `rnaexp compare` and for the CSV files in tracking/results."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnaexp.errors import UnavailableError
from rnaexp.track.store import EXPERIMENT, client, connect, reason, target

if TYPE_CHECKING:
    import pandas as pd

_PAGE = 1000


def runs_table(experiment: str = EXPERIMENT) -> "pd.DataFrame":
    """One row per parent run, newest first: run_id, name, status, started, params.*, metrics.*, tags.*.

    A parameter stands under its own name where it was logged as `resolved.<name>` beside `mlflow run`'s.
    """
    import pandas as pd

    fixed = ["run_id", "name", "status", "started"]
    table = pd.DataFrame([_row(run) for run in _parents(experiment)])
    return table.reindex(columns=[*fixed, *sorted(set(table.columns) - set(fixed))])


def _parents(experiment: str) -> list[Any]:
    experiment_id, connection = connect(experiment), client(target(experiment))
    runs: list[Any] = []
    token: str | None = ""
    while token is not None:
        page = connection.search_runs(
            [experiment_id], "tags.`rnaexp.kind` = 'parent'", max_results=_PAGE, page_token=token or None
        )
        runs, token = runs + list(page), page.token or None
    return runs


def _row(run: Any) -> dict[str, Any]:
    import pandas as pd

    params = run.data.params
    resolved = {key.removeprefix("resolved."): value for key, value in params.items() if key.startswith("resolved.")}
    given = {key: value for key, value in params.items() if not key.startswith("resolved.")}
    return {
        "run_id": run.info.run_id,
        "name": run.info.run_name,
        "status": run.info.status,
        "started": pd.Timestamp(run.info.start_time, unit="ms", tz="UTC"),
        **{f"params.{key}": value for key, value in (given | resolved).items()},
        **{f"metrics.{key}": value for key, value in run.data.metrics.items()},
        **{f"tags.{key}": value for key, value in run.data.tags.items() if not key.startswith("mlflow.")},
    }


def fetch_artifact(run_id: str, name: str) -> Path:
    """A run's artifact as a local file; the artifact of its test child if the run itself has none.

    Raises: UnavailableError if there is no such run or artifact.
    """
    import mlflow.artifacts
    from mlflow.exceptions import MlflowException

    where = target()
    connect()
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
