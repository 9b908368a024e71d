"""Versions and aliases: promoted on evidence, never demoted, figures linked to the model and to their data."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import mlflow.pyfunc
import pandas as pd
import pytest
import torch
from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException

from rnaexp.errors import InputError, UnavailableError
from rnaexp.experiment.model_verbs import convert_to
from rnaexp.models import load, spec
from rnaexp.rna import Rna
from rnaexp.structure.configuration import configuration
from rnaexp.structure.heads import TunedHead
from rnaexp.structure.predict import predict_one, record_of
from rnaexp.structure.protocol import ATTENTION, PROTOCOLS
from rnaexp.structure.standing import Standing
from rnaexp.track import tracked_run
from rnaexp.track.aliases import promote
from rnaexp.track.registry import fetch_configuration, register

CLEAR = Standing(control="stems", control_f1=0.2, difference=0.3, low=0.1, high=0.5)


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def head(f1=0.5, set="vl", rnas=("one", "two"), protocol="paper", scale="raw", model="lm-nano", clusters=5):
    return TunedHead(
        model=model,
        weights=load("lm-nano", device="cpu").fingerprint,
        layer=1,
        head=1,
        threshold=0.2,
        dot_bracket_threshold=0.1,
        dot_bracket_f1=0.25,
        validation_f1=f1,
        tuned_on=set,
        tuned_on_sha256=digest(set),
        sequences=tuple(map(digest, rnas)),
        clusters=tuple(f"c{at}" for at in range(clusters)),
        read_out=replace(ATTENTION, score_scale=scale),
        scoring=PROTOCOLS[protocol],
    )


def whole(tuned):
    return configuration(spec("lm-nano"), tuned, {"name": "lm-nano", "seed": 0}, alignment="intact")


@pytest.fixture
def run_id(place):
    with tracked_run("lm-nano") as run:
        with run.child("tune", kind="tune") as tune:
            tune.data_set("vl", "a" * 64, "vl", "validation", 2)
            tune.metrics({"structure.validation_f1": 0.5})
        with run.child("test", kind="test") as test:
            test.data_set("ts", "b" * 64, "ts", "test", 3)
            test.metrics({"structure.f1": 0.4})
        with run.child("classify", kind="classify") as other:
            other.data_set("fam", "c" * 64, "fam", "classification", 3)
            other.metrics({"classify.auroc": 0.9})
    return run.run_id


def empty(folder):
    folder.mkdir()
    (folder / "MLmodel").touch()


@pytest.fixture
def quick(run_id, monkeypatch):
    """Register without a model's files: of most tests only versions and aliases are the point."""
    monkeypatch.setattr("rnaexp.track.registry.write_model", lambda folder, *rest: empty(folder))
    return lambda against=CLEAR, **fields: register(run_id, whole(head(**fields)), against=against)


def aliases(client):
    return {alias: str(version) for alias, version in client.get_registered_model("lm-nano").aliases.items()}


def test_a_version_holds_the_configuration_and_no_weights(run_id, place, mlflow_of):
    done = register(run_id, whole(head()), against=CLEAR)
    assert (done.name, done.version, done.new) == ("lm-nano", "1", True)
    client = mlflow_of(place)
    assert aliases(client) == {"champion": "1", "paper": "1"}
    version = client.get_model_version("lm-nano", "1")
    assert version.run_id == run_id
    assert version.tags.items() >= {"validation.f1": "0.5", "validation.rnas": "2", "weights": "none"}.items()
    assert "F1 0.5000 on vl (2 RNAs, sha256 adbb7410, paper), no version held it" in version.tags["rnaexp.champion"]
    found, folder = fetch_configuration("models:/lm-nano@champion")
    assert (found, folder) == (whole(head()), None)
    files = download_artifacts("models:/lm-nano/1")
    held = {path.name for path in Path(files).rglob("*") if path.is_file() and "code" not in path.parts}
    assert held >= {"MLmodel", "served.py", "configuration.json", "requirements.txt"}
    assert not [name for name in held if name.endswith((".pkl", ".safetensors", ".pth", ".pt", ".bin"))]


def test_figures_are_linked_to_the_model_and_to_their_data_and_no_history_grows(quick, run_id, place, mlflow_of):
    quick()
    client = mlflow_of(place)
    (output,) = client.get_run(run_id).outputs.model_outputs
    model = client.get_logged_model(output.model_id)
    assert (model.name, model.source_run_id, model.status) == ("lm-nano", run_id, "READY")
    assert {(m.key, m.value, m.dataset_name) for m in model.metrics} == {
        ("structure.validation_f1", 0.5, "vl"),
        ("structure.f1", 0.4, "ts"),
    }
    registered = [{"name": name, "version": "1"} for name in ("lm-nano", "rnaexp-pairs")]
    assert json.loads(model.tags["mlflow.modelVersions"]) == registered
    for metric in model.metrics:
        assert len(client.get_metric_history(metric.run_id, metric.key)) == 1
    assert [experiment.name for experiment in client.search_experiments()].count("rnaexp") == 1
    assert client.search_logged_models(["0"]) == [], "nothing goes to the Default experiment"


