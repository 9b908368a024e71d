"""The registered head used three ways, and MLflow's own server under load: one answer, none lost, none mixed up."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from ..command import answer, environment, rnaexp
from ..planted_sets import hairpin, write_sets

pytestmark = pytest.mark.slow

URI = "models:/msm-nano/latest"
SAFE = {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
ROWS = ("GGGAAAGGCUAUUUUAGCCAAAAAGCCC", "GGCAAAGGCUAUUUUAGCCAAAAAGCCC", "GG-AAAGGAUAUUUUAUCCAAAAA-CCC")
ALIGNMENT = "".join(f">row{at}\n{row}\n" for at, row in enumerate(ROWS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of msm-nano, registered, and RNAs of a user's own with what `rnaexp predict` says of them."""
    place = tmp_path_factory.mktemp("serving")
    write_sets(place)
    words = ("--model", "msm-nano", "--validation", "validation.fa", "--test", "test.fa", "--families", "none")
    run = answer(rnaexp("run", *words, "--json", "--register", cwd=place))
    assert rnaexp("register", run["run_id"], cwd=place).stdout.startswith("models:/msm-nano/1 was already head ")
    rng = np.random.default_rng(5)
    (place / "my").mkdir()
    (place / "my" / "many.fa").write_text("".join(f">m{at}\n{hairpin(rng)}\n" for at in range(40)))
    (place / "my" / "aligned.a3m").write_text(ALIGNMENT)
    done = rnaexp("predict", "--model", URI, "my", "--format", "json", cwd=place)
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture(scope="module")
def known(folder):
    """What `rnaexp predict` says, by id, and what an answer of MLflow's adds: from which version it comes."""
    made = json.loads((folder / "predictions" / "predictions.json").read_text())
    version = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}").get_model_version("msm-nano", "1")
    origin = {"configuration": version.tags["rnaexp.configuration"], "version": "msm-nano/1"}
    return {one["id"]: one | origin for one in made}


def rows_of(folder):
    lines = (folder / "my" / "many.fa").read_text().split()
    rows = [{"id": name[1:], "sequence": letters} for name, letters in zip(lines[::2], lines[1::2], strict=True)]
    return [*rows, {"id": "row0", "sequence": ROWS[0], "alignment": ALIGNMENT}]


def test_a_clean_process_without_pickles_gives_the_same_bytes(folder, known):
    code = (
        "import json, sys, mlflow\n"
        f"model = mlflow.pyfunc.load_model({URI!r})\n"
        "print(json.dumps(model.predict(json.load(sys.stdin)).to_dict('records')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment(**SAFE),
        input=json.dumps(rows_of(folder)),
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert {one["id"]: one for one in told} == known
    lines = (folder / "predictions" / "structures.dbn").read_text().splitlines()
    brackets = {line.split()[0][1:]: lines[at + 2] for at, line in enumerate(lines) if line.startswith(">")}
    assert {one["id"]: one["dot_bracket"] for one in told} == brackets
    assert len(brackets) == 41
    assert known["row0"]["depth"] == 3
    named = rnaexp("predict", "--model", "msm-nano", "my", "--out", "named", cwd=folder)
    assert named.returncode == 0, named.stderr
    for file in ("structures.dbn", "pairs.csv"):
        assert (folder / "named" / file).read_bytes() == (folder / "predictions" / file).read_bytes()


SCORE = """
import json, sys
import mlflow
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
rows = [tuple(row.get(name) for name in ("id", "sequence", "alignment")) for row in json.load(sys.stdin)]
table = spark.createDataFrame(rows, "id string, sequence string, alignment string").repartition(2)
score = mlflow.pyfunc.spark_udf(spark, sys.argv[1], env_manager="local")
found = table.select(score("sequence", "id", "alignment").alias("found")).select("found.*")
print(json.dumps([row.asDict(recursive=True) for row in found.collect()]))
"""


@pytest.mark.skipif(shutil.which("java") is None, reason="no Java runtime, which Spark needs")
def test_spark_scores_a_table_with_the_same_answers(folder, known, tmp_path):
    """PySpark from the package registry, in a folder of its own before this environment."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", tmp_path / "spark", "pyspark>=4"]
    subprocess.run(pip, check=True)
    done = subprocess.run(
        [sys.executable, "-c", SCORE, URI],
        cwd=folder,
        env=environment(PYTHONPATH=tmp_path / "spark", PYSPARK_PYTHON=sys.executable, **SAFE),
        input=json.dumps(rows_of(folder)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = {one["id"]: one for one in json.loads(done.stdout.strip().splitlines()[-1])}
    in_order = [json.dumps(each, sort_keys=True) for each in (told, known)]  # Spark sorts the fields of a pair by name
    assert in_order[0] == in_order[1]


@pytest.fixture(scope="module")
def server(folder):
    """`mlflow models serve` as the README types it; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("mlflow")), "models", "serve", "--env-manager", "local"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with (folder / "serve.log").open("w") as log:
        started = subprocess.Popen(
            [*command, "-m", URI, "-p", str(port)],
            cwd=folder,
            env=environment(**SAFE, PATH=path),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        deadline = time.monotonic() + 120
        while not _listens("127.0.0.1", port):
            assert started.poll() is None, (folder / "serve.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield port
        os.killpg(started.pid, signal.SIGTERM)
        started.wait(30)


def _listens(host, port):
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def ask(port, body):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations", data=body.encode(), headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answered:
            return answered.status, json.load(answered)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_thousand_requests_of_eight_clients_lose_none_and_mix_none_up(folder, server, known):
    rows = rows_of(folder)
    order = np.random.default_rng(0).integers(0, len(rows), 1000)

    def one(at):
        status, told = ask(server, json.dumps({"dataframe_records": [rows[at]]}))
        assert status == 200, told
        return told["predictions"]

    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(one, order))
    assert len(answers) == 1000
    assert all(told == [known[rows[at]["id"]]] for told, at in zip(answers, order, strict=True))
    assert len({told[0]["dot_bracket"] for told in answers}) > 20, "the answers differ, so that a mix-up would show"
    status, told = ask(server, json.dumps({"dataframe_records": rows}))
    assert status == 200
    assert told["predictions"] == [known[row["id"]] for row in rows]


@pytest.mark.fault
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"sequence": "ACGX"}], "rna1: letter 'X' at position 4"),
        ([{"sequence": "ACGU"}, {"id": "second", "sequence": ""}], "second: empty sequence"),
        ([{"sequence": 5}], "rna1: sequence must be text"),
        ([{"id": "a"}], "missing inputs ['sequence']"),
        ([], "missing inputs ['sequence']"),
        ([{"sequence": "A" * 5000}], "rna1: 5000 bases; msm-nano reads at most"),
        ([{"sequence": "ACGU", "alignment": ">a\nACGU\n>b\nACG\n"}], "alignment of rna1:3: row b: 3 columns"),
    ],
)
def test_bad_input_is_400_with_the_reason(server, rows, said):
    status, told = ask(server, json.dumps({"dataframe_records": rows}))
    assert (status, told["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert said in told["message"]


def test_what_is_no_json_is_400_and_the_server_lives_on_loopback_only(server):
    assert ask(server, "nonsense")[0] == 400
    others = {found[4][0] for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
    assert not [host for host in others if not host.startswith("127.") and _listens(host, server)]
