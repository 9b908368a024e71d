"""`fitted:MODEL` on the toy: fitted on the validation set alone, tested like any model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rnaexp import models
from rnaexp.data.formats import read_rnas
from rnaexp.errors import InputError
from rnaexp.reading.store import Store
from rnaexp.structure.pairs import pair_scores
from rnaexp.structure.probe import Probe
from rnaexp.structure.protocol import ATTENTION, Scoring
from rnaexp.tasks.pairs.fitted import FittedEncoder, fitted
from rnaexp.tasks.pairs.measure import tune_and_test
from rnaexp.tasks.pairs.result import Task
from rnaexp.tasks.pairs.run import run_structure

from .planted_sets import write_sets


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    return write_sets(folder, test=8)


@pytest.fixture
def task(sets):
    return Task(
        model="fitted:planted",
        validation=str(sets[0]),
        test=str(sets[1]),
        scoring=Scoring(),
        related="keep",
        loading={"name": "fitted:planted", "config": {}},
    )


def test_the_planted_pairs_are_found_by_weight_and_the_run_says_it_was_fitted(task, tmp_path, announce):
    result = run_structure(task, Store(tmp_path), announce)
    assert result.evaluation.f1.mean == 1.0
    weights = result.encoder.probe.weights
    assert np.unravel_index(weights.argmax(), weights.shape) == (1, 2)
    assert result.assessment.tags[0] == "fitted on the pairs of 6 RNAs: not zero-shot"


def test_a_second_run_calls_no_model(task, tmp_path, announce, monkeypatch):
    first = tune_and_test(task, Store(tmp_path), announce)
    encoder = type(models.load("planted"))
    monkeypatch.setattr(encoder, "attention", None)
    monkeypatch.setattr(encoder, "read_attention", None)
    again = tune_and_test(task, Store(tmp_path), announce)
    assert again.evaluation.per_rna.equals(first.evaluation.per_rna)


def test_other_pairs_of_the_same_validation_rnas_are_another_probe(sets, tmp_path, announce):
    rnas = read_rnas(Path(sets[0]))
    fewer = [replace(rna, pairs=rna.pairs[:3]) for rna in rnas]
    encoder = models.load("planted", config={"answer": "stems"})
    some = fitted(encoder, rnas, Scoring(), Store(tmp_path), announce)
    other = fitted(encoder, fewer, Scoring(), Store(tmp_path), announce)
    assert some.fingerprint != other.fingerprint
    assert fitted(encoder, rnas, Scoring(), Store(tmp_path), announce).fingerprint == some.fingerprint


def test_one_at_a_time_and_in_batches_the_map_is_the_weighted_sum(sets):
    rnas = read_rnas(Path(sets[0]))[:3]
    base = models.load("planted")
    weights = np.zeros((base.layers, base.heads))
    weights[0, 1], weights[1, 2] = -0.5, 3.0
    encoder = FittedEncoder(base, Probe(weights=weights, intercept=-1.0, strength=1.0))
    batched = {}
    encoder.read_attention(rnas, lambda index, layer, maps: batched.update({index: maps.clone()}))
    for at, rna in enumerate(rnas):
        layers = [pair_scores(maps.double(), ATTENTION) for maps in base.attention(rna)]
        expected = (-0.5 * layers[0][1] + 3.0 * layers[1][2] - 1.0).float()
        torch.testing.assert_close(encoder.read_head(rna, 0, 0), expected)
        torch.testing.assert_close(batched[at][0], expected)


def test_a_probe_without_weights_gives_every_pair_its_intercept(sets):
    rna = read_rnas(Path(sets[0]))[0]
    base = models.load("planted")
    encoder = FittedEncoder(base, Probe(weights=np.zeros((base.layers, base.heads)), intercept=-2.0, strength=1.0))
    assert (encoder.read_head(rna, 0, 0) == -2).all()


def test_layers_that_do_not_count_are_not_run(sets, monkeypatch):
    rna = read_rnas(Path(sets[0]))[0]
    base = models.load("planted")
    weights = np.zeros((base.layers, base.heads))
    weights[0, 0] = 1.0
    plain, made = base.attention, []
    monkeypatch.setattr(base, "attention", lambda one: (made.append(0) or maps for maps in plain(one)))
    FittedEncoder(base, Probe(weights=weights, intercept=0.0, strength=1.0)).read_head(rna, 0, 0)
    assert len(made) == 1 < base.layers


@pytest.mark.parametrize(
    ("name", "complaint"), [("fitted:viennarna", "one map"), ("fitted:rnabertt", "no model"), ("fitted:", "no model")]
)
def test_what_has_no_heads_is_refused(name, complaint):
    with pytest.raises(InputError, match=complaint):
        models.spec(name)


def test_outside_a_run_there_is_nothing_to_load():
    with pytest.raises(InputError, match="rnaexp run --model fitted:planted"):
        models.load("fitted:planted")


def test_without_a_validation_set_nothing_can_be_fitted(task, tmp_path, announce):
    with pytest.raises(InputError, match="nothing to fit without a validation set"):
        tune_and_test(replace(task, validation=None), Store(tmp_path), announce)
