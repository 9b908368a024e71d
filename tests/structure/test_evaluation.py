from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics

from rnaexp.errors import InputError, LeakageError
from rnaexp.structure.evaluate import TooShallowError, evaluate, evaluate_head
from rnaexp.structure.heads import TunedHead
from rnaexp.structure.protocol import Scoring, protocol_name, scoring
from rnaexp.structure.tune import search, tuned_head

from . import oracle
from .examples import random_attention, random_rna, scores_of, table_of


def make(seed, data, rnas=4, heads=3, depth=float("inf")):
    rng = np.random.default_rng(seed)
    made = [random_rna(rng, int(rng.integers(12, 30)), 6, id=f"{data}{at}") for at in range(rnas)]
    maps = [random_attention(rng, heads, len(rna), rna, 3.0) for rna in made]
    tables = [table_of(rna, [m], depth=depth) for rna, m in zip(made, maps, strict=True)]
    return made, maps, scores_of(tables, heads=heads, data=data)


def tuned_on(data, seed=1):
    _, _, scores = make(seed, data)
    return tuned_head(scores, search(scores))


@pytest.mark.parametrize("seed", range(50))
def test_scores_of_each_rna_equal_scikit_learn_and_plain_loops(seed):
    rnas, maps, scores = make(seed, "test")
    threshold = float(np.random.default_rng(seed).uniform(0.0, 0.2))
    table = evaluate_head(scores, layer=0, head=1, threshold=threshold).per_rna.set_index("rna")
    for rna, attention in zip(rnas, maps, strict=True):
        every = oracle.candidates(rna.sequence)
        best = oracle.ranked(oracle.pair_scores(attention[1].numpy()), every)
        called = {pair for score, pair in best if score >= threshold}
        truth, guess = [pair in rna.pairs for pair in every], [pair in called for pair in every]
        row = table.loc[rna.id]
        assert row["f1"] == pytest.approx(metrics.f1_score(truth, guess, zero_division=0))
        assert row["precision"] == pytest.approx(metrics.precision_score(truth, guess, zero_division=0))
        assert row["recall"] == pytest.approx(metrics.recall_score(truth, guess))
        assert row["mcc"] == pytest.approx(metrics.matthews_corrcoef(truth, guess))
        assert row["mcc"] == pytest.approx(oracle.mcc(called, rna.pairs, every))
        assert row["f1"] == pytest.approx(oracle.f1(called, rna.pairs))


def test_the_headline_is_the_mean_over_rnas_and_pooled_f1_stands_beside_it():
    _, _, scores = make(5, "test")
    done = evaluate_head(scores, layer=0, head=0, threshold=0.05)
    table = done.per_rna
    assert done.f1.mean == pytest.approx(table["f1"].mean())
    pooled = 2 * table["right"].sum() / (table["calls"].sum() + table["references"].sum())
    assert done.pooled_f1 == pytest.approx(pooled)
    assert (done.f1.low, done.f1.high, done.f1.clusters) == (None, None, 4)
    many = evaluate_head(make(5, "test", rnas=6)[2], layer=0, head=0, threshold=0.05).f1
    assert many.low <= many.mean <= many.high


def test_evaluation_refuses_the_tuning_set():
    _, _, scores = make(1, "validation")
    with pytest.raises(LeakageError, match="is the set that"):
        evaluate(scores, tuned_on("validation"))


def test_evaluation_refuses_an_rna_that_was_tuned_on_under_another_name():
    _, _, scores = make(1, "test")
    with pytest.raises(LeakageError, match="test0 of test was tuned on"):
        evaluate(scores, tuned_on("validation"), allow_related=True)


def test_evaluation_refuses_a_relative_of_the_tuning_set_unless_told_to_keep_it():
    tuned = tuned_on("validation")
    _, _, scores = make(2, "test")
    kin = replace(scores, rnas=(replace(scores.rnas[0], cluster=tuned.clusters[0]), *scores.rnas[1:]))
    with pytest.raises(LeakageError, match="has a relative"):
        evaluate(kin, tuned)
    assert evaluate(kin, tuned, allow_related=True).f1.mean == evaluate(scores, tuned).f1.mean


@pytest.mark.parametrize("change", [{"model": "other"}, {"weights": "other"}, {"scoring": Scoring(min_separation=2)}])
def test_what_was_made_under_other_conditions_refuses_to_meet(change):
    _, _, scores = make(2, "test")
    with pytest.raises(ValueError, match=next(iter(change))):
        evaluate(replace(scores, **change), tuned_on("validation"))


def test_a_threshold_below_the_kept_pairs_is_refused_not_guessed():
    _, _, scores = make(2, "test", depth=0.5)
    with pytest.raises(TooShallowError):
        evaluate_head(scores, layer=0, head=0, threshold=-1.0)


def test_a_score_equal_to_the_threshold_is_a_call():
    _, _, scores = make(2, "test", rnas=1)
    third = float(scores.rnas[0].scores[0][2])
    assert evaluate_head(scores, layer=0, head=0, threshold=third).per_rna["calls"].item() == 3


def test_a_tuned_head_survives_json():
    tuned = replace(tuned_on("validation"), tuned_on_sha256="0" * 64)
    assert TunedHead.from_json(tuned.to_json()) == tuned
    with pytest.raises(InputError):
        TunedHead.from_json({"layer": 1})


def test_protocols_are_named_by_what_differs():
    assert protocol_name(scoring("paper")) == "paper"
    assert protocol_name(scoring("strict")) == "strict"
    assert protocol_name(scoring("paper", min_separation=4)) == "paper:min_separation=4"
    with pytest.raises(ValueError, match="min_separation 0"):
        scoring("paper", min_separation=0)
    with pytest.raises(ValueError, match="decoder"):
        scoring("paper", decoder="magic")
