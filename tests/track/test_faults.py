"""Real processes, real signals, real servers: what a run leaves when things go wrong."""

import contextlib
import os
import socket
import subprocess
import sys
import time

import pytest

from rnaexp.track import sync, tracked_run
from rnaexp.track.outbox import Synced
from tests.track.servers import Server, eventually

# Forked after the imports (3 s each), so that the six really open the file at the same moment.
SIX_FIRST_STARTS = """
import os
import mlflow, mlflow.store.tracking.sqlalchemy_store
from rnaexp.track import tracked_run
def first_start():
    with tracked_run("first start", params={"model": "m"}) as run:
        run.metrics({"seconds": 1})
        with run.child("tune", kind="tune") as child:
            child.data_set("builtin", "ab" * 32, "builtin", "validation", 8)
            child.text("x", "x.txt")
children = []
for _ in range(6):
    child = os.fork()
    if child == 0:
        first_start()
        os._exit(0)
    children.append(child)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""
LONG_RUN = """
import signal, sys, time
from rnaexp.errors import Terminated
from rnaexp.track import tracked_run
from rnaexp.track.orphan import watch_parent
def stop(number, frame): raise Terminated("SIGTERM")
signal.signal(signal.SIGTERM, stop)
watch_parent(0.1)
try:
    with tracked_run("long") as run:
        run.metrics({"seconds": 1})
        run.child("tune", kind="tune")
        print("working", flush=True)
        time.sleep(60)
except Terminated:
    sys.exit(143)
"""


def python(*arguments: str, **options) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, *arguments], text=True, **options)


def statuses(client, name="rnaexp"):
    experiment = client.get_experiment_by_name(name)
    return {run.info.run_name: run.info.status for run in client.search_runs([experiment.experiment_id])}


def outbox(place):
    return list((place / ".rnaexp" / "outbox").iterdir())


@pytest.mark.fault
def test_six_first_starts_at_once_on_a_fresh_store_all_end_finished(clean, mlflow_of):
    process = python("-c", SIX_FIRST_STARTS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.communicate(timeout=120)[0] == "[0, 0, 0, 0, 0, 0]\n", "and MLflow and alembic are quiet"
    client = mlflow_of(clean)
    (experiment,) = [one for one in client.search_experiments() if one.name == "rnaexp"]
    runs = client.search_runs([experiment.experiment_id])
    assert [run.info.status for run in runs] == ["FINISHED"] * 12
    assert not outbox(clean)


FIRST_START = "from rnaexp.track.store import connect; print('starting', flush=True); connect()"


@pytest.mark.fault
def test_a_first_start_killed_hard_leaves_no_half_made_database(tmp_path):
    database = tmp_path / "mlflow.db"
    for _ in range(2):
        nothing_kept = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
        words = [sys.executable, "-c", FIRST_START]
        process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, env=nothing_kept)
        process.stdout.readline()
        while process.poll() is None and not list(tmp_path.glob(".mlflow.db.*")):
            time.sleep(0.01)
        time.sleep(0.3)
        process.kill()
        process.wait()
        assert not database.exists(), "the kill came too late to prove anything"
    done = subprocess.run([sys.executable, "-c", FIRST_START], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert database.exists()


HANGING = """
from rnaexp.track import tracked_run
with tracked_run("x") as run:
    run.metrics({"f1": 1})
