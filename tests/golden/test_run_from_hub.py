"""The documented command, `mlflow run`, on weights that come from a hub: the path a user with a network takes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.command import environment, runs
from tests.models.hub_server import COMMIT, Hub
from tests.planted_sets import write_set

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.golden, pytest.mark.slow]

OPTIONS = ["--env-manager=local", "--experiment-name", "rnaexp", "-P", "validation=vl.fa", "-P", "test=ts.fa"]
# Sizes that a published file does not carry are the catalogue's, so a row for smaller ones says its own.
CASES = {
    "rna-msm": ("rnamsm", "settings = { embed_dim = 40, num_attention_heads = 4, num_layers = 3 }"),
    "rna-fm": ("rnafm", ""),
    "rinalmo-micro": ("rinalmo", "settings = { embed_dim = 48, num_heads = 4, num_blocks = 3 }"),
    "aido-rna-650m": ("aidorna", ""),
}


@pytest.fixture
def project(tmp_path):
    """A folder with the project's entry points: the run, its tracking file and its lock are this test's own."""
    for name in ("MLproject", "conda.yaml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    # Hairpins of our own: what is shown here is the way of the weights, and a small set shows it, too.
    write_set(tmp_path / "vl.fa", 1, 3, "vl")
    write_set(tmp_path / "ts.fa", 2, 3, "ts")
    return tmp_path


@pytest.mark.parametrize("name", CASES)
def test_mlflow_run_fetches_locks_and_finishes(name, golden, project):
    fixture, settings = CASES[name]
    (project / "extra.toml").write_text(f'[models.{name}]\nsource = "hf:authors/{name}"\n{settings}\n')
    with Hub({f"authors/{name}": golden(fixture).weights}) as hub:
        done = subprocess.run(
            [sys.executable, "-m", "mlflow", "run", ".", *OPTIONS, "-P", f"model={name}"],
            cwd=project,
            env=environment(
                HF_ENDPOINT=hub.url,
                HF_HOME=project / "hub-cache",
                RNAEXP_CATALOG=project / "extra.toml",
                RNAEXP_STORE=project / "store",
                PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            ),
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    assert COMMIT in (project / "models.lock").read_text()
    found = runs(project)
    assert {status for _, _, status, *_ in found} == {"FINISHED"}
    logged = [parameters for *_, parameters, _ in found if parameters.get("model") == name and "revision" in parameters]
    assert {parameters["revision"] for parameters in logged} == {COMMIT}
