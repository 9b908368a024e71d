"""The whole job on a toy whose answer is known: each step of the method is needed to find it.

`mutations.py` beside this file breaks the steps one at a time and shows which of these tests notices.
"""

from dataclasses import replace

import numpy as np
import pytest

from rnaexp import models
from rnaexp.errors import LeakageError
from rnaexp.reading.store import Store
from rnaexp.structure.evaluate import evaluate, evaluate_head
from rnaexp.structure.protocol import Scoring, scoring
from rnaexp.tasks.pairs import deeper
from rnaexp.tasks.pairs import record as tables
from rnaexp.tasks.pairs.measure import head_maps
from rnaexp.tasks.pairs.parts import whole_head
from rnaexp.tasks.pairs.result import Task
from rnaexp.tasks.pairs.run import run_structure

from .planted_sets import write_set, write_sets

PLANTED_HEAD = (1, 2)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    return write_sets(folder, 8, 10)


@pytest.fixture
def job(sets, tmp_path, announce):
    def run(chosen=None, config=None, related="keep", store=None):
        task = Task(
            model="planted",
            validation=str(sets[0]),
            test=str(sets[1]),
            scoring=chosen or Scoring(),
            related=related,
            loading={"name": "planted", "config": config or {}},
        )
        return run_structure(task, store or Store(tmp_path / "results"), announce)

    return run


def test_the_planted_head_is_found_and_calls_every_pair_and_no_other(job):
    result = job()
    assert (result.tuned.layer, result.tuned.head) == PLANTED_HEAD
    assert result.tuned.validation_f1 == 1.0
    assert result.evaluation.f1.mean == 1.0
    assert result.evaluation.pooled_f1 == 1.0
    assert result.evaluation.mcc == 1.0
    assert len(result.test.scores.scored()) == 10


def test_released_code_reports_two_heads_and_both_are_the_planted_one(job):
    result = job(scoring("authors"))
    assert (result.tuned.layer, result.tuned.head) == PLANTED_HEAD
    for one in (result.pooled, result.chosen_on_test):
        assert (one.layer, one.head) == PLANTED_HEAD
        assert one.f1 == pytest.approx(1.0, abs=1e-5)
    figures = tables.metrics(result)
    assert figures["structure.head_oracle_f1"] == result.chosen_on_test.f1
    assert figures["structure.head_validated_f1"] == result.pooled.f1


@pytest.mark.parametrize("protocol", ["paper", "strict"])
@pytest.mark.parametrize("averaging", ["per-rna", "pooled"])
def test_every_protocol_finds_it(job, protocol, averaging):
    result = job(scoring(protocol, averaging=averaging))
    assert (result.tuned.layer, result.tuned.head) == PLANTED_HEAD
    assert result.evaluation.f1.mean == 1.0


def test_no_other_head_comes_near(job):
    trials = job().validation.search.trials
    others = trials[(trials["layer"] != PLANTED_HEAD[0]) | (trials["head"] != PLANTED_HEAD[1])]
    assert others["f1"].max() < 0.5


def test_the_threshold_is_the_middle_of_the_gap_between_pairs_and_the_rest(job, tmp_path, announce):
    result = job()
    store = Store(tmp_path / "results")
    whole = whole_head(result.encoder, result.validation, PLANTED_HEAD, result.validation.rnas, store, announce)
    right = min(float(rna.scores[0][rna.hits[0]].min()) for rna in whole.rnas)
    wrong = max(float(rna.scores[0][~rna.hits[0]].max()) for rna in whole.rnas)
    assert wrong < result.tuned.threshold < right
    assert result.tuned.threshold == pytest.approx((right + wrong) / 2, abs=1e-6)


def test_a_pair_whose_score_is_the_threshold_is_called(job, tmp_path, announce):
    result = job()
    whole = whole_head(result.encoder, result.test, PLANTED_HEAD, result.test.rnas, Store(tmp_path / "r"), announce)
    lowest = min(float(rna.scores[0][rna.hits[0]].min()) for rna in whole.rnas)
    assert evaluate_head(whole, layer=1, head=2, threshold=lowest).f1.mean == 1.0