@pytest.mark.parametrize(
    ("against", "why"),
    [
        (None, "its run tuned no control"),
        (
            replace(CLEAR, low=0.0),
            "validation F1 0.500 is not clearly different from stems: +0.300 [+0.000, +0.500], which has 0.200 and ",
        ),
        (replace(CLEAR, difference=-0.1, low=-0.2, high=0.1), "stems: -0.100 [-0.200, +0.100]"),
    ],
)
def test_no_champion_that_a_control_equals(quick, place, mlflow_of, against, why):
    done = quick(against=against)
    assert aliases(mlflow_of(place)) == {"paper": "1"}
    assert done.messages[0].startswith("champion is not given to version 1: ")
    assert why in done.messages[0]
    assert done.messages[0].endswith("models:/lm-nano/1 loads it")
    quick(f1=0.4)
    assert aliases(mlflow_of(place))["champion"] == "2", "the first that is above every control, not the higher F1"


def test_the_same_configuration_stays_one_version(quick):
    assert [quick().version, quick().version, quick(f1=0.6).version] == ["1", "1", "2"]
    assert quick().new is False


def test_only_a_better_one_on_the_same_ground_is_promoted(quick, place, mlflow_of):
    client = mlflow_of(place)
    quick(f1=0.5)
    for fields, said in (
        ({"f1": 0.4}, "0.4000 is not above its 0.5000"),
        ({"f1": 0.5, "rnas": ("two", "one")}, "0.5000 is not above its 0.5000"),
        ({"f1": 0.9, "set": "other"}, "another validation set"),
        ({"f1": 0.9, "rnas": ("one",)}, "other RNAs of the set"),
        ({"f1": 0.9, "protocol": "strict"}, "another scoring"),
    ):
        done = quick(**fields)
        assert done.new
        assert f"champion stays version 1: {said}" in done.messages[0].replace("validation F1 ", "")
        assert aliases(client) == {"champion": "1", "paper": "1"}
    few = quick(f1=0.6, clusters=4)
    assert f"champion is not given to version {few.version}: " in few.messages[0]
    assert all("4 families are too few for a claim" in line for line in few.messages)
    assert aliases(client) == {"champion": "1", "paper": "1"}
    better = quick(f1=0.6)
    assert f"champion is version {better.version}" in better.messages[0]
    assert "above version 1 with 0.5000" in client.get_model_version("lm-nano", better.version).tags["rnaexp.champion"]
    assert aliases(client) == {"champion": better.version, "paper": better.version}


def test_paper_is_kept_for_the_papers_protocol(quick, place, mlflow_of):
    quick(f1=0.7, scale="z-score")
    assert aliases(mlflow_of(place)) == {"champion": "1"}
    quick(f1=0.5)
    assert aliases(mlflow_of(place)) == {"champion": "1", "paper": "2"}


def test_a_persons_choice_without_evidence_is_not_overruled(quick, place, mlflow_of):
    client = mlflow_of(place)
    quick(f1=0.5)
    theirs = client.create_model_version("lm-nano", source=(place / "elsewhere").as_uri())
    client.set_registered_model_alias("lm-nano", "champion", theirs.version)
    assert "carries no validation F1" in quick(f1=0.9).messages[0]
    assert aliases(client)["champion"] == str(theirs.version)


class Interleaved:
    """A client within whose alias-setting another promotion runs from start to end."""

    def __init__(self, client, between):
        self._client, self._between = client, between

    def __getattr__(self, name):
        return getattr(self._client, name)

    def set_registered_model_alias(self, *words):
        between, self._between = self._between, None
        if between is not None:
            between()
        self._client.set_registered_model_alias(*words)


@pytest.mark.fault
@pytest.mark.parametrize(("slow", "quick_one"), [(0.6, 0.7), (0.7, 0.6)])
def test_of_two_promotions_at_once_the_better_stands(quick, place, mlflow_of, slow, quick_one):
    client = mlflow_of(place)
    quick(f1=0.5)
    made = {}
    for f1 in (slow, quick_one):  # both versions are there before either is promoted
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("rnaexp.track.registry.promote", lambda *words: [])
            made[f1] = client.get_model_version("lm-nano", quick(f1=f1).version)
    between = Interleaved(client, lambda: promote(client, made[quick_one], whole(head(f1=quick_one))))
    said = promote(between, made[slow], whole(head(f1=slow)))
    assert aliases(client) == {"champion": str(made[0.7].version), "paper": str(made[0.7].version)}
    assert f"champion is version {made[0.7].version}" in said[0]


