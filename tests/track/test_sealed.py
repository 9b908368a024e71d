"""Whatever is altered in a registered model is refused by name: by its loader, in Python and on the command line."""

import json
import math
import shutil
from dataclasses import replace

import mlflow.pyfunc
import pytest
import yaml
from mlflow.artifacts import download_artifacts

from rnaexp.errors import InputError
from rnaexp.experiment.verify import verify
from rnaexp.models import load, spec
from rnaexp.structure.configuration import Configuration, configuration, hash_of
from rnaexp.structure.shipped_heads import shipped_head
from rnaexp.track import tracked_run
from rnaexp.track.model_folder import write_model
from rnaexp.track.registry import fetch_configuration, register
from rnaexp.track.sealed import CONFIGURATION_TAG, MLMODEL_TAG, check_parts, mlmodel_sha256, read_sealed

from ..command import inside as rnaexp

CONFIGURATION = "artifacts/configuration.json"
pytestmark = pytest.mark.fault
# A field of configuration.json and what it is altered to: first what no field may hold, then what it might.
FIELDS = [
    ("schema", 2),
    ("schema", "1"),
    ("model", ""),
    ("model", "lm-nano\n"),
    ("model", "<img src=x>"),
    ("model", "msm-nano"),
    ("seed", -1),
    ("seed", 0.5),
    ("seed", 7),
    ("settings", "max_rows"),
    ("settings", {"max_rows": math.nan}),
    ("settings", {"max_rows": 2}),
    ("own_weights", "no"),
    ("own_weights", True),
    ("alignment", "upside-down"),
    ("alignment", "shuffled"),
    ("precision", "fp64"),
    ("precision", "bf16"),
    ("revision", 5),
    ("source", "hf:somebody/else"),
    ("source_sha256", "abc"),
    ("source_sha256", "0" * 64),
    ("alphabet", "ACGT"),
    ("resolution", "letter"),
    ("resolution", "codon"),
    ("licence", "a\x00b"),
    ("licence", "MIT"),
    ("packaged", 1),
    ("packaged", "0" * 64),
    ("tuned", 5),
    ("tuned.model", ""),
    ("tuned.weights", "0" * 64),
    ("tuned.layer", -1),
    ("tuned.layer", "1"),
    ("tuned.layer", 0),
    ("tuned.layer", 99),
    ("tuned.head", 1.5),
    ("tuned.head", 0),
    ("tuned.threshold", math.nan),
    ("tuned.threshold", -math.inf),
    ("tuned.threshold", "x"),
    ("tuned.threshold", 0.0),
    ("tuned.dot_bracket_threshold", True),
    ("tuned.dot_bracket_threshold", 9.0),
    ("tuned.dot_bracket_f1", 2.0),
    ("tuned.validation_f1", 99),
    ("tuned.validation_f1", -0.1),
    ("tuned.validation_f1", 0.9),
    ("tuned.tuned_on", "a\tb"),
    ("tuned.tuned_on", "another-set"),
    ("tuned.tuned_on_sha256", "abc"),
    ("tuned.sequences", ["abc"]),
    ("tuned.sequences", []),
    ("tuned.clusters", [1]),
    ("tuned.clusters", ["one"]),
    ("tuned.read_out.apc", "yes"),
    ("tuned.read_out.apc", False),
    ("tuned.read_out.score_scale", "log"),
    ("tuned.scoring.min_separation", 0),
    ("tuned.scoring.min_separation", 4),
    ("tuned.scoring.grid", 0.3),
    ("tuned.scoring.pairs", "all pairs"),
    ("tuned.scoring.more", 1),
    ("tuned.view", 5),
    ("tuned.view", None),
    ("tuned.view.gamma", 0.0),
    ("tuned.view.gamma", 1e6),
    ("tuned.view.f1", 1.5),
    ("tuned.view.calibration.curve.rates", [0.5]),
]


@pytest.fixture(scope="module")
def found():
    return configuration(spec("lm-nano"), shipped_head("lm-nano").tuned, {"name": "lm-nano"}, alignment="intact")


@pytest.fixture(scope="module")
def whole(found, tmp_path_factory):
    """A model's folder as it is registered; each test alters a copy."""
    place = tmp_path_factory.mktemp("sealed") / "model"
    write_model(place, found)
    return place


@pytest.fixture
def folder(whole, tmp_path):
    """Its MLmodel and configuration alone."""
    place = tmp_path / "model"
    (place / "artifacts").mkdir(parents=True)
    for name in ("MLmodel", CONFIGURATION):
        shutil.copy(whole / name, place / name)
    return place


def altered(path, field, value):
    values = json.loads(path.read_text())
    *above, last = field.split(".")
    place = values
    for name in above:
        place = place[name]
    place[last] = value
    path.write_text(json.dumps(values))


@pytest.mark.parametrize(("field", "value"), FIELDS, ids=[f"{field}={value!r:.20}" for field, value in FIELDS])
def test_an_altered_field_is_refused_by_name(folder, found, field, value):
    assert read_sealed(folder) == (found, None)
    altered(folder / CONFIGURATION, field, value)
    with pytest.raises(InputError) as refused:
        read_sealed(folder, name="models:/lm-nano/1")
    said = str(refused.value)
    assert said.startswith(f"models:/lm-nano/1: {CONFIGURATION}: "), said
    said = said.replace("tuned.scoring: grid", "tuned.scoring.grid")  # a rule of more than one field names its whole
    assert any(name in said for name in (field, "tuned.view was", "tuned.view.calibration.curve: a curve")), said
    # Without the hashes of fields the version's own hash still refuses it.
    (folder / "MLmodel").write_text("{}")
    with pytest.raises(InputError, match=CONFIGURATION):
        read_sealed(folder, {CONFIGURATION_TAG: found.sha256()})


