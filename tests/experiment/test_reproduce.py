"""A run keeps what it takes to make it again: the same figures to the last digit, or what is no longer the same."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from safetensors.torch import load_file, save_file

from rnaexp.errors import InputError
from rnaexp.experiment.jobs import pairs_job
from rnaexp.experiment.recipe import job_of, recipe
from rnaexp.models import load
from rnaexp.models.nano import SHIPPED
from rnaexp.structure.protocol import PROTOCOLS
from rnaexp.structure.shipped_heads import shipped_head
from rnaexp.tasks.families.job import FamiliesJob
from rnaexp.tasks.families.settings import ClassifyTask
from rnaexp.tasks.fitness.job import FitnessJob
from rnaexp.tasks.fitness.settings import FitnessTask
from rnaexp.tasks.pairs.job import PairsJob
from rnaexp.tasks.pairs.settings import Task

from ..command import answer
from ..command import inside as rnaexp
from ..planted_sets import write_sets

PAIRS = Task(model="lm-nano", test="builtin-ts", validation="builtin-vl", scoring=PROTOCOLS["strict"])
JOBS = [
    pairs_job(replace(PAIRS, loading={"name": "lm-nano", "weights": None, "seed": 3})),
    pairs_job(replace(PAIRS, validation=None, tuned=shipped_head("lm-nano").tuned)),
    pairs_job(replace(PAIRS, scoring=PROTOCOLS["contacts"])),
    FamiliesJob(task=ClassifyTask(model="rnabert", families="builtin"), choices=True, beside="lm-nano"),
    FitnessJob(task=FitnessTask(model="rnabert", assay="trna", sample=5)),
]


@pytest.mark.parametrize("job", JOBS, ids=lambda job: type(job).__name__)
def test_a_recipe_gives_its_job_again(job):
    assert job_of(json.loads(json.dumps(recipe(job)))) == job


def test_paths_in_a_recipe_hold_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.fa").write_text(">a\nGGGAAACCC\n(((...)))\n")
    job = pairs_job(replace(PAIRS, test="my.fa", loading={"weights": Path("my.fa")}))
    again = job_of(recipe(job)).task
    assert (again.test, again.loading["weights"]) == (str(tmp_path / "my.fa"), tmp_path / "my.fa")
    assert again.validation == "builtin-vl"


@pytest.mark.fault
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 2}, "schema 2"),
        ({"settings": None}, "in the memory of the process"),
        ({"settings": {"model": 5}}, "not the settings of a run"),
        ({"task": "nobody's"}, "nobody's"),
    ],
)
def test_a_recipe_that_is_none_is_refused(change, said):
    with pytest.raises(InputError, match=said):
        job_of({**recipe(JOBS[0]), **change})
    assert recipe(PairsJob(task=PAIRS, encoder=load("planted", device="cpu")))["settings"] is None


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A folder with a run of lm-nano's weights from a folder of its own, and the run's id."""
    place = tmp_path_factory.mktemp("reproduce")
    write_sets(place)
    shutil.copytree(SHIPPED / "lm-nano", place / "mine")
    words = ("--validation", "validation.fa", "--test", "test.fa", "--families", "none", "--weights", "mine")
    told = answer(
        rnaexp("run", "--model", "lm-nano", *words, "--run-name", "first", "--tag", "who=me", "--json", cwd=place)
    )
    return place, told["run_id"]


def artifact(client, run_id, name):
    return Path(client.download_artifacts(run_id, name)).read_text()


def test_a_run_says_what_it_was_and_what_made_it(ran):
    place, run_id = ran
    client = MlflowClient(f"sqlite:///{place / 'mlflow.db'}")
    run = client.get_run(run_id)
    assert (run.info.run_name, run.data.tags["who"]) == ("first", "me")
    assert len(run.data.tags["mlflow.source.git.commit"]) == 40
    assert run.data.tags["rnaexp.source.dirty"] in ("true", "false")
    sets = {(one.dataset.name, one.tags[0].value) for one in run.inputs.dataset_inputs}
    assert sets == {("validation.fa", "validation"), ("test.fa", "test")}
    held = json.loads(artifact(client, run_id, "recipe.json"))
    assert held["command"].split()[0] == "rnaexp"
    assert held["settings"]["loading"]["weights"] == str(place / "mine")
    assert held["commit"] == run.data.tags["mlflow.source.git.commit"]
    installed = artifact(client, run_id, "environment.txt").splitlines()
    assert {line.partition("==")[0] for line in installed} >= {"torch", "mlflow", "rnaexp"}


def test_made_again_every_figure_is_the_same_and_with_other_weights_it_says_so(ran, tmp_path):
    place, run_id = ran
    again = answer(rnaexp("reproduce", run_id, "--json", cwd=place))
    assert (again["different"], again["facts"]) == (0, [])
    client = MlflowClient(f"sqlite:///{place / 'mlflow.db'}")
    new = client.get_run(again["again"])
    assert (new.data.tags["rnaexp.reproduces"], new.data.tags["rnaexp.kind"]) == (run_id, "reproduction")
    assert len(again["figures"]) > 40
    assert "test: structure.f1" in {one["figure"] for one in again["figures"]}
    refused = rnaexp("reproduce", client.search_runs(["1"], "tags.`rnaexp.kind` = 'test'")[0].info.run_id, cwd=place)
    assert (refused.returncode, "a model's own run" in refused.stderr) == (69, True), refused.stderr
    file = place / "mine" / "model.safetensors"
    state = load_file(file)
    save_file({key: value + 0.01 * value.abs().mean() for key, value in state.items()}, file)
    changed = rnaexp("reproduce", run_id, cwd=place)
    assert changed.returncode == 1, changed.stderr
    assert "fingerprint: " in changed.stdout
    assert changed.stdout.splitlines()[-1].endswith(" differ")
    assert ": 0 differ" not in changed.stdout


@pytest.mark.fault
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("reproduce", "no-such-run"), 69, "no-such-run"),
        (("run", "--model", "planted", "--tag", "x"), 2, "write KEY=VALUE"),
        (("run", "--model", "planted", "--tag", "mlflow.user=x"), 2, "write KEY=VALUE"),
        (("run", "--model", "planted", "--model", "stems", "--run-name", "x"), 2, "--run-name belongs to one"),
        (("run", "q.toml", "--run-name", "x"), 2, "--run-name goes with --model"),
    ],
)
def test_what_goes_wrong_is_one_line(ran, words, code, said):
    done = rnaexp(*words, cwd=ran[0])
    assert done.returncode == code
    assert said in " ".join(done.stderr.replace("│", " ").split()), done.stderr