def test_of_two_first_ones_that_cannot_be_compared_the_first_stands(quick, place, mlflow_of):
    client = mlflow_of(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rnaexp.track.registry.promote", lambda *words: [])
        one, two = (
            client.get_model_version("lm-nano", quick(**fields).version) for fields in ({}, {"set": "other", "f1": 0.9})
        )
    between = Interleaved(client, lambda: promote(client, one, whole(head())))
    promote(between, two, whole(head(set="other", f1=0.9)))
    assert aliases(client)["champion"] == str(one.version)


def test_weights_go_along_only_when_asked_and_are_the_same_model(run_id, tmp_path):
    encoder = load("lm-nano", device="cpu")
    again = convert_to(encoder, {"name": "lm-nano", "device": "cpu"}, tmp_path / "weights")
    register(run_id, replace(whole(head()), packaged=again.fingerprint), tmp_path / "weights", against=CLEAR)
    found, folder = fetch_configuration("models:/lm-nano/1")
    assert [path.name for path in folder.iterdir() if path.suffix == ".safetensors"] == ["model.safetensors"]
    assert found.load_packaged(folder, device="cpu").fingerprint == again.fingerprint
    weights = folder / "model.safetensors"
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    weights.write_bytes(changed)
    with pytest.raises(InputError, match="not the weights that were registered"):
        found.load_packaged(folder, device="cpu")


@pytest.mark.fault
def test_what_cannot_be_registered_or_fetched_is_named(place, mlflow_of):
    with pytest.raises(UnavailableError, match="no-such-run"):
        register("no-such-run", whole(head()))
    with pytest.raises(ZeroDivisionError), tracked_run("lm-nano") as run:
        raise ZeroDivisionError
    with pytest.raises(InputError, match="is FAILED"):
        register(run.run_id, whole(head()))
    with pytest.raises(UnavailableError, match="models:/lm-nano@champion"):
        fetch_configuration("models:/lm-nano@champion")
    client = mlflow_of(place)
    client.create_registered_model("strange")
    (place / "strange").mkdir()
    (place / "strange" / "MLmodel").write_text(json.dumps({}))
    client.create_model_version("strange", source=(place / "strange").as_uri())
    with pytest.raises(InputError, match="not a configuration that rnaexp registered"):
        fetch_configuration("models:/strange/1")


def test_a_models_name_is_data(quick, place, mlflow_of):
    quick(model="untrained:../<b>x")
    registered = [one.name for one in mlflow_of(place).search_registered_models()]
    assert len(registered) == 2
    assert not set("".join(registered)) & set(":/.<>")


@pytest.fixture
def model(run_id, monkeypatch):
    """The registered version as MLflow loads it, pickles refused."""
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    register(run_id, whole(head()), against=CLEAR)
    return mlflow.pyfunc.load_model("models:/lm-nano@champion", model_config={"device": "cpu"})


def code_of(model, rows):
    with pytest.raises(MlflowException) as refused:
        model.predict(rows)
    return refused.value.error_code, str(refused.value)


def test_the_loaded_model_answers_as_the_package_does_and_says_why_it_does_not(model):
    rnas = [Rna(id="a", sequence="GGGAAAGGCUAUUUUAGCCAAAAAGCCC"), Rna(id="rna2", sequence="GGGGAAAACCCC")]
    encoder = load("lm-nano", device="cpu")
    rows = [{"sequence": rnas[0].sequence, "id": "a"}, {"sequence": rnas[1].sequence.lower().replace("u", "t")}]
    origin = {"configuration": whole(head()).sha256(), "version": "lm-nano/1"}
    answers = model.predict(rows).to_dict("records")
    assert answers == [record_of(predict_one(encoder, rna, head()), head()) | origin for rna in rnas]
    assert {(told["model"], told["head"], told["validation_f1"]) for told in answers} == {("lm-nano", "1.1", 0.25)}
    for rows, said in (
        ([{"sequence": "ACGX"}], "rna1: letter 'X' at position 4"),
        ([{"sequence": "A" * 2000}], "rna1: 2000 bases; lm-nano reads at most 1023"),
        ([{"sequence": "ACGU", "alignment": ">a\nACGG\n"}], "row 0 of its alignment"),
        (pd.DataFrame({"sequence": []}, dtype=str), "no RNA"),
    ):
        code, text = code_of(model, rows)
        assert (code, said in text) == ("INVALID_PARAMETER_VALUE", True), text
    served = model.unwrap_python_model()._encoder
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(served), "read_head", lambda *words: torch.full((4, 4), torch.nan))
        assert code_of(model, [{"sequence": "ACGU"}])[0] == "INTERNAL_ERROR", "not the caller's fault"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("psutil.virtual_memory", lambda: type("Free", (), {"available": 10})())
        assert code_of(model, [{"sequence": "ACGU"}])[0] == "INVALID_PARAMETER_VALUE"


def test_a_copy_of_the_weights_is_what_the_loaded_model_reads(run_id, tmp_path):
    encoder = load("lm-nano", device="cpu")
    again = convert_to(encoder, {"name": "lm-nano", "device": "cpu"}, tmp_path / "weights")
    register(run_id, replace(whole(head()), packaged=again.fingerprint), tmp_path / "weights", against=CLEAR)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rnaexp.structure.configuration.Configuration.load", lambda *_, **__: pytest.fail("not the copy"))
        packaged = mlflow.pyfunc.load_model("models:/lm-nano/1")
    assert packaged.unwrap_python_model()._encoder.fingerprint == again.fingerprint
    given = mlflow.pyfunc.load_model("models:/lm-nano/1", model_config={"weights": str(tmp_path / "weights")})
    assert given.unwrap_python_model()._encoder.fingerprint == encoder.fingerprint
