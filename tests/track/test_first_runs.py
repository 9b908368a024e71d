"""A new server's first runs, many at once, on SQLite and on PostgreSQL: one experiment, and every run ends well."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rnaexp.track.store import Target, open_experiment
from tests.command import environment, rnaexp
from tests.planted_sets import write_set

from .servers import Postgres, Server, needs_postgresql

PROJECT = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs_postgresql)])
def server(request, tmp_path):
    """A server that nobody has used."""
    database = Postgres() if request.param == "postgresql" else None
    if database is not None:
        database.start()
    server = Server(f"sqlite:///{tmp_path / 'server.db'}" if database is None else database.uri, tmp_path)
    server.start()
    yield server
    server.stop()
    if database is not None:
        database.remove()


@pytest.mark.fault
def test_eight_that_come_first_at_once_find_one_experiment(server, mlflow_of):
    together = threading.Barrier(8)

    def come(_):
        together.wait(60)
        return open_experiment(Target(uri=server.uri, experiment="new"))

    with ThreadPoolExecutor(8) as eight:
        found = set(eight.map(come, range(8)))
    assert found == {mlflow_of(server.uri).get_experiment_by_name("new").experiment_id}
    done = rnaexp("doctor", "--server", cwd=server.folder, MLFLOW_TRACKING_URI=server.uri)
    assert (done.returncode, done.stdout.splitlines()[0].split()[:2]) == (0, ["ok", "tracking"])
    assert mlflow_of(server.uri).get_experiment_by_name("rnaexp"), "before anybody's first run"


@pytest.mark.fault
@pytest.mark.slow
def test_eight_mlflow_runs_at_once_on_a_new_server_all_finish(server, tmp_path, mlflow_of):
    """`mlflow run` makes its experiment itself, and dies where another was quicker: doctor comes first."""
    sets = {name: write_set(tmp_path / f"{name}.fa", seed, 6, name[0]) for seed, name in enumerate(("valid", "test"))}
    there = {"MLFLOW_TRACKING_URI": server.uri, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    assert rnaexp("doctor", "--server", cwd=tmp_path, **there).returncode == 0
    command = [str(Path(sys.executable).with_name("mlflow")), "run", str(PROJECT), "--env-manager=local"]
    command += ["--experiment-name", "rnaexp", "-P", "model=random", "-P", "min_separation=2"]
    command += ["-P", f"validation={sets['valid']}", "-P", f"test={sets['test']}", "-P", "families=none"]
    started = []
    for at in range(8):
        variables = environment(**there, RNAEXP_STORE=tmp_path / f"store{at}")
        quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started.append(subprocess.Popen(command, cwd=tmp_path, env=variables, **quiet))
    said = [one.communicate(timeout=500)[0] for one in started]
    assert [one.returncode for one in started] == [0] * 8, said
    client = mlflow_of(server.uri)
    runs = client.search_runs([client.get_experiment_by_name("rnaexp").experiment_id], "tags.`rnaexp.kind` = 'parent'")
    assert [run.info.status for run in runs] == ["FINISHED"] * 8
    for run in runs:
        assert run.data.params["protocol.min_separation"] == run.data.params["min_separation"] == "2", "as was given"
        assert "weights" not in run.data.params, "nothing was given"
