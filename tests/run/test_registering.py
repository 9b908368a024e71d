"""`rnaexp register` and `rnaexp run --register`: what may be registered, and how the verbs say what was done."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml

from rnaexp.data.formats import read_rnas
from rnaexp.errors import InputError, UnavailableError
from rnaexp.experiment.registering import register
from rnaexp.models import load, spec
from rnaexp.structure.configuration import configuration
from rnaexp.structure.searched import Kept, configured, kept_maps
from rnaexp.structure.standing import Standing
from rnaexp.track import tracked_run
from rnaexp.track.export import whole_id
from rnaexp.track.packaged import CONFIGURATION, STANDING
from rnaexp.track.registry import Registered, fetch_configuration

from ..command import inside as rnaexp
from ..planted_sets import write_sets
from ..structure.test_predict import tuned


@pytest.fixture
def found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    head = tuned(weights=load("lm-nano", device="cpu").fingerprint)
    return configuration(spec("lm-nano"), head, {"name": "lm-nano", "seed": 0}, alignment="intact")


@pytest.fixture
def asked(monkeypatch):
    """What reached the registry."""
    calls = []

    def note(run_id, whole, folder, *, name, against):
        held = sorted(path.name for path in folder.iterdir()) if folder else None
        calls.append((run_id, whole, held, name, against))
        messages = ("champion is version 4: because",)
        return Registered(name="lm-nano", version="4", run_id=run_id, same="", new=True, messages=messages)

    monkeypatch.setattr("rnaexp.experiment.registering.register_version", note)
    return calls


def tracked(found):
    with tracked_run("lm-nano") as run, run.child("test", kind="test") as child:
        child.text(json.dumps(found.to_json()), CONFIGURATION)
    return run.run_id


def test_a_run_is_registered_by_the_configuration_it_left(found, asked):
    run_id = tracked(found)
    assert register(run_id) == [f"models:/lm-nano/4 is head 1.1 of run {run_id}", "champion is version 4: because"]
    assert asked == [(run_id, found, None, "lm-nano", None)]
    register(run_id, with_weights=True, device="cpu")
    _, whole, held, *_ = asked[1]
    assert "model.safetensors" in held
    assert whole.packaged is not None
    assert replace(whole, packaged=None) == found


def test_a_version_has_a_name_of_ones_own_or_its_folders(found, asked, tmp_path):
    (tmp_path / "bert-2000").mkdir()
    of_folder = tracked(replace(found, model=str(tmp_path / "bert-2000")))
    register(of_folder)
    register(of_folder, name="mine")
    assert [call[3] for call in asked] == ["bert-2000", "mine"]
    with pytest.raises(InputError, match=r"--name '../mine': letters, digits"):
        register(of_folder, name="../mine")


def test_a_head_is_registered_with_what_its_run_found_beside_it(found, asked):
    against = Standing(control="stems", control_f1=0.2, difference=0.3, low=0.1, high=0.5)
    with tracked_run("lm-nano") as run, run.child("test", kind="test") as child:
        child.text(json.dumps(found.to_json()), CONFIGURATION)
        child.text(json.dumps(against.to_json()), STANDING)
    register(run.run_id)
    assert asked[0][4] == against


@pytest.mark.fault
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"alignment": "shuffled"}, "is a control"),
        ({"tuned": tuned(validation_f1=None)}, "nothing was tuned"),
        ({"model": "some-other-tool"}, "no model 'some-other-tool'"),
    ],
)
def test_what_nobody_should_serve_is_refused(found, asked, change, said):
    run_id = tracked(replace(found, **change))
    with pytest.raises(InputError, match=said):
        register(run_id)
    assert asked == []


@pytest.mark.fault
def test_the_beginning_of_an_id_is_enough_where_one_run_alone_begins_so(found, asked):
    run_id, other = tracked(found), tracked(found)
    register(run_id[:8])
    assert asked[0][0] == run_id == whole_id(run_id[:31]) == whole_id(run_id)
    assert whole_id(run_id[:7]) == run_id[:7], "too short to be one"
    assert whole_id(other[:12]) == other
    with sqlite3.connect("mlflow.db") as store:  # two that begin alike are not to be had by waiting
        twin = run_id[:10] + other[10:]
        store.execute("PRAGMA foreign_keys = OFF")
        for table in ("runs", "tags", "metrics", "params", "latest_metrics"):
            column = "run_uuid"
            store.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (twin, other))
    with pytest.raises(InputError, match=f"run {run_id[:10]}: several begin so: .*{twin}"):
        whole_id(run_id[:10])
    assert whole_id(twin[:20]) == twin
    with pytest.raises(UnavailableError, match=r"run '?0000000"):
        register("00000000")


@pytest.mark.fault
def test_what_was_in_memory_or_has_moved_says_what_to_do(found, asked, tmp_path):
    with tracked_run("mine", params={"model": "mine"}) as run, run.child("test", kind="test") as child:
        child.text(json.dumps(replace(found.tuned, model="mine").to_json()), "tuned_head.json")
    with pytest.raises(InputError, match=r"mine was in memory.*save_pretrained.*run --model FOLDER --register"):
        register(run.run_id)
    with tracked_run("untuned", params={"model": "untuned"}) as run:
        pass
    with pytest.raises(InputError, match="it tuned no head"):
        register(run.run_id)
    gone = tracked(replace(found, model=str(tmp_path / "bert-2000")))
    with pytest.raises(InputError, match="bert-2000: this checkpoint was moved or deleted since the run"):
        register(gone)
    assert asked == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("registered")
    write_sets(place)
    return place


def test_run_registers_when_asked_and_predict_takes_the_uri(folder):
    words = ("run", "--model", "planted", "--validation", "validation.fa", "--test", "test.fa")
    quiet = rnaexp(*words, "--json", cwd=folder)
    assert "models:/" not in quiet.stderr, "never by default"
    done = rnaexp(*words, "--again", "--register", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "models:/planted/1 is head 1.2 of run" in done.stderr
    assert "champion is version 1" in done.stderr
    again = rnaexp("register", json.loads(done.stdout)["run_id"], cwd=folder)
    first = json.loads(done.stdout)["run_id"]
    assert again.stdout.startswith(f"models:/planted/1 was already head 1.2 of run {first}\n")
    later = rnaexp("register", json.loads(quiet.stdout)["run_id"], cwd=folder)
    same = f"; run {json.loads(quiet.stdout)['run_id']} found the same configuration"
    assert later.stdout.startswith(f"models:/planted/1 was already head 1.2 of run {first}{same}\n")
    for model, out in (
        ("planted", "by_name"),
        ("models:/planted@champion", "by_uri"),
        ("models:/planted/latest", "by_no"),
    ):
        predicted = rnaexp("predict", "--model", model, "test.fa", "--out", out, cwd=folder)
        assert predicted.returncode == 0, predicted.stderr
    for name in ("pairs.csv", "structures.dbn"):
        assert len({(folder / out / name).read_bytes() for out in ("by_name", "by_uri", "by_no")}) == 1


def test_a_search_is_registered_and_predicts_like_a_head_and_is_no_row_of_the_models(folder):
    words = ("--model", "planted", "--validation", "validation.fa", "--test", "test.fa", "--trials", "6", "--json")
    done = rnaexp("search", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    single = rnaexp("run", *words[:6], "--families", "none", "--json", cwd=folder)
    assert single.returncode == 0, single.stderr
    assert rnaexp("compare", "--csv", "table.csv", cwd=folder).returncode == 0
    table, searches = (pd.read_csv(folder / name) for name in ("table.csv", "table_searches.csv"))
    measured = table[table["source"] == "measured"]
    of_models = measured[measured["control_of"].isna()]
    assert of_models["protocol"].tolist() == ["paper"], "one question, the model in it once"
    assert searches[["model", "f1", "verdict"]].to_numpy().tolist() == [
        ["planted", pytest.approx(record["figures"]["f1"]), record["verdict"]["sentence"]]
    ]
    assert record["verdict"]["sentence"].startswith("not clearly different from its single head: ")
    named = rnaexp("register", record["run_id"], "--name", "searched", cwd=folder)
    heads = " ".join(f"{layer}.{head}" for layer, head in record["chosen"]["which_heads"][: record["chosen"]["heads"]])
    assert named.stdout.startswith(f"models:/searched/1 is head {heads} of run {record['run_id']}\n"), named.stderr
    done = rnaexp("predict", "--model", "models:/searched/1", "test.fa", "--out", "searched", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert rnaexp("verify", "models:/searched/1", cwd=folder).returncode == 0
    rnas = read_rnas(folder / "test.fa")
    calls = pd.read_csv(folder / "searched" / "pairs.csv")
    whole, _ = fetch_from(folder, "models:/searched/1")
    encoder = load("planted")
    for rna in rnas:  # by the search's own way, from the maps
        kept = Kept(rna=rna, maps=kept_maps(encoder, rna, whole.searched.heads))
        made = configured(kept, whole.searched.choice, whole.tuned.scoring)
        expected = made.indices[0][made.scores[0] >= whole.tuned.threshold]
        found = calls[calls["rna"] == rna.id]
        assert ((found["i"] - 1) * len(rna) + found["j"] - 1).tolist() == expected.tolist()


def fetch_from(folder, uri):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        return fetch_configuration(uri)


@pytest.mark.fault
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("predict", "--model", "models:/nobody@champion", "test.fa"), 69, "models:/nobody@champion"),
        (("predict", "--model", "models:/x@y", "test.fa", "--seed", "1"), 65, "--seed: models:/x@y says that itself"),
        (("register", "no-such-run"), 69, "no-such-run"),
        (("run", "question.toml", "--register"), 2, "--register"),
    ],
)
def test_what_goes_wrong_is_one_line(folder, words, code, said):
    done = rnaexp(*words, cwd=folder)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


def test_the_verbs_of_a_registered_head_are_entry_points():

    project = yaml.safe_load((Path(__file__).parents[2] / "MLproject").read_text())
    assert {"register", "predict"} <= project["entry_points"].keys()
