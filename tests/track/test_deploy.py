"""A model's folder is all that another machine needs: rnaexp's code, a short list of packages, the same bytes."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest

from rnaexp.models import load, spec
from rnaexp.rna import Rna
from rnaexp.structure.configuration import configuration
from rnaexp.structure.predict import predict_one, record_of
from rnaexp.structure.shipped_heads import shipped_head
from rnaexp.track.model_folder import requirements, write_model

from ..command import environment

LM = ["beartype", "jaxtyping", "mlflow", "numba", "numpy", "pandas", "psutil", "pydantic", "pyyaml"]
LM += ["safetensors", "scipy", "torch", "transformers", "viennarna"]
TRNA = "GGGGCUAUAGCUCAGCUGGGAGAGCGCCUGCUUUGCACGCAGGAGGUCUGCGGUUCGAUCCCGCAUAGCUCCACCA"
# What is printed: the answers, where rnaexp came from, and whom its own code imported.
PREDICT = """
import builtins, json, sys
imported, real = set(), builtins.__import__
def watched(name, globals=None, locals=None, fromlist=(), level=0):
    if level == 0 and (globals or {}).get("__name__", "").startswith("rnaexp"):
        imported.add(name.partition(".")[0])
    return real(name, globals, locals, fromlist, level)
builtins.__import__ = watched
import mlflow
model = mlflow.pyfunc.load_model(sys.argv[1], model_config={"device": "cpu"})
answers = model.predict(json.loads(sys.argv[2])).to_dict("records")
import rnaexp
print(json.dumps({"answers": answers, "code": rnaexp.__file__, "imported": sorted(imported)}))
"""
WITHOUT = """
import importlib.util, sys
from pathlib import Path
sys.path[:] = [one for one in sys.path if not (Path(one or ".") / "rnaexp").is_dir()]
sys.meta_path[:] = [one for one in sys.meta_path if "__editable__" not in getattr(one, "__module__", "")]
assert importlib.util.find_spec("rnaexp") is None, "rnaexp is out of reach"
"""


def shipped(name, **changed):
    """The configuration of a head that ships."""
    tuned = shipped_head(name).tuned
    return replace(configuration(spec(name), tuned, {"name": name, "seed": 0}, alignment="intact"), **changed)


def names(found):
    return [line.partition("==")[0] for line in requirements(found)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("deploy") / "model"
    write_model(place, shipped("lm-nano"))
    return place


@pytest.fixture(scope="module")
def known():
    """What the head says here."""
    head = shipped_head("lm-nano").tuned
    told = record_of(predict_one(load("lm-nano", device="cpu"), Rna(id="trna", sequence=TRNA), head), head)
    return [told | {"configuration": shipped("lm-nano").sha256(), "version": None}]


def elsewhere(python, folder, cwd, before=""):
    rows = json.dumps([{"id": "trna", "sequence": TRNA}])
    command = [python, "-c", before + PREDICT, folder, rows]
    done = subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_the_folder_holds_the_code_and_a_short_list_in_the_versions_that_are_here(folder):
    lines = (folder / "requirements.txt").read_text().split()
    assert [line.partition("==")[0] for line in lines] == LM
    assert all(line == f"{name}=={version(name).partition('+')[0]}" for name, line in zip(LM, lines, strict=True))
    held = {path.relative_to(folder / "code").as_posix() for path in (folder / "code").rglob("*") if path.is_file()}
    assert held >= {"rnaexp/__init__.py", "rnaexp/track/pyfunc.py", "rnaexp/models/shipped/lm-nano/model.safetensors"}
    assert not [name for name in held if name.endswith(".pyc")]
    assert not [path for path in (folder / "code").rglob("*") if path.is_symlink()]


def test_without_rnaexp_the_folder_alone_predicts_the_same_and_imports_only_what_it_lists(folder, known, tmp_path):
    told = elsewhere(sys.executable, str(folder), tmp_path, before=WITHOUT)
    assert Path(told["code"]).is_relative_to(folder)
    assert json.dumps(told["answers"]) == json.dumps(known)
    owners = packages_distributions()
    owners = {name: [one.lower() for one in by] for name, by in owners.items()}
    foreign = [name for name in told["imported"] if name in owners and name != "rnaexp"]
    assert {"torch", "mlflow"} <= set(foreign)
    assert [name for name in foreign if not set(owners[name]) & set(LM)] == []


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("stems", set()),
        ("kernel-alignment", set()),
        ("lm-nano", {"transformers"}),
        ("rnabert", {"transformers", "pooch", "huggingface-hub", "httpx2"}),
    ],
)
def test_a_model_lists_what_it_takes_besides(name, more):
    downloading = {"gdown", "huggingface-hub", "httpx2", "pooch"}
    always, found = set(LM) - {"transformers"}, shipped(name)
    assert set(names(found)) - downloading == always | more - downloading
    assert set(names(found)) & downloading >= more & downloading
    packed = set(names(replace(found, packaged="a" * 64)))
    assert packed == always | more - downloading, "a copy needs no download"


@pytest.mark.slow
def test_a_venv_with_the_models_own_requirements_predicts_the_same(folder, known, tmp_path):
    """From the package registry that pip is set up for: minutes, and a gigabyte."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    quiet = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run([*quiet, "--requirement", folder / "requirements.txt"], check=True)
    (tmp_path / "empty").mkdir()
    told = elsewhere(python, str(folder), tmp_path / "empty")
    assert json.dumps(told["answers"]) == json.dumps(known)
    assert Path(told["code"]).is_relative_to(folder)
