"""The runs table as a DataFrame: for `rnaexp compare` and for the CSV files in tracking/results."""

from typing import TYPE_CHECKING, Any

from rnaexp.track.store import EXPERIMENT, client, connect, target

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
