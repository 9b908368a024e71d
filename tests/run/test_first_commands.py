"""The first commands of a new user, from an empty directory."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rnaexp import models
from rnaexp.data.dot_bracket import parse_dot_bracket
from rnaexp.data.sets import load_set
from rnaexp.errors import InputError, UnavailableError
from rnaexp.experiment.predict import FORMATS
from rnaexp.experiment.predicted_files import _WRITERS
from rnaexp.models.folding import fold_probabilities
from rnaexp.reading.store import Store
from rnaexp.rna import Rna
from rnaexp.structure.configuration import head_for
from rnaexp.structure.predict import predict_one
from rnaexp.structure.probabilities import OF_PROBABILITIES
from rnaexp.structure.reading import sequence_sha256
from rnaexp.structure.shipped_heads import shipped_head, shipped_names
from rnaexp.tasks.pairs.find_head import FoundHead, find_head, look_for_head

from ..command import inside, rnaexp
from ..planted_sets import write_sets

HAIRPIN = "GGGGCUAUAGCUCAGCUGGGAGAGCGCCUGCUUUGCACGCAGGAGGUC"


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "my.fa").write_text(f">mine\n{HAIRPIN}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            "lm-nano",
            "lm-nano: head 1.1, threshold 0.259, shipped with rnaexp: tuned on 24 RNAs of builtin-vl, F1 0.1",
        ),
        ("viennarna", "viennarna: pairs of probability 0.5 or more, the centroid structure; nothing was tuned"),
    ],
)
def test_a_structure_comes_from_an_empty_directory(place, model, said):
    done = rnaexp("predict", "--model", model, "my.fa", cwd=place)
    assert done.returncode == 0, done.stderr
    assert said in done.stderr
    name, sequence, brackets = (place / "predictions" / "structures.dbn").read_text().splitlines()
    assert name.startswith(f">mine {model} ")
    assert sequence == HAIRPIN
    pairs = parse_dot_bracket(brackets)
    assert len(pairs) > 5
    if model == "viennarna":  # RNAfold's own probabilities, and Ding, Chan and Lawrence's definition of the centroid
        found = fold_probabilities(Rna(id="mine", sequence=HAIRPIN))
        wanted = {(i, j) for i in range(len(HAIRPIN)) for j in range(i + 1, len(HAIRPIN)) if found[i, j] >= 0.5}
        assert set(pairs) == wanted


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_head_is_of_this_packages_models_and_sets(name):
    held = shipped_head(name)
    tuned = held.tuned
    data = load_set(tuned.tuned_on)
    assert tuned.tuned_on_sha256 == data.sha256
    assert set(tuned.sequences) <= {sequence_sha256(rna) for rna in data.rnas}
    if len(tuned.clusters) < 5:
        assert (held.f1_low, held.f1_high) == (None, None), "too few clusters for an interval"
    else:
        assert held.f1_low <= tuned.validation_f1 <= held.f1_high
    assert len(held.commit) == 40
    assert held.command.endswith(name)
    if models.spec(name).sha256 is None or name.endswith("nano"):  # the others' weights are downloaded
        assert head_for(models.load(name, device="cpu"), tuned) == tuned


def test_a_shipped_heads_control_is_the_best_one_of_the_same_rnas():
    """By the controls' own heads, which were tuned and drawn as any other."""
    for name, controls in (("lm-nano", ("stems", "kernel")), ("msm-nano", ("stems-alignment", "kernel-alignment"))):
        head = shipped_head(name).tuned
        theirs = {control: shipped_head(control).tuned for control in controls}
        assert {one.sequences for one in theirs.values()} == {head.sequences}
        best = max(theirs, key=lambda control: theirs[control].view.f1)
        assert (head.view.control, head.view.control_f1) == (best, theirs[best].view.f1)