@pytest.mark.parametrize("strip", [(0, 2), (2, 0)])
def test_special_tokens_cut_one_off_ruin_the_score(job, strip):
    assert job(config={"strip": strip}).evaluation.f1.mean < 0.5


def test_only_pairs_far_enough_apart_are_candidates(job):
    result = job(Scoring(min_separation=12))
    for rna in result.test.scores.rnas:
        i, j = np.divmod(rna.indices[rna.indices >= 0], rna.bases)
        assert (j - i >= 12).all()
        reference_i, reference_j = np.divmod(rna.reference, rna.bases)
        assert (reference_j - reference_i >= 12).all()
    assert result.evaluation.f1.mean == 1.0
    shortest = min(j - i for rna in result.test.rnas for i, j in rna.pairs)
    assert shortest < 12, "the test must have pairs that this protocol leaves out"


def test_the_map_shown_beside_the_reference_holds_every_planted_pair(job, tmp_path, announce):
    result = job()
    rna = result.test.rnas[0]
    scores = head_maps(result, [rna.id], Store(tmp_path / "r"), announce)[rna.id]
    called = {(int(i), int(j)) for i, j in np.argwhere(np.nan_to_num(scores, nan=-1) >= result.tuned.threshold)}
    assert called == set(rna.pairs)


def test_a_validation_rna_with_a_relative_in_the_test_set_is_not_tuned_on(sets, tmp_path, announce):
    both = tmp_path / "validation_and_kin.fa"
    kin = "\n".join(sets[1].read_text().splitlines()[:3]).replace(">t0", ">kin")
    both.write_text(sets[0].read_text() + kin + "\n")
    task = Task(model="planted", validation=str(both), test=str(sets[1]), scoring=Scoring(), related="drop")
    result = run_structure(task, Store(tmp_path / "r"), announce)
    assert "kin" in result.related
    assert "kin" not in {rna.id for rna in result.validation.rnas}
    with pytest.raises(LeakageError, match="t0"):
        run_structure(replace(task, related="keep"), Store(tmp_path / "r"), announce)


def test_tuning_and_testing_on_one_set_is_refused(sets, tmp_path, announce):
    task = Task(model="planted", validation=str(sets[1]), test=str(sets[1]), scoring=Scoring(), related="keep")
    with pytest.raises(LeakageError):
        run_structure(task, Store(tmp_path / "r"), announce)


def test_a_tuned_head_is_applied_unchanged_to_a_third_set(job, sets, tmp_path, announce):
    tuned = job().tuned
    third = write_set(tmp_path / "third.fa", 3, 5, "x")
    task = Task(model="planted", test=str(third), scoring=tuned.scoring, tuned=tuned, related="keep")
    result = run_structure(task, Store(tmp_path / "r"), announce)
    assert result.evaluation.f1.mean == evaluate(result.test.scores, tuned, allow_related=True).f1.mean == 1.0
    again = replace(task, test=str(sets[0]))
    with pytest.raises(LeakageError):
        run_structure(again, Store(tmp_path / "r"), announce)


def test_the_oracle_is_the_best_head_of_the_test_set_itself(job):
    result = job(config={"noise": 3.0, "pair_share": 0.08})
    best = result.test.search.trials["f1"].max()
    assert result.oracle.f1.mean == pytest.approx(best)
    assert result.oracle.f1.mean >= result.evaluation.f1.mean


def test_weak_heads_are_read_deeper_until_their_optimum_is_certain(job, monkeypatch):
    monkeypatch.setattr(deeper, "TINY", 0)
    result = job(config={"pair_share": 0.0, "noise": 2.0})
    assert not result.validation.search.uncertain
    assert not result.test.search.uncertain
    whole = result.validation.scores
    assert all(rna.complete for rna in whole.rnas)
    assert 0 < result.tuned.validation_f1 < 0.6


def test_nothing_is_read_twice(job, tmp_path, monkeypatch):
    store = Store(tmp_path / "results")
    first = job(store=store)

    def refuse(*_):
        raise AssertionError("the model was called")

    encoder = type(models.load("planted"))
    monkeypatch.setattr(encoder, "read_attention", refuse)
    monkeypatch.setattr(encoder, "read_head", refuse)
    second = job(store=store)
    assert second.evaluation.per_rna.equals(first.evaluation.per_rna)
    assert second.tuned == first.tuned
