"""Runs read straight from a database's tables: the same as MLflow's own search gives, and as quick as was promised."""

from pathlib import Path

import pytest

from rnaexp.track import tracked_run
from rnaexp.track.database import is_database, runs_of_kind
from rnaexp.track.export import runs_table
from rnaexp.track.store import pages, target

from .servers import Server, needs_postgresql

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def some_runs(client):
    """Parents of which one fails, one has a curve and one is deleted, each with a child; newest last."""
    for number in range(4):
        about = {"model": f"m{number}", "resolved.seed": number}
        with tracked_run(f"m{number}", params=about, at=(number + 1, 9)) as run:
            run.metrics({"structure.f1": number / 7, "loss": 3})
            run.metrics({"loss": 1 - number}, step=1)
            client.log_metric(run.run_id, "diverged", float("nan"))
            run.tags({"rnaexp.verdict": "Iñtërnâtiônàl = 'quoted'"})
            run.child("test", kind="test", params={"model": "no parent"})
            if number == 2:
                run.close("FAILED")
    client.delete_run(run.run_id)


def check(client, experiment):
    found = runs_of_kind(target().uri, experiment, "parent")
    known = client.search_runs([experiment], "tags.`rnaexp.kind` = 'parent'")
    assert [run.info.run_id for run in found] == [run.info.run_id for run in known]
    assert [run.info.run_name for run in found] == ["m2", "m1", "m0"]
    for one, other in zip(found, known, strict=True):
        for name in ("run_id", "run_name", "status", "start_time"):
            assert getattr(one.info, name) == getattr(other.info, name)
        for name in ("params", "metrics", "tags"):
            assert repr(sorted(getattr(one.data, name).items())) == repr(sorted(getattr(other.data, name).items())), (
                "NaN"
            )
            assert len(getattr(one.data, name)) > 1


def test_a_local_store_is_read_as_mlflow_reads_it(place, mlflow_of):
    client = mlflow_of(place)
    some_runs(client)
    check(client, "1")
    assert runs_table()["metrics.loss"].tolist() == [-1, 0, 1], "of a curve the last value"


def test_every_page_of_a_search_is_turned(place, mlflow_of):
    client = mlflow_of(place)
    experiment = client.create_experiment("many")
    made = {client.create_run(experiment).info.run_id for _ in range(5)}
    found = [run.info.run_id for run in pages(client.search_runs, [experiment], size=2)]
    assert len(found) == 5
    assert set(found) == made


def test_an_mlflow_with_other_tables_is_asked_by_its_own_search(place, mlflow_of, monkeypatch):
    some_runs(mlflow_of(place))
    known = runs_table()
    monkeypatch.delattr("mlflow.store.tracking.dbmodels.models.SqlLatestMetric")
    assert runs_table().equals(known)


@needs_postgresql
@pytest.mark.fault
def test_a_database_named_outright_and_its_server_give_the_same_table(clean, cluster, mlflow_of, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", cluster.uri)
    client = mlflow_of(cluster.uri)
    some_runs(client)
    check(client, client.get_experiment_by_name("rnaexp").experiment_id)
    straight = runs_table()
    server = Server(cluster.uri, clean)
    server.start()
    try:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
        assert not is_database(server.uri)
        assert runs_table().equals(straight)
    finally:
        server.stop()


@pytest.mark.slow
def test_the_comparison_of_a_thousand_runs_fits_what_is_promised(tmp_path, monkeypatch):
    """The benchmark itself, smaller: a tenth of the runs within the goal's memory and processor time."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    many_runs = __import__("many_runs")
    many_runs.two_runs(tmp_path)
    found = many_runs.timed(tmp_path, 1000)
    assert found["rows"] > many_runs.SEEDS, "a row each seed, the other model's and the published figures"
    assert found["peak_memory_mb"] < 1000
    assert found["cpu_seconds"] < 10, found
