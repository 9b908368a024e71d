"""The figures of a run's tuning and test, linked to the model they are of and to the data they are on."""

from typing import Any


def link_metrics(connection: Any, run_id: str, model_id: str) -> None:
    """Log each child's metrics again with the logged model and the child's data set beside them.

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
