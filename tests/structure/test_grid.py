"""Thresholds on a grid against plain loops over Python numbers."""

from dataclasses import replace

import numpy as np
import pytest

from rnaexp.experiment.question import read_question
from rnaexp.structure.grid import best_on_grid, best_on_test, f1_of, mcc_of, pooled_at, thresholds
from rnaexp.structure.pairs import pair_scores
from rnaexp.structure.protocol import ATTENTION, PROTOCOLS, ReadOut, Scoring, protocol_fields, squash_of
from rnaexp.structure.reading import Reading, Table, scores_from
from rnaexp.structure.retune import retune
from rnaexp.structure.tune import search

from .examples import random_attention, random_rna, scores_of

AUTHORS = PROTOCOLS["authors"]
SQUASHED = replace(ATTENTION, squash="sigmoid")
EPS = 1e-6


def tables_of(seed, scoring=AUTHORS, read_out=SQUASHED, rnas=4, heads=3):
    rng = np.random.default_rng(seed)
    made = []
    for number in range(rnas):
        rna = random_rna(rng, int(rng.integers(8, 24)), id=f"{seed}.{number}")
        maps = random_attention(rng, heads, len(rna), rna, strength=2.0 * number)
        table = Table(rna, Reading(read_out=read_out, scoring=scoring, depth=float("inf")))
        table.add(0, maps)
        made.append((rna, maps, scores_from(rna, table.entry(), scoring, read_out)))
    return made