@pytest.mark.parametrize("name", ["viennarna", "alifold"])
def test_what_needs_no_tuning_is_drawn_as_it_is_with_confidences_that_were_measured(name, tmp_path):
    view = find_head(name).tuned.view
    assert (view.gamma, view.calibration) == (OF_PROBABILITIES.gamma, OF_PROBABILITIES.calibration)
    encoder, f1, sure, right = models.load(name, device="cpu"), [], [], []
    for rna in (each for each in load_set(view.measured_on).rnas if each.pairs):
        found = predict_one(encoder, rna, find_head(name).tuned).view
        real = [pair in rna.pairs for pair in found.pairs]
        f1.append(2 * sum(real) / (len(real) + len(rna.pairs)))
        sure += found.confidences
        right += real
    assert view.f1 == pytest.approx(np.mean(f1), abs=1e-5)
    assert np.mean(sure) == pytest.approx(np.mean(right), abs=0.01)


def test_ones_own_newer_head_wins_and_the_line_says_so(place):
    held = shipped_head("lm-nano").tuned
    told = find_head("lm-nano").message
    assert "shipped with rnaexp" in told
    stems = shipped_head("stems").tuned.validation_f1
    assert told.endswith(f" there (stems, complementary stacks alone: {stems:.3f})")
    assert "complementary" not in find_head("stems").message
    Store().put_tuned("lm-nano", {**held.to_json(), "threshold": 0.5})
    found = find_head("lm-nano")
    assert found.tuned.threshold == 0.5
    assert "threshold 0.5, your newest (in store): tuned on 24 RNAs" in found.message
    assert found.message.endswith("--tuned shipped takes the one that comes with rnaexp")
    assert find_head("lm-nano", "shipped") == FoundHead(tuned=held, message=told)


def test_what_a_run_leaves_does_not_hide_what_a_baseline_defines_itself(place):
    before = find_head("viennarna")
    Store().put_tuned("viennarna", replace(shipped_head("viennarna-mean").tuned, model="viennarna").to_json())
    assert find_head("viennarna").tuned.threshold != 0.5
    assert "--tuned shipped" in find_head("viennarna").message
    assert find_head("viennarna", "shipped") == before
    with pytest.raises(UnavailableError, match="no head of rna-fm comes with rnaexp"):
        find_head("rna-fm", "shipped")


def test_a_folder_is_found_by_any_way_of_writing_it(place):
    head = shipped_head("lm-nano").tuned
    (place / "mine").mkdir()
    assert look_for_head("mine") is None
    Store().put_tuned(models.lasting_name("mine"), head.to_json())
    for name in ("mine", "./mine", "mine/", str(place / "mine")):
        assert look_for_head(name).tuned.model == name


