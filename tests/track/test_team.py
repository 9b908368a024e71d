"""A team's server, MLflow on PostgreSQL: eight processes at once, with and without half a minute of silence."""

import json
import subprocess
import time

import pytest

from tests.command import answer, rnaexp, start
from tests.planted_sets import write_sets

from .servers import Server, eventually, needs_postgresql

MODELS = ("random", "canonical", "distance", "stems", "viennarna", "planted", "lm-nano", "untrained:lm-nano")
# What a tuned run's parent must hold, by the names that `--json` gives them.
HEADLINES = (
    *("f1", "f1_low", "f1_high", "f1_sd", "precision", "recall", "mcc", "pooled_f1", "auprc", "p_at_n", "oracle_f1"),
    *("validation_f1", "f1_retuned_low", "f1_retuned_high", "head_stability", "f1_ceiling", "rnas", "clusters"),
    *("skipped", "coverage", "related", "shuffled_calls_per_100_bases"),
)
PICTURES = {"per_rna.csv", "heads.csv", "breakdown.csv", "breakdown.png", "tuned_head.json", "pairs"}


@pytest.fixture
def server(cluster, tmp_path):
    server = Server(cluster.uri, tmp_path)
    server.start()
    yield server
    server.stop()


def start_all(folder, server, experiment):
    write_sets(folder, 8, 12)
    asked = ("--validation", "validation.fa", "--test", "test.fa", "--families", "none", "--json")
    there = {"MLFLOW_TRACKING_URI": server.uri, "MLFLOW_EXPERIMENT_NAME": experiment}
    return {model: start("run", "--model", model, *asked, cwd=folder, **there) for model in MODELS}, there


def told_by(processes):
    """What each run printed, and all that was said on the way."""
    told, said = {}, ""
    for model, process in processes.items():
        out, err = process.communicate(timeout=500)
        told[model] = answer(subprocess.CompletedProcess((), process.returncode, out, err))
        said += err
    return told, said


def check(client, experiment, told):
    """Eight FINISHED parents with all their metrics and files, each logged once, and no other run."""
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    parents = {run.data.params["model"]: run for run in found if run.data.tags["rnaexp.kind"] == "parent"}
    children = [run for run in found if "mlflow.parentRunId" in run.data.tags]
    assert sorted(parents) == sorted(MODELS)
    assert len(found) == 3 * len(MODELS), "each with its tuning and its test"
    assert {run.info.status for run in found} == {"FINISHED"}
    assert len({run.data.tags["rnaexp.uuid"] for run in found}) == len(found)
    for model, run in parents.items():
        known = {f"structure.{name}": told[model]["structure"][name] for name in HEADLINES}
        assert {name: run.data.metrics[name] for name in known} == known
        assert {"seconds", "peak_memory_mb"} <= set(run.data.metrics)
        mine = [one for one in children if one.data.tags["mlflow.parentRunId"] == run.info.run_id]
        kinds = {one.data.tags["rnaexp.kind"]: one for one in mine}
        assert set(kinds) == {"tune", "test"}
        assert {item.path for item in client.list_artifacts(kinds["test"].info.run_id)} >= PICTURES
        assert len(kinds["test"].inputs.dataset_inputs) == 1
    for run in found:
        for name in run.data.metrics:
            assert len(client.get_metric_history(run.info.run_id, name)) == 1, "logged once"


@needs_postgresql
@pytest.mark.fault
@pytest.mark.slow
def test_eight_processes_at_once_leave_eight_whole_runs(server, tmp_path, mlflow_of):
    processes, _ = start_all(tmp_path, server, "at once")
    told, _ = told_by(processes)
    check(mlflow_of(server.uri), "at once", told)
    assert not list((tmp_path / ".rnaexp" / "outbox").iterdir())


@needs_postgresql
@pytest.mark.fault
@pytest.mark.slow
def test_half_a_minute_without_the_server_in_the_middle_changes_nothing(server, tmp_path, mlflow_of):
    client = mlflow_of(server.uri)
    processes, there = start_all(tmp_path, server, "interrupted")
    assert eventually(lambda: begun(client, "interrupted"), seconds=200)
    server.stop()
    time.sleep(30)
    server.start()
    told, said = told_by(processes)
    assert "tracking store not reachable, the run goes on" in said, "else nothing was logged in that half minute"
    for _ in range(2):
        sent = rnaexp("sync", cwd=tmp_path, **there)
        assert sent.returncode == 0, sent.stderr
    assert sent.stdout == "0 runs sent, 0 still running, 0 kept for later\n", "the first call left nothing to do"
    check(client, "interrupted", told)


def begun(client, experiment):
    found = client.get_experiment_by_name(experiment)
    return found is not None and client.search_runs([found.experiment_id])


@needs_postgresql
@pytest.mark.fault
def test_a_database_that_is_gone_for_a_while_costs_nothing(cluster, server, tmp_path, mlflow_of, monkeypatch):
    from rnaexp.track import sync, tracked_run
    from rnaexp.track.outbox import Synced

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "gone")
    with tracked_run("rnabert", params={"model": "rnabert"}) as run:
        run.metrics({"before": 1})
        cluster.stop()
        run.metrics({"structure.f1": 0.05})
        run.child("test", kind="test").text("result", "result.txt")
    cluster.start()
    assert sync() == Synced(pushed=1)
    client = mlflow_of(server.uri)
    found = client.search_runs([client.get_experiment_by_name("gone").experiment_id])
    assert [one.info.status for one in found] == ["FINISHED", "FINISHED"]
    assert len(client.get_metric_history(run.run_id, "structure.f1")) == 1
    assert json.loads(json.dumps(client.get_run(run.run_id).data.metrics)) == {"before": 1.0, "structure.f1": 0.05}