def plain_counts(made, head, threshold):
    """(right, calls, references, candidates) of each RNA, from a sigmoid over the definition's scores."""
    found = []
    for rna, maps, _ in made:
        scores = pair_scores(maps[head : head + 1], ATTENTION)[0].double().numpy()
        called = {
            (i, j)
            for i in range(len(rna))
            for j in range(i + 1, len(rna))
            if np.float64(np.float32(1 / (1 + np.exp(-np.float64(np.float32(scores[i, j])))))) >= threshold
        }
        found.append((len(called & set(rna.pairs)), len(called), len(rna.pairs), len(rna) * (len(rna) - 1) // 2))
    return found


def plain_f1(right, calls, references):
    precision, recall = right / (calls + EPS), right / (references + EPS)
    return 2 * precision * recall / (precision + recall + EPS)


@pytest.mark.parametrize("averaging", ["pooled", "per-rna"])
@pytest.mark.parametrize("seed", range(3))
def test_the_best_step_is_that_of_a_loop_over_all_steps(averaging, seed):
    made = tables_of(seed)
    scoring = replace(AUTHORS, averaging=averaging, grid=0.01)
    found = best_on_grid([table for _, _, table in made], 0, scoring)
    values = []
    for step in range(101):
        counts = plain_counts(made, 0, step * 0.01)
        if averaging == "pooled":
            values.append(plain_f1(*np.sum([one[:3] for one in counts], axis=0)))
        else:
            values.append(np.mean([plain_f1(*one[:3]) for one in counts]))
    assert found.f1 == pytest.approx(max(values), abs=1e-9)
    assert found.threshold == pytest.approx(0.01 * int(np.argmax(values)), abs=1e-12)


def test_a_score_on_a_step_is_called_and_of_equal_steps_the_first_counts():
    rna = random_rna(np.random.default_rng(0), 6, 2)
    table = scores_from(rna, _entry(rna, {rna.pairs[0]: 0.5}), AUTHORS)
    found = best_on_grid([table], 0, replace(AUTHORS, grid=0.25))
    assert found.threshold == 0.25  # 0.25 and 0.5 both call that pair alone
    assert pooled_at(scores_of([table], heads=1, scoring=AUTHORS), layer=0, head=0, threshold=0.5).f1 > 0.5


def _entry(rna, high):
    n = len(rna)
    every = sorted(((high.get((i, j), 0.0), -i, -j) for i in range(n) for j in range(i + 1, n)), reverse=True)
    return {
        "scores": np.array([[score for score, _, _ in every]], np.float32),
        "indices": np.array([[-i * n - j for _, i, j in every]], np.int32),
        "candidates": np.array(len(every)),
        "complete": np.array(True),
    }


def test_pooled_figures_are_those_of_counts_added_up_by_hand():
    made = tables_of(5)
    scores = scores_of([table for _, _, table in made], heads=3, scoring=AUTHORS, read_out=SQUASHED)
    found = pooled_at(scores, layer=0, head=1, threshold=0.503)
    right, calls, references, candidates = np.sum(plain_counts(made, 1, 0.503), axis=0)
    wrong, missed = calls - right, references - right
    rest = candidates - right - wrong - missed
    under = ((right + wrong) * (right + missed) * (rest + wrong) * (rest + missed)) ** 0.5
    assert found.f1 == pytest.approx(plain_f1(right, calls, references), abs=1e-12)
    assert found.mcc == pytest.approx((right * rest - wrong * missed) / (under + EPS), abs=1e-12)
    assert f1_of(np.array(2.0), np.array(4.0), 4) == pytest.approx(0.5, abs=1e-5)
    assert mcc_of(np.array(3.0), np.array(3.0), 3, 9) == pytest.approx(1.0, abs=1e-5)


def test_the_head_chosen_on_the_test_set_keeps_its_validation_threshold():
    first, second = (
        scores_of([t for _, _, t in tables_of(seed)], heads=3, scoring=AUTHORS, read_out=SQUASHED) for seed in (7, 8)
    )
    trials = search(first).trials[["layer", "head", "threshold"]].to_numpy(float)
    best = best_on_test(trials, second)
    each = [pooled_at(second, layer=int(a), head=int(b), threshold=c) for a, b, c in trials]
    assert best == max(each, key=lambda one: one.f1)
    assert best.f1 <= max(trial for trial in search(second).trials["f1"]) + 1e-12


def test_a_resample_of_everything_once_chooses_what_tuning_chose():
    made = [table for _, _, table in tables_of(3)]
    scores = scores_of(made, heads=3, scoring=AUTHORS, read_out=SQUASHED)
    one = scores_of(made[:1], heads=3, scoring=AUTHORS, read_out=SQUASHED)
    found = search(one)
    chosen = one.name(found.best)
    again = retune(one, scores, chosen=chosen, resamples=5)
    assert again.stability == 1.0
    assert set(thresholds(AUTHORS.grid)) >= {found.winner["threshold"]}


def test_lists_that_end_early_decide_nothing_below_their_end():
    rng = np.random.default_rng(1)
    rna = random_rna(rng, 20, 5)
    table = Table(rna, Reading(read_out=SQUASHED, scoring=AUTHORS, depth=1.0, least=1))
    table.add(0, random_attention(rng, 2, 20, rna, 3.0))
    short = scores_from(rna, table.entry(), AUTHORS, SQUASHED)
    found = best_on_grid([short], 0, AUTHORS)
    assert found.bound == 1.0
    assert found.threshold > short.scores[0][-1]
    with pytest.raises(ValueError, match="end above the threshold"):
        pooled_at(scores_of([short], heads=2, scoring=AUTHORS), layer=0, head=0, threshold=0.1)


def test_names_say_what_differs_and_what_makes_no_sense_is_refused():
    assert protocol_fields(AUTHORS, SQUASHED)["name"] == "authors"
    assert protocol_fields(AUTHORS, ATTENTION)["name"] == "authors:squash=none"
    assert protocol_fields(Scoring(), SQUASHED)["name"] == "paper:squash=sigmoid"
    assert [squash_of(name) for name in PROTOCOLS] == ["none", "none", "none", "sigmoid"]
    for wrong in ({"grid": 0.3}, {"grid": -0.001}, {"head": "best"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Scoring(**wrong)
    with pytest.raises(ValueError, match="rank"):
        ReadOut(squash="sigmoid", score_scale="top")


def test_a_question_takes_the_protocol_and_each_of_its_steps(tmp_path):
    path = tmp_path / "q.toml"
    path.write_text(
        "models = ['planted']\n[[sets]]\nvalidation = 'a'\ntest = 'b'\n"
        "[[protocols]]\nname = 'authors'\n[[protocols]]\nname = 'paper'\nsquash = 'sigmoid'\ngrid = 0.001\n"
    )
    whole, step = read_question(path).pairs
    assert (whole.scoring, whole.squash) == (AUTHORS, "sigmoid")
    assert (step.scoring, step.squash) == (Scoring(grid=0.001), "sigmoid")