def test_a_shipped_head_is_tested_where_it_was_not_tuned_and_refused_where_it_was(place):
    done = inside("structure", "--model", "stems", "--test", "builtin-ts", "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["structure"]["threshold"] == shipped_head("stems").tuned.threshold
    assert "stems: head 0.0, threshold 6.5, shipped with rnaexp" in done.stderr
    refused = inside("structure", "--model", "stems", "--test", "builtin-vl", cwd=place)
    assert refused.returncode == 65
    assert "is the set that stems was tuned on" in refused.stderr


def test_what_a_baseline_defines_itself_is_tested_as_it_is(place):
    (place / "test.dbn").write_text(">t\nGGGGGCAAAAGCCCCC\n((((((....))))))\n")
    done = inside("structure", "--model", "viennarna", "--test", "test.dbn", "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["structure"]["f1"], told["structure"]["threshold"]) == (1.0, 0.5)


def test_other_weights_than_the_heads_are_refused(place):
    tuned = shipped_head("lm-nano").tuned
    with pytest.raises(InputError, match="tuned on other weights of lm-nano"):
        head_for(models.load("untrained:lm-nano", device="cpu"), tuned)


def test_a_model_without_a_head_is_tuned_first_when_asked_to(place):
    refused = inside("predict", "--model", "untrained:lm-nano", "my.fa", cwd=place)
    assert refused.returncode == 69
    assert "rnaexp predict --tune tunes one first" in refused.stderr
    done = inside("predict", "--model", "untrained:lm-nano", "my.fa", "--tune", cwd=place)
    assert done.returncode == 0, done.stderr
    assert "untrained:lm-nano: tuning a head on builtin-vl first, 24 RNAs: about " in done.stderr
    again = inside("predict", "--model", "untrained:lm-nano", "my.fa", cwd=place)
    assert again.returncode == 0, again.stderr
    assert ", your newest (in .rnaexp): tuned on 24 RNAs of builtin-vl, F1 0.0" in again.stderr


def test_a_folder_for_mlflow_answers_as_predict_does(place):
    import mlflow

    done = inside("serve", "--model", "lm-nano", "--save", "model", cwd=place)
    assert done.returncode == 0, done.stderr
    (served,) = (
        mlflow.pyfunc.load_model(str(place / "model")).predict([{"sequence": HAIRPIN, "id": "mine"}]).to_dict("records")
    )
    assert inside("predict", "--model", "lm-nano", "my.fa", "--format", "json", cwd=place).returncode == 0
    origin = {"configuration": served["configuration"], "version": None}  # of a folder that no registry knows
    assert served["model"] == "lm-nano"
    assert [served] == [one | origin for one in json.loads((place / "predictions" / "predictions.json").read_text())]
    assert inside("serve", "--model", "lm-nano", "--save", "model", cwd=place).returncode == 65


def checkpoint(folder, seed):
    """A BERT with random weights, as a training script leaves it: model, config.json and the letters."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(seed)
    letters = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"ACGUN")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertForMaskedLM(BertConfig(vocab_size=len(letters), max_position_embeddings=64, **sizes)).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(letters) + "\n")


@pytest.fixture
def with_sets(place):
    write_sets(place)
    return place


SETS = ("--validation", "validation.fa", "--test", "test.fa", "--families", "none")


def test_two_checkpoints_are_two_rows_and_their_paired_difference(with_sets):
    for at, name in enumerate(("step-1000", "step-2000")):
        checkpoint(with_sets / name, at)
    both = ("--model", "./step-1000", "--model", "./step-2000")
    done = rnaexp("run", *both, *SETS, "--csv", "rows.csv", cwd=with_sets, COLUMNS=200)
    assert done.returncode == 0, done.stderr
    rows = pd.read_csv(with_sets / "rows.csv").set_index("model")
    assert set(rows.index) == {"./step-1000", "./step-2000", "random", "stems", "kernel", "viennarna"}
    assert rows["rank"].notna().all()
    assert rows["f1"]["viennarna"] > rows["f1"]["./step-1000"]
    for name in rows.index:
        assert f"│ {name} " in done.stdout
    assert "Controls, tuned and tested in the same way: " in " ".join(done.stdout.split())
    (contrast,) = pd.read_csv(with_sets / "rows_contrasts.csv").to_dict("records")
    assert (contrast["model"], contrast["against"], contrast["rnas"]) == ("./step-1000", "./step-2000", 6)
    assert contrast["difference"] == pytest.approx(rows["f1"]["./step-1000"] - rows["f1"]["./step-2000"], abs=1e-5)


def test_one_checkpoint_has_its_controls_beside_it_and_becomes_no_champion_below_them(with_sets):
    checkpoint(with_sets / "bert-2000", 0)
    done = rnaexp("run", "--model", "./bert-2000", *SETS, "--register", "--json", cwd=with_sets)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    controls = {each["model"]: each["structure"] for each in told["controls"]}
    assert set(controls) == {"random", "stems", "kernel", "viennarna"}
    ranks = [told["structure"]["rank"], *(each["rank"] for each in controls.values())]
    assert sum(ranks) == 15, "five rows, ranked among each other"
    assert "models:/bert-2000/1 is head " in done.stderr
    assert "champion is not given to version 1: validation F1 " in done.stderr
    assert "champion is version" not in done.stderr


def test_every_format_that_is_offered_has_a_writer():
    assert set(FORMATS) == {"json", *_WRITERS}
