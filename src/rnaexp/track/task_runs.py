"""A task of another package in MLflow: its headline figures in the model's run, all of it in a child of its own."""

from typing import Any

from rnaexp.track.runs import RunHandle

TASK_TAG = "rnaexp.task"


def record_task(parent: RunHandle, task: Any, encoder: Any, settings: Any, result: Any) -> None:
    """`task`, `settings` and `result` as `rnaexp.tasks.task` describes them."""
    named = {f"{task.name}.{name}": value for name, value in result.metrics.items()}
    sets = ", ".join(each.name for each in result.data)
    given = {f"{task.name}.{name}": value for name, value in settings.model_dump(mode="json").items()}
    about = {f"{task.name}.set": sets, f"{task.name}.version": task.version, **given}
    parent.params({"model": encoder.spec.name, "group": encoder.spec.group, **about})
    parent.metrics({name: named[name] for spec in task.metrics for name in (f"{task.name}.{p}" for p in spec.headline)})
    if result.notes:
        parent.tags({f"rnaexp.notes.{task.name}": "; ".join(result.notes)})
    with parent.child(task.name, kind="task", tags={TASK_TAG: task.name}) as run:
        run.params({"model": encoder.spec.name, "fingerprint": encoder.fingerprint, "version": task.version, **given})
        run.metrics(named)
        for each in result.data:
            run.data_set(each.name, sha256=each.sha256, source=each.source, context=task.name, rows=each.items)
        run.table(result.rows, "rows.csv")
        for name, table in result.tables.items():
            run.table(table, name)
        for name, figure in result.figures.items():
            run.figure(figure, name)