"""


@pytest.mark.fault
def test_a_server_that_accepts_and_never_answers_costs_one_time_out_a_try_and_one_line(tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        given = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_HTTP_REQUEST_TIMEOUT": "2"}
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "RNAEXP_"))}
        done = subprocess.run(
            [sys.executable, "-c", HANGING], cwd=tmp_path, env=kept | given, capture_output=True, text=True, check=True
        )
        silent.setblocking(False)
        tries = 0
        with contextlib.suppress(BlockingIOError):
            while silent.accept():
                tries += 1
    assert tries == 2, "once at the start, once at the end; none is repeated"
    first, second, last = done.stderr.splitlines()
    assert first == second == f"rnaexp: tracking store not reachable, the run goes on: {uri} does not answer within 2 s"
    assert "`rnaexp sync` pushes it later" in last
    (waiting,) = (tmp_path / ".rnaexp" / "outbox").iterdir()
    assert '"f1": 1' in (waiting / "journal.jsonl").read_text()


def test_what_waits_for_an_answer_is_short_and_sync_is_patient(monkeypatch, tmp_path):
    from rnaexp.track import outbox, store

    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT", raising=False)
    store.prepare()
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "10"
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT")
    outbox.sync(tmp_path)
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "60"


@pytest.mark.fault
def test_tables_are_made_once_a_user_and_again_if_what_was_kept_is_damaged(tmp_path, monkeypatch):
    from mlflow import MlflowClient

    from rnaexp.track import store

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made, real = [], store._migrate
    monkeypatch.setattr(store, "_migrate", lambda *places: made.append(places) or real(*places))
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # `connect` sets it
        experiment = store.connect()
        client = MlflowClient(f"sqlite:///{tmp_path / name / 'mlflow.db'}")
        assert client.get_experiment(experiment).artifact_location == (tmp_path / name / "mlartifacts/rnaexp").as_uri()
        assert str(tmp_path / name) in client.get_experiment("0").artifact_location
        assert sorted(path.name for path in (tmp_path / name).iterdir()) == ["mlflow.db", "mlflow.db.lock"]
        assert len(made) == (2 if name == "three" else 1)
        (kept,) = [path for path in (tmp_path / "cache").rglob("*.db") if path.is_file()]
        if name == "two":
            written = bytearray(kept.read_bytes())
            written[5000] ^= 1
            kept.write_bytes(written)


@pytest.mark.fault
def test_a_damaged_database_is_one_clear_error(tmp_path, monkeypatch):
    import sqlite3

    from rnaexp.errors import UnavailableError
    from rnaexp.track.store import connect

    monkeypatch.chdir(tmp_path)
    with sqlite3.connect("mlflow.db") as half:
        half.execute("CREATE TABLE trace_metrics (request_id TEXT)")
        half.execute("CREATE TABLE experiments (experiment_id INTEGER)")
    with pytest.raises(UnavailableError, match="move it away"):
        connect()


@pytest.mark.fault
def test_sigterm_ends_killed_with_143(place, mlflow_of):
    process = python("-c", LONG_RUN, stdout=subprocess.PIPE)
    assert process.stdout.readline() == "working\n"
    process.terminate()
    assert process.wait(30) == 143
    assert statuses(mlflow_of(place)) == {"long": "KILLED", "tune": "KILLED"}


@pytest.mark.fault
def test_a_run_killed_hard_is_closed_as_killed_by_sync_and_a_live_one_is_left_alone(place, mlflow_of):
    process = python("-c", LONG_RUN, stdout=subprocess.PIPE)
    assert process.stdout.readline() == "working\n"
    assert sync() == Synced(live=1)
    process.kill()
    process.wait(30)
    assert statuses(mlflow_of(place)) == {"long": "RUNNING", "tune": "RUNNING"}
    assert sync() == Synced(pushed=1)
    assert sync() == Synced()
    assert statuses(mlflow_of(place)) == {"long": "KILLED", "tune": "KILLED"}
    assert not outbox(place)


@pytest.mark.fault
def test_a_run_stops_itself_when_its_mlflow_run_is_gone(place, mlflow_of, tmp_path, monkeypatch):
    # The chain of a real `mlflow run`: mlflow -> bash -c -> us; SIGTERM to mlflow leaves the others alive.
    client = mlflow_of(place)
    opened = client.create_run("0", run_name="long")
    monkeypatch.setenv("MLFLOW_RUN_ID", opened.info.run_id)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "0")
    (tmp_path / "long.py").write_text(LONG_RUN)
    launcher = tmp_path / "mlflow"
    command = f"{sys.executable} long.py; echo $? > rc"
    launcher.write_text(f"import subprocess\nsubprocess.Popen(['bash', '-c', {command!r}]).wait()\n")
    process = python(str(launcher), "run", stdout=subprocess.PIPE)
    assert process.stdout.readline() == "working\n"
    process.terminate()
    process.wait(30)
    assert eventually(lambda: (tmp_path / "rc").exists() and (tmp_path / "rc").read_text()) == "143\n"
    assert statuses(client, "Default") == {"long": "KILLED", "tune": "KILLED"}


@pytest.fixture
def server(place, monkeypatch):
    server = Server(f"sqlite:///{place / 'mlflow.db'}", place)
    server.start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    yield server
    server.stop()


@pytest.mark.fault
@pytest.mark.slow
def test_a_server_that_stops_mid_run_costs_nothing_and_sync_twice_gives_one_run(server, place, mlflow_of, capsys):
    with tracked_run("rnabert", params={"model": "rnabert"}) as run:
        run.metrics({"before": 1})
        assert run.url == f"{server.uri}/#/experiments/1/runs/{run.run_id}"
        server.stop()
        run.metrics({"structure.f1": 0.05})
        with run.child("test", kind="test") as child:
            child.text("result", "tables/result.txt")
    assert "the run goes on" in capsys.readouterr().err
    with tracked_run("never seen") as offline:
        offline.metrics({"seconds": 2})
        assert offline.run_id is None
    assert len(outbox(place)) == 2
    assert sync() == Synced(kept=2), "still down"
    server.start()
    assert sync() == Synced(pushed=2)
    assert sync() == Synced()
    assert not outbox(place)
    client = mlflow_of(server.uri)
    assert statuses(client) == {"rnabert": "FINISHED", "test": "FINISHED", "never seen": "FINISHED"}
    assert len(client.search_runs(["1"])) == 3
    for key in ("before", "structure.f1"):
        assert len(client.get_metric_history(run.run_id, key)) == 1
    (nested,) = client.search_runs(["1"], f"tags.`mlflow.parentRunId` = '{run.run_id}'")
    assert [file.path for file in client.list_artifacts(nested.info.run_id, "tables")] == ["tables/result.txt"]


@pytest.mark.fault
def test_a_journal_played_twice_leaves_one_of_everything(place, mlflow_of, monkeypatch):
    from rnaexp.track import outbox as boxes
    from rnaexp.track.journal import Journal

    monkeypatch.setattr(Journal, "remove", Journal.close)  # as if the process died before it could delete
    with tracked_run("rnabert", params={"layer": 3}) as run:
        run.metrics({"structure.f1": 0.05})
        run.data_set("builtin", "ab" * 32, "builtin", "validation", 8)
        run.child("tune", kind="tune").text("x", "x.txt")
    assert boxes.sync() == Synced(pushed=1)
    assert boxes.sync() == Synced(pushed=1)
    client = mlflow_of(place)
    assert statuses(client) == {"rnabert": "FINISHED", "tune": "FINISHED"}
    assert len(client.search_runs(["1"])) == 2
    assert len(client.get_metric_history(run.run_id, "structure.f1")) == 1
    assert len(client.get_run(run.run_id).inputs.dataset_inputs) == 1


@pytest.mark.fault
def test_what_is_meant_for_another_store_stays(place, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    with tracked_run("offline") as run:
        run.metrics({"seconds": 2})
    (folder,) = outbox(place)
    assert "secret" not in (folder / "journal.jsonl").read_text() + capsys.readouterr().err
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert sync() == Synced(kept=1)
    assert "meant for http://127.0.0.1:9" in capsys.readouterr().err


@pytest.mark.fault
def test_a_line_torn_by_a_power_cut_is_dropped_and_the_rest_is_pushed(place, mlflow_of, monkeypatch):
    from rnaexp.track.journal import Journal

    monkeypatch.setattr(Journal, "remove", Journal.close)
    with tracked_run("rnabert") as run:
        run.metrics({"structure.f1": 0.05})
    (folder,) = outbox(place)
    text = (folder / "journal.jsonl").read_text()
    (folder / "journal.jsonl").write_text(text[:-20])  # the end operation is torn
    assert sync() == Synced(pushed=1)
    assert statuses(mlflow_of(place)) == {"rnabert": "KILLED"}


@pytest.mark.fault
def test_what_mlflow_refuses_is_a_warning_and_stays_on_disk(place, mlflow_of, capsys):
    with tracked_run("rnabert") as run:
        mlflow_of(place).log_param(run.run_id, "layer", "7")
        run.params({"layer": 3})
        run.metrics({"structure.f1": 0.05})
    assert "MLflow refused params" in capsys.readouterr().err
    assert mlflow_of(place).get_run(run.run_id).data.metrics == {"structure.f1": 0.05}
    assert len(outbox(place)) == 1
    assert sync() == Synced(kept=1)
