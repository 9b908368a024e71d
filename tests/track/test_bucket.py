"""Artifacts in an S3 bucket behind the server: whoever runs knows the server alone, and no key of the bucket."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from rnaexp.track import sync, tracked_run
from rnaexp.track.outbox import Synced, default_outbox

from ..command import answer, rnaexp
from ..planted_sets import write_sets
from .servers import Server, answers, eventually, free_port

_NEEDED = ("boto3", "flask_cors", "moto")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(find_spec(name) is None for name in _NEEDED), reason="an S3 server: pip install boto3 flask-cors moto"
    ),
]
BUCKET = "rnaexp-artifacts"
KEYS = {"AWS_ACCESS_KEY_ID": "not-a-key", "AWS_SECRET_ACCESS_KEY": "not-a-secret", "AWS_DEFAULT_REGION": "us-east-1"}


class Bucket:
    """An S3 server that keeps nothing once it is stopped."""

    def __init__(self) -> None:
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        import boto3

        code = f"from moto.server import main; main(['-H', '127.0.0.1', '-p', '{self.port}'])"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([sys.executable, "-c", code], **quiet)
        assert eventually(lambda: answers(self.port), seconds=60)
        names = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}
        self.client = boto3.client("s3", endpoint_url=self.uri, **names)
        self.client.create_bucket(Bucket=BUCKET)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def held(self) -> list[str]:
        return [one["Key"] for one in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


@pytest.fixture
def bucket():
    made = Bucket()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def server(bucket, tmp_path):
    folder = tmp_path / "server"
    folder.mkdir()
    where = ("--artifacts-destination", f"s3://{BUCKET}/here")
    made = Server(f"sqlite:///{folder / 'mlflow.db'}", folder, *where, MLFLOW_S3_ENDPOINT_URL=bucket.uri, **KEYS)
    made.start()
    yield made
    made.stop()


def test_runs_registered_models_and_the_leaderboard_live_in_the_bucket(bucket, server, tmp_path):
    write_sets(tmp_path)
    there = {"MLFLOW_TRACKING_URI": server.uri}
    words = ("--validation", "validation.fa", "--test", "test.fa", "--families", "none", "--json")
    answer(rnaexp("run", "--model", "planted", *words, cwd=tmp_path, **there))
    again = rnaexp("run", "--model", "planted", *words, "--register", cwd=tmp_path, **there)
    assert "champion is version 1" in again.stderr, again.stderr
    for verb in (("compare", "--log"), ("predict", "--model", "models:/planted@champion", "test.fa", "--out", "found")):
        done = rnaexp(*verb, cwd=tmp_path, **there)
        assert done.returncode == 0, done.stderr
    ends = {key.rpartition("/")[2] for key in bucket.held()}
    assert {"per_rna.csv", "recipe.json", "MLmodel", "report.html", "leaderboard.json"} <= ends
    assert all(key.startswith("here/") for key in bucket.held())
    assert not [*tmp_path.rglob("mlartifacts")]
    assert [*(tmp_path / "found").iterdir()]


@pytest.mark.fault
def test_a_bucket_that_is_gone_for_a_while_costs_nothing(bucket, server, tmp_path, mlflow_of, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    with tracked_run("rnabert", params={"model": "rnabert"}) as run:
        bucket.stop()
        run.text("result", "result.txt")
        run.metrics({"f1": 0.5})
    assert list(default_outbox().iterdir())
    bucket.start()
    assert sync() == Synced(pushed=1)
    client = mlflow_of(server.uri)
    assert client.get_run(run.run_id).info.status == "FINISHED"
    assert len(client.get_metric_history(run.run_id, "f1")) == 1
    assert [key.rpartition("/")[2] for key in bucket.held()] == ["result.txt"]