def test_a_hash_altered_together_with_its_part_is_refused_by_the_versions_tag(folder, found):
    tags = {CONFIGURATION_TAG: found.sha256(), MLMODEL_TAG: mlmodel_sha256(folder)}
    assert read_sealed(folder, tags) == (found, None)
    other = replace(found, tuned=replace(found.tuned, layer=0))
    (folder / CONFIGURATION).write_text(json.dumps(other.to_json()))
    about = yaml.safe_load((folder / "MLmodel").read_text())
    about["metadata"]["rnaexp"]["configuration"] = other.sha256()
    (folder / "MLmodel").write_text(yaml.safe_dump(about))
    assert read_sealed(folder)[0] == other, "a folder alone cannot know"
    with pytest.raises(InputError, match="MLmodel: it was altered after it was registered"):
        read_sealed(folder, tags)
    with pytest.raises(InputError, match=CONFIGURATION):
        read_sealed(folder, {CONFIGURATION_TAG: found.sha256()})


@pytest.mark.parametrize(
    "hashes", ["none", [], {"configuration": "0" * 63}, {"configuration": 5, "fields": {}, "parts": {}}]
)
def test_hashes_that_are_none_are_refused(folder, hashes):
    about = yaml.safe_load((folder / "MLmodel").read_text())
    about["metadata"]["rnaexp"] = hashes
    (folder / "MLmodel").write_text(yaml.safe_dump(about))
    with pytest.raises(InputError, match="MLmodel: "):
        read_sealed(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_a_damaged_file_is_refused(folder, text):
    (folder / CONFIGURATION).write_text(text)
    with pytest.raises(InputError, match=CONFIGURATION):
        read_sealed(folder)


def test_what_was_registered_before_there_were_hashes_loads_and_says_that_it_cannot_be_verified(folder, found, capsys):
    about = yaml.safe_load((folder / "MLmodel").read_text())
    del about["metadata"]
    (folder / "MLmodel").write_text(yaml.safe_dump(about))
    assert read_sealed(folder) == (found, None)
    assert capsys.readouterr().err.count("cannot be verified") == 1
    assert read_sealed(folder, {CONFIGURATION_TAG: found.sha256()}) == (found, None)
    assert capsys.readouterr().err == "", "its version's tag verifies it"
    values = json.loads((folder / CONFIGURATION).read_text())
    del values["tuned"]["read_out"]["squash"]  # a field that came later
    (folder / CONFIGURATION).write_text(json.dumps(values))
    with pytest.raises(InputError, match=CONFIGURATION):
        read_sealed(folder, {CONFIGURATION_TAG: found.sha256()})
    assert read_sealed(folder, {CONFIGURATION_TAG: hash_of(values)}) == (found, None)


PARTS = ["served.py", "requirements.txt", "python_env.yaml", "conda.yaml", "code/rnaexp/rna.py"]


@pytest.mark.parametrize("part", PARTS)
def test_verify_names_every_other_part(whole, tmp_path, part):
    copy = shutil.copytree(whole, tmp_path / "copy")
    (copy / "code" / "rnaexp" / "__pycache__").mkdir()
    (copy / "code" / "rnaexp" / "__pycache__" / "rna.pyc").touch()
    assert {one.state for one in check_parts(copy, {MLMODEL_TAG: mlmodel_sha256(copy)})} == {"ok"}
    with (copy / part).open("a") as file:
        file.write("\n")
    assert [one.part for one in check_parts(copy) if one.state == "altered"] == [part.partition("/")[0]]
    (copy / part).unlink()
    assert {one.state for one in check_parts(copy)} > {"missing"} or part.startswith("code")
    with pytest.raises(InputError, match="parts are not what was registered"):
        verify(str(copy), weights="", device="cpu", json=False)


def test_a_head_that_the_model_does_not_have_is_refused(found):
    for field in ("layer", "head"):
        beyond = replace(found, tuned=replace(found.tuned, **{field: 99}))
        with pytest.raises(InputError, match=f"{field} 99: lm-nano has {field}s 0 to 1"):
            Configuration.from_json(beyond.to_json()).load(device="cpu")


def test_a_registered_model_is_verified_and_an_altered_one_is_refused_wherever_it_is_used(place, found, mlflow_of):
    load("lm-nano", device="cpu")
    with tracked_run("lm-nano") as run:
        pass
    register(run.run_id, found)
    uri = "models:/lm-nano/latest"
    (place / "my.fa").write_text(">a\nGGGAAACCC\n")
    good = rnaexp("verify", uri, "--json", cwd=place)
    assert good.returncode == 0, good.stderr
    told = json.loads(good.stdout)
    assert told["ok"]
    assert {one["state"] for one in told["parts"]} == {"ok"}
    client = mlflow_of(place)
    client.set_model_version_tag("lm-nano", "1", "validation.f1", "0.99")
    bad = rnaexp("verify", uri, cwd=place)
    assert (bad.returncode, "tags (validation.f1)" in bad.stderr) == (65, True), bad.stderr
    stored = download_artifacts("models:/lm-nano/1")  # a local store gives the place itself
    altered(place.joinpath(stored) / CONFIGURATION, "tuned.layer", 0)
    with pytest.raises(InputError, match=r"configuration\.json: tuned\.layer was altered"):
        fetch_configuration(uri)
    for words in (("predict", "--model", uri, "my.fa"), ("verify", uri)):
        done = rnaexp(*words, cwd=place)
        assert done.returncode == 65, done.stderr
        assert "configuration.json" in done.stderr
        assert "tuned.layer was altered" in done.stderr
    with pytest.raises(InputError, match=r"configuration\.json: tuned\.layer was altered"):
        mlflow.pyfunc.load_model(uri)
