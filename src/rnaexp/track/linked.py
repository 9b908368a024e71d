"""A logged model of a run, with the figures of its tuning and test linked to it and to the data they are on.

By the client alone: MLflow's own `log_model` goes by the active run and experiment, logs the run's metrics without
their data sets, and complains of a model's settings that the run has as parameters.
"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Save = Callable[[Any, Path], None]  # (mlflow.models.Model, new folder)


def logged_model(connection: Any, name: str, run_id: str, params: Mapping[str, str], save: Save) -> Any:
    """Log what `save` writes as a model of the run; READY once everything of it has arrived, else FAILED."""
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model

    experiment = connection.get_run(run_id).info.experiment_id
    made = connection.create_logged_model(
        experiment, name, source_run_id=run_id, params=dict(params), model_type="rna-structure"
    )
    status = "FAILED"
    try:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "model"
            about = Model(
                artifact_path=made.artifact_location, model_uuid=made.model_id, run_id=run_id, model_id=made.model_id
            )
            save(about, folder)
            connection.log_model_artifacts(made.model_id, str(folder))
        connection.log_outputs(run_id, [LoggedModelOutput(made.model_id, step=0)])
        link_metrics(connection, run_id, made.model_id)
        status = "READY"
    finally:
        connection.finalize_logged_model(made.model_id, status)
    return made


def link_metrics(connection: Any, run_id: str, model_id: str) -> None:
    """Log each child's metrics again with the logged model and the child's data set.

    With the time they have: MLflow keeps one row for equal key, value and time, so no run's history grows.
    """
    from mlflow.entities import LoggedModelInput

    run = connection.get_run(run_id)
    parent = f"tags.`mlflow.parentRunId` = '{run_id}'"
    for child in connection.search_runs([run.info.experiment_id], parent, max_results=100):
        if child.data.tags.get("rnaexp.kind") not in ("tune", "test") or not child.inputs.dataset_inputs:
            continue
        data_set = child.inputs.dataset_inputs[0].dataset
        connection.log_inputs(child.info.run_id, models=[LoggedModelInput(model_id)])
        linked = [_linked(connection, child.info.run_id, key, model_id, data_set) for key in child.data.metrics]
        connection.log_batch(child.info.run_id, metrics=linked)


def _linked(connection: Any, run_id: str, key: str, model_id: str, data_set: Any) -> Any:
    from mlflow.entities import Metric

    last = connection.get_metric_history(run_id, key)[-1]
    return Metric(
        last.key,
        last.value,
        last.timestamp,
        last.step,
        model_id=model_id,
        dataset_name=data_set.name,
        dataset_digest=data_set.digest,
        run_id=run_id,
    )
