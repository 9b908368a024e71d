"""`mlflow run . -P model=NAME`: each model by its name, from each place where its weights are published."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.command import environment, runs
from tests.golden import layouts
from tests.models.published_files import NOT_IN_THE_FILE, WRITERS, publish
from tests.planted_sets import write_set
from tests.web import Web

from rnaexp.data.download import file_sha256
from rnaexp.models import load, spec

ROOT = Path(__file__).parents[2]
OPTIONS = ["--env-manager=local", "--experiment-name", "rnaexp"]
SMALL = {"RNAEXP_IGNORE_MEMORY": "1"}  # these files are; their rows say what the published ones need
OWN_SETS = ["-P", "validation=vl.fa", "-P", "test=ts.fa"]


def sources_of(name):
    """Those of the catalogue; where only one is published, a copy that a lab keeps on the hub is the second."""
    published = spec(name).sources
    return published if len(published) > 1 else (*published, replace(published[0], address=f"hf:my-lab/{name}"))


EVERY_WAY = [(name, at) for name in WRITERS for at in range(len(sources_of(name)))]


def catalogue(folder, name, files):
    """A row for a file that is smaller than the published one and does not say so; its hash where one is pinned."""
    rows = [f"[models.{name}]"]
    if sizes := NOT_IN_THE_FILE.get(name):
        told = ", ".join(f"{key} = {json.dumps(value)}" for key, value in sizes.items())
        rows.append(f"settings = {{ {told} }}")
    sources = sources_of(name)
    if any(source.sha256 for source in sources) or sources != spec(name).sources:
        for source in sources:
            told = {"address": source.address, "layout": source.layout, "file": source.file, "member": source.member}
            if source.sha256 is not None:
                (file,) = files.iterdir()
                told["sha256"] = file_sha256(file)
            rows += [f"[[models.{name}.sources]]"]
            rows += [f'{key} = "{value}"' for key, value in told.items() if value is not None]
    (folder / "extra.toml").write_text("\n".join(rows) + "\n")
    return folder / "extra.toml"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Each model's files in the layout of a source, written once."""
    made = {}

    def of(name, source):
        layout = "multimolecule" if source.layout == "multimolecule" else "own"
        if (name, layout) not in made:
            folder = made[name, layout] = tmp_path_factory.mktemp(f"{name.replace('.', '-')}-{layout}")
            if layout == "own":
                WRITERS[name](folder)
            else:
                layouts.write(next(one for one in layouts.LAYOUTS.values() if one.row == name), folder)
        return made[name, layout]

    return of


@pytest.fixture
def project(tmp_path):
    """A folder with the project's entry points: the run, its tracking file, cache and lock are this test's own."""
    for name in ("MLproject", "conda.yaml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    # Hairpins of our own: what is shown here is the way of the weights, and a small set shows it, too.
    write_set(tmp_path / "vl.fa", 1, 12, "vl")  # a third of them are whole codons
    write_set(tmp_path / "ts.fa", 2, 12, "ts")
    return tmp_path


@pytest.mark.parametrize(("name", "at"), EVERY_WAY)
def test_each_source_gives_the_model_and_says_which_it_was(name, at, written, tmp_path, monkeypatch):
    from huggingface_hub import close_session, constants

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache" / "hub"))
    monkeypatch.delenv("RNAEXP_MIRROR", raising=False)
    monkeypatch.setenv(*next(iter(SMALL.items())))
    source = sources_of(name)[at]
    monkeypatch.setenv("RNAEXP_CATALOG", str(catalogue(tmp_path, name, written(name, sources_of(name)[0]))))
    with Web(tmp_path / "web") as web:
        for key, value in web.variables().items():
            monkeypatch.setenv(key, value)
        close_session()
        publish(web, source, written(name, source))
        encoder = load(name, device="cpu")  # sources before this one are not there
    close_session()
    used = encoder.spec.provenance()
    assert (used["weights.source"], used["weights.layout"]) == (source.address, source.layout)
    assert encoder.layers in (2, 3)
    if source.sha256 is None:  # what the catalogue pins needs no lock
        assert json.loads((tmp_path / "models.lock").read_text())[name]["source"] == source.address


# One whole process in every run of the tests; the other ways take minutes and are the same code.
@pytest.mark.parametrize(
    ("name", "at"),
    [case if case == ("rna-msm", 0) else pytest.param(*case, marks=pytest.mark.slow) for case in EVERY_WAY],
)
def test_mlflow_run_fetches_locks_and_finishes(name, at, written, project):
    source = sources_of(name)[at]
    with Web(project / "web") as web:
        publish(web, source, written(name, source))
        done = subprocess.run(
            [sys.executable, "-m", "mlflow", "run", ".", *OPTIONS, *OWN_SETS, "-P", f"model={name}"],
            cwd=project,
            env=environment(
                **web.variables(),
                HF_HOME=project / "hub-cache",
                XDG_CACHE_HOME=project / "cache",
                RNAEXP_CATALOG=catalogue(project, name, written(name, sources_of(name)[0])),
                RNAEXP_STORE=project / "store",
                PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            )
            | {"RNAEXP_MIRROR": "", **SMALL},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    found = runs(project)
    assert {status for _, _, status, *_ in found} == {"FINISHED"}
    (logged,) = [parameters for _, kind, *_, parameters, _ in found if kind == "parent"]
    assert logged["weights.source"] == source.address
    assert logged["weights.layout"] == source.layout
    if source.sha256 is None:
        held = json.loads((project / "models.lock").read_text())[name]
        assert (held["source"], held["revision"]) == (source.address, logged.get("revision"))
