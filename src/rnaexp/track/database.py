"""Runs straight from the tables of a local database, where MLflow's search takes ten times as long for thousands.

MLflow makes objects of every parameter, metric and tag; here they are read as plain rows, by its own description of
its tables, and nothing is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from sys import intern
from types import SimpleNamespace
from typing import Any

_DIALECTS = ("sqlite", "postgresql", "mysql")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRun:
    """A run as MLflow's client gives it, without the data sets: `info` with id, name, status and start, and `data`."""

    info: SimpleNamespace
    data: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(params=dict[str, str](), metrics=dict[str, float](), tags={})
    )


def is_database(uri: str) -> bool:
    """Whether it names a database, and not a server."""
    return uri.partition(":")[0].partition("+")[0] in _DIALECTS


def runs_of_kind(uri: str, experiment_id: str, kind: str) -> list[ReadRun]:
    """The experiment's runs, deleted ones left out, that carry the tag `rnaexp.kind`; newest first, as MLflow's search.

    Raises: SQLAlchemyError.
    """
    from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlParam, SqlRun, SqlTag
    from sqlalchemy import create_engine, false, select

    of_kind = select(SqlTag.run_uuid).where(SqlTag.key == "rnaexp.kind", SqlTag.value == kind)
    here = SqlRun.experiment_id == int(experiment_id), SqlRun.lifecycle_stage == "active"
    chosen = select(SqlRun.run_uuid).where(*here, SqlRun.run_uuid.in_(of_kind))
    infos = select(SqlRun.run_uuid, SqlRun.name, SqlRun.status, SqlRun.start_time).where(SqlRun.run_uuid.in_(chosen))
    engine = create_engine(uri)
    try:
        with engine.connect() as connection:
            order = infos.order_by(SqlRun.start_time.desc(), SqlRun.run_uuid)
            found = {row[0]: ReadRun(info=_info(row)) for row in connection.execute(order)}
            for of_table, name in ((SqlParam, "params"), (SqlLatestMetric, "metrics"), (SqlTag, "tags")):
                table: Any = of_table
                no_number = table.is_nan if name == "metrics" else false()  # NaN is kept as a zero that is marked
                rows = select(table.run_uuid, table.key, table.value, no_number).where(table.run_uuid.in_(chosen))
                for run_id, key, value, is_nan in connection.execute(rows):
                    if run_id in found:  # begun since, it is not there
                        getattr(found[run_id].data, name)[intern(key)] = float("nan") if is_nan else value
    finally:
        engine.dispose()
    return [*found.values()]


def _info(row: Sequence[Any]) -> SimpleNamespace:
    return SimpleNamespace(run_id=row[0], run_name=row[1], status=row[2], start_time=row[3])
