"""A whole store into another, counted: SQLite to SQLite, and to PostgreSQL; stopped on the way, it goes on."""

import json
import re
import subprocess

import pytest
from mlflow import MlflowClient

from rnaexp.track.names import EARLIER

from ..command import inside as rnaexp
from ..command import start
from ..planted_sets import write_sets
from .servers import Postgres, Server, needs_postgresql

QUESTION = """
title = "Two"
models = ["planted", "stems"]

[[sets]]
validation = "validation.fa"
test = "test.fa"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A question of two models, versions 2 and 3 of a model whose first is deleted, a failed run, one that runs."""
    folder = tmp_path_factory.mktemp("transfer") / "one"
    folder.mkdir()
    write_sets(folder)
    (folder / "two.toml").write_text(QUESTION)
    done = rnaexp("run", "two.toml", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    run = next(one["run_id"] for one in json.loads(done.stdout.splitlines()[0])["runs"] if one["model"] == "planted")
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    client.create_registered_model("planted")
    first = client.create_model_version("planted", f"runs:/{run}/none", run)
    client.delete_model_version("planted", first.version)
    assert rnaexp("register", run, cwd=folder).returncode == 0
    again = rnaexp("run", "--model", "planted", "--validation", "validation.fa", "--test", "test.fa", "--families",
                   "none", "--protocol", "strict", "--register", cwd=folder)  # fmt: skip
    assert again.returncode == 0, again.stderr
    experiment = client.get_experiment_by_name("rnaexp").experiment_id
    curve = client.create_run(experiment, tags={"see": f"run {run}", "rnaexp.kind": "watch"})
    for step in range(700):  # more than one call takes
        client.log_metric(curve.info.run_id, "loss", 1 / (1 + step // 2), timestamp=1000 + step // 3, step=step)
    client.set_terminated(curve.info.run_id, "FAILED", 12345)
    running = client.create_run(experiment)
    below = client.create_run(experiment, tags={"mlflow.parentRunId": running.info.run_id, "of a run that runs": "yes"})
    client.set_terminated(below.info.run_id)
    return folder


def ids(client):
    """Earlier ids by those of the runs that were transferred."""
    experiments = [one.experiment_id for one in client.search_experiments()]
    runs = client.search_runs(experiments, f"tags.`{EARLIER}` LIKE '%'")
    models = client.search_logged_models(experiments)
    found = {run.info.run_id: run.data.tags[EARLIER] for run in runs}
    assert len(set(found.values())) == len(found) == len(client.search_runs(experiments)), "each once, none besides"
    return found | {one.model_id: one.tags[EARLIER] for one in models}


def seen(folder, place, out, **there):
    """What the store says of itself, and what its champion predicts."""
    compared = rnaexp("compare", "--json", cwd=folder, **there)
    assert compared.returncode == 0, compared.stderr
    words = ("predict", "--model", "models:/planted@champion", place / "test.fa", "--out", out)
    done = rnaexp(*words, cwd=folder, **there)
    assert done.returncode == 0, done.stderr
    histories = [rnaexp("history", name, "--json", cwd=folder, **there).stdout for name in ("planted", "rnaexp-pairs")]
    return compared.stdout, histories, {path.name: path.read_bytes() for path in (folder / out).iterdir()}


def facts(client, renamed):
    """Everything of every run, by its id before: what MLflow itself says, ids as they were."""

    def told(text):
        return re.sub("[0-9a-f]{32}", lambda found: renamed.get(found[0], found[0]), text)

    found = {}
    experiment = client.get_experiment_by_name("rnaexp").experiment_id
    for run in client.search_runs([experiment]):
        if run.info.status == "RUNNING" or "of a run that runs" in run.data.tags:
            continue
        history = {
            key: sorted((one.step, one.timestamp, one.value) for one in client.get_metric_history(run.info.run_id, key))
            for key in run.data.metrics
        }
        found[told(run.info.run_id)] = {
            "info": (run.info.run_name, run.info.status, run.info.start_time, run.info.end_time, run.info.user_id),
            "params": run.data.params,
            "tags": {key: told(value) for key, value in run.data.tags.items() if not key.startswith(EARLIER)},
            "history": history,
            "data": sorted(
                (one.dataset.name, one.dataset.digest, one.dataset.profile, *(tag.value for tag in one.tags))
                for one in run.inputs.dataset_inputs
            ),
            "models": [told(one.model_id) for one in (*run.inputs.model_inputs, *run.outputs.model_outputs)],
            "files": {item.path: item.file_size for item in client.list_artifacts(run.info.run_id) if not item.is_dir},
        }
    versions = {}
    for one in client.search_model_versions():
        tags = {key: told(value) for key, value in one.tags.items()}
        versions[one.name, int(one.version)] = told(one.source), told(one.run_id), tags, told(one.description)
    aliases = {
        (one.name, alias, str(version))
        for one in client.search_registered_models()
        for alias, version in client.get_registered_model(one.name).aliases.items()
    }
    models = {
        told(one.model_id): (
            one.name,
            told(one.source_run_id),
            one.params,
            str(one.status),
            {key: told(value) for key, value in one.tags.items() if key != EARLIER},
            sorted((told(m.run_id), m.key, m.value, m.timestamp, m.dataset_digest) for m in one.metrics),
        )
        for one in client.search_logged_models([experiment])
    }
    return found, versions, aliases, models


def check(place, folder, uri, out):
    """All of it is there once, and the programs say the same of it, to the byte."""
    there = {"MLFLOW_TRACKING_URI": uri}
    before, after = MlflowClient(f"sqlite:///{place / 'mlflow.db'}"), MlflowClient(uri)
    earlier = {new.removeprefix("m-"): old.removeprefix("m-") for new, old in ids(after).items()}
    assert facts(after, earlier) == facts(before, {})
    compared, histories, predicted = seen(folder, place, out, **there)
    for new, old in earlier.items():
        compared = compared.replace(new, old)
    assert (compared, histories, predicted) == seen(place, place, out)
    return earlier


def test_a_local_store_goes_into_another_and_a_second_call_changes_nothing(place, tmp_path):
    uri = f"sqlite:///{tmp_path / 'two.db'}"
    done = rnaexp("transfer", "--to", uri, "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    assert "2 runs are not over" in done.stderr
    counted = {one["what"]: (one["source"], one["target"]) for one in json.loads(done.stdout)}
    assert all(here == there for here, there in counted.values())
    assert counted["versions"][0] == 4
    assert all(here for here, _ in counted.values()), "the test store has some of everything"
    earlier = check(place, tmp_path, uri, "found")
    again = rnaexp("transfer", "--to", uri, "--json", cwd=place)
    assert (again.returncode, again.stdout) == (0, done.stdout)
    assert check(place, tmp_path, uri, "again") == earlier
    old = next(old for new, old in earlier.items() if "answer.json" in listed(uri, new))
    out = rnaexp("export", old[:12], "--out", "out", cwd=tmp_path, MLFLOW_TRACKING_URI=uri)
    assert out.returncode == 0, "a run is found by the id that it had"


def listed(uri, run_id):
    client = MlflowClient(uri)
    try:
        return {item.path for item in client.list_artifacts(run_id)}
    except Exception:  # a logged model's id
        return set()


def test_a_name_that_somebody_registered_there_stays_theirs(place, tmp_path):
    uri = f"sqlite:///{tmp_path / 'two.db'}"
    theirs = MlflowClient(uri)
    theirs.create_registered_model("planted", description="ours")
    done = rnaexp("transfer", "--to", uri, "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    assert "left: registered model planted: there is one of this name already" in done.stderr
    assert theirs.get_registered_model("planted").description == "ours"
    assert theirs.search_model_versions("name = 'planted'") == []
    assert theirs.get_registered_model("rnaexp-pairs").aliases


@pytest.mark.fault
def test_a_store_is_not_transferred_into_itself_or_into_nothing(place, tmp_path):
    for uri in (f"sqlite:///{place / 'mlflow.db'}", "http://127.0.0.1:9"):
        done = rnaexp("transfer", "--to", uri, cwd=place, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
        assert done.returncode == 69, done.stderr


@needs_postgresql
@pytest.mark.fault
@pytest.mark.slow
def test_killed_again_and_again_on_the_way_to_postgresql_nothing_is_doubled(place, tmp_path):
    database, server = Postgres(), None
    try:
        database.start()
        server = Server(database.uri, tmp_path)
        server.start()
        killed = 0
        for seconds in (6, 8, 10, 12):
            process = start("transfer", "--to", server.uri, cwd=place)
            try:
                process.communicate(timeout=seconds)
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                killed += 1
        assert killed, "else nothing was killed on the way"
        done = rnaexp("transfer", "--to", server.uri, "--json", cwd=place)
        assert done.returncode == 0, done.stderr
        check(place, tmp_path, server.uri, "found")
    finally:
        if server is not None:
            server.stop()
        database.remove()
