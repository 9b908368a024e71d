"""What stands beside a score, on the toy whose answer is known."""

import json
from dataclasses import replace

import numpy as np
import pytest

from rnaexp import models
from rnaexp.errors import InputError
from rnaexp.experiment.question import read_question
from rnaexp.models.training import was_trained_on
from rnaexp.reading.store import Store
from rnaexp.structure.pairs import candidates, pair_scores
from rnaexp.structure.predict import predict_one
from rnaexp.structure.protocol import ATTENTION, Scoring, scoring
from rnaexp.tasks.pairs.diagnosis import diagnose
from rnaexp.tasks.pairs.measure import tune_and_test
from rnaexp.tasks.pairs.record import of_controls
from rnaexp.tasks.pairs.result import Task
from rnaexp.tasks.pairs.run import run_structure

from .planted_sets import write_sets

WEAK = {"pair_share": 0.0, "noise": 2.0}


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    return write_sets(folder, 8, 12)


@pytest.fixture
def task(sets):
    def make(config=None, chosen=None, **fields):
        loading = {"name": "planted", "config": config or {}}
        return Task(
            model="planted",
            validation=str(sets[0]),
            test=str(sets[1]),
            scoring=chosen or Scoring(),
            related="keep",
            loading=loading,
            **fields,
        )

    return make


@pytest.fixture
def job(task, tmp_path, announce):
    def run(*args, **fields):
        return run_structure(task(*args, **fields), Store(tmp_path / "results"), announce)

    return run


def test_a_head_that_knows_everything_is_stable_and_its_interval_shows_it(job):
    again = job().assessment.retuning
    assert (again.low, again.high, again.stability) == (1.0, 1.0, 1.0)
    assert again.winners == (((1, 2), 1000),)


def test_a_head_chosen_by_chance_is_unstable_and_tuning_widens_the_interval(job):
    result = job(WEAK)
    again = result.assessment.retuning
    assert again.stability < 0.9
    assert again.low <= result.evaluation.f1.low + 1e-9


def test_the_tuned_heads_whole_list_comes_from_the_pass_that_reads_the_test_set(task, tmp_path, announce, monkeypatch):
    asked = []
    encoder = type(models.load("planted"))
    plain = encoder.read_head
    monkeypatch.setattr(encoder, "read_head", lambda self, rna, *head: asked.append(rna.id) or plain(self, rna, *head))
    result = tune_and_test(task(), Store(tmp_path / "r"), announce)
    assert result.tested.complete
    assert asked == [], "all lists of a model of few heads are whole: no head is read alone"


def test_auprc_and_precision_at_n_are_those_of_the_frozen_head(job):
    done = job().evaluation
    assert (done.auprc, done.p_at_n, done.relaxed_f1) == (1.0, 1.0, 1.0)
    assert (done.spread.sd, done.spread.q25, done.spread.q75) == (0.0, 1.0, 1.0)


def test_shuffled_rnas_are_called_less_than_real_ones_by_a_head_that_knows_pairs(job):
    result = job()
    assert result.assessment.shuffled == 10
    assert result.assessment.shuffled_calls < 0.5 < result.evaluation.calls_per_100_bases


def test_the_diagnosis_of_the_known_answer_is_silent_and_of_noise_is_not(job):
    assert not [tag for tag in job().assessment.tags if "random" in tag or "stems" in tag]
    tags = job(WEAK).assessment.tags
    assert any(tag.startswith("F1 not above stems") for tag in tags)


def test_each_tag_has_its_reason(job):
    result = job()
    spec = replace(result.encoder.spec, reads="alignment", structure_seen="predicted")
    encoder = type("Encoder", (), {"spec": spec})()
    unread = replace(result.test.rnas[0], id="unread")
    odd = replace(result, encoder=encoder, test=replace(result.test, rnas=(*result.test.rnas, unread)))
    tags = diagnose(odd, {"random": result.evaluation}, {"predicted": 5, "published": 7}, seen=3)
    assert tags == [
        "F1 inside the random control's interval",
        "alignment depth 1 for 12 of 12 RNAs",
        "labels partly circular: 5 of 12 are predicted",
        "training set overlaps the test set: 3 of 12 RNAs",
        "coverage 92%",
    ]


def test_z_scores_are_standard_deviations_over_the_maps_candidates(job):
    result = job(score_scale="z-score")
    assert result.evaluation.f1.mean == 1.0
    rna = result.test.rnas[0]
    maps = next(m for layer, m in enumerate(result.encoder.attention(rna)) if layer == 1)[2:3]
    every = pair_scores(maps.double(), ATTENTION)[0].numpy()[candidates(rna, Scoring())]
    expected = np.sort((every - every.mean()) / every.std())[::-1]
    got = next(one for one in result.tested.rnas if one.id == rna.id)
    assert got.scores[0] == pytest.approx(expected, abs=1e-4)


def test_the_top_scale_calls_equally_many_pairs_a_base_in_every_rna(job):
    result = job(score_scale="top")
    c = -result.tuned.threshold
    for bases, calls in result.evaluation.per_rna[["bases", "calls"]].itertuples(index=False):
        assert calls == sum(rank / bases <= c + 1e-6 for rank in range(1, 400))


def test_the_top_scale_reads_no_map_again(task, tmp_path, announce, monkeypatch):
    store = Store(tmp_path / "r")
    tune_and_test(task(), store, announce)
    monkeypatch.setattr(type(models.load("planted")), "read_attention", lambda *_: pytest.fail("the model was called"))
    assert tune_and_test(task(score_scale="top"), store, announce).evaluation.f1.mean > 0.8


def test_relaxed_matching_forgives_a_shift_of_one_base(job, sets):
    moved = sets[1].read_text().replace("(.", "((")
    assert moved != sets[1].read_text()
    shifted = {"strip": (1, 1)}
    exact, relaxed = job(shifted), job(shifted, scoring("paper", match="relaxed"))
    assert relaxed.evaluation.f1.mean >= exact.evaluation.f1.mean
    off = job({"strip": (0, 2)}, scoring("paper", match="relaxed"))
    assert off.evaluation.f1.mean >= job({"strip": (0, 2)}).evaluation.f1.mean


def test_training_families_are_known_only_where_a_list_or_all_of_rfam_is(job):
    rnabert, random = models.spec("rnabert"), models.spec("random")
    assert was_trained_on(rnabert, "RF00005") is True
    assert was_trained_on(rnabert, "tRNA") is None
    assert was_trained_on(rnabert, None) is None
    assert was_trained_on(random, "RF00005") is None
    assert was_trained_on(models.spec("untrained:rnabert"), "RF00005") is None
    assert job().assessment.seen is None


def question(tmp_path, text):
    path = tmp_path / "q.toml"
    path.write_text(f"models = ['stems', 'covariation']\n{text}\n[[sets]]\nvalidation = 'a'\ntest = 'b'\n")
    return path


def test_only_models_of_alignments_are_run_on_altered_ones(tmp_path):
    asked = read_question(question(tmp_path, "alignments = ['intact', 'shuffled', 'depth-1']")).pairs
    assert [(t.model, t.alignment) for t in asked] == [
        ("stems", "intact"),
        ("covariation", "intact"),
        ("covariation", "shuffled"),
    ], "covariation says nothing of one row, and stems reads no alignment"


def test_a_variant_may_change_the_scale_and_keep_relatives(tmp_path):
    text = "protocols = [{name = 'paper'}, {name = 'paper', score_scale = 'top', related = 'keep', match = 'relaxed'}]"
    first, second, *_ = read_question(question(tmp_path, text)).pairs
    assert (first.score_scale, first.related, first.scoring.match) == ("raw", "drop", "exact")
    assert (second.score_scale, second.related, second.scoring.match) == ("top", "keep", "relaxed")


def test_a_question_may_say_how_models_are_run(tmp_path):
    path = tmp_path / "q.toml"
    protocols = "protocols = [{name = 'paper'}, {name = 'paper', token_pairs = 'max'}]"
    sets = "[[sets]]\nvalidation = 'a'\ntest = 'b'\n"
    path.write_text(f"models = ['rnabert', 'stems']\nlong = 'window'\nprecision = 'bf16'\n{protocols}\n{sets}")
    asked = read_question(path).pairs
    assert {task.long for task in asked} == {"window"}
    assert [(task.model, task.loading["precision"], task.loading["token_pairs"]) for task in asked] == [
        ("rnabert", "bf16", "mean"),
        ("rnabert", "bf16", "max"),
        ("stems", "fp32", "mean"),
        ("stems", "fp32", "max"),
    ], "what has no weights has no precision"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("alignments = ['upside-down']", "upside-down"),
        ("protocols = [{name = 'paper', related = 'maybe'}]", "maybe"),
        ("protocols = [{name = 'paper', score_scale = 'log'}]", "log"),
        ("protocols = [{name = 'paper', match = 'near'}]", "near"),
        ("protocols = [{name = 'paper', token_pairs = 'sum'}]", "sum"),
        ("long = 'cut'", "cut"),
        ("precision = 'int8'", "int8"),
        ("contrasts = [{model = 'stems', against = 'rnabert'}]", "rnabert"),
        ("contrasts = [{model = 'stems', versus = 'covariation'}]", "versus"),
        ("contrasts = [{model = 'stems', against = 'covariation', alignment = 'shuffled'}]", "shuffled"),
    ],
)
def test_a_question_that_names_nothing_that_exists_is_refused(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        read_question(question(tmp_path, text))


def test_a_tuned_head_keeps_its_scale_when_it_is_stored(job):
    tuned = job(score_scale="z-score").tuned
    assert type(tuned).from_json(json.loads(json.dumps(tuned.to_json()))) == tuned
    assert tuned.read_out.score_scale == "z-score"


def test_the_f1_of_the_dot_bracket_view_is_that_of_its_structures(task, tmp_path, announce):
    result = tune_and_test(task({"pair_share": 0.03, "noise": 1.2}), Store(tmp_path / "r"), announce)
    tuned, values = result.tuned, []
    for rna in result.validation.rnas:
        scores = pair_scores(result.encoder.read_head(rna, tuned.layer, tuned.head).double(), ATTENTION).float()
        free, called = set(range(len(rna))), set()
        every = [(-float(scores[i, j]), i, j) for i in range(len(rna)) for j in range(i + 1, len(rna))]
        for negative, i, j in sorted(every):
            if -negative >= tuned.dot_bracket_threshold and {i, j} <= free:
                free -= {i, j}
                called.add((i, j))
        values.append(2 * len(called & set(rna.pairs)) / (len(called) + len(rna.pairs)))
    assert 0 < tuned.dot_bracket_f1 < 1
    assert tuned.dot_bracket_f1 == pytest.approx(np.mean(values), abs=1e-9)
    assert tuned.dot_bracket_f1 != pytest.approx(tuned.validation_f1, abs=1e-6)


@pytest.mark.parametrize("score_scale", ["raw", "top"])
def test_structures_on_the_test_set_are_those_that_are_drawn_and_their_shares_are_counted(job, score_scale):
    result = job({"pair_share": 0.03, "noise": 1.2}, score_scale=score_scale)
    tuned, view = result.tuned, result.assessment.view
    f1, expected, sure, real = {}, {}, [], []
    for rna in result.test.rnas:
        found = predict_one(result.encoder, replace(rna, pairs=None), tuned)
        right = [pair in rna.pairs for pair in found.shown]
        f1[rna.id] = 2 * sum(right) / (len(right) + len(rna.pairs))
        expected[rna.id] = found.view.expected_f1
        sure += found.view.confidences
        real += right
    assert 0 < np.mean(list(f1.values())) < 1
    assert dict(zip(view.per_rna["rna"], view.per_rna["f1"], strict=True)) == pytest.approx(f1)
    assert dict(zip(view.per_rna["rna"], view.per_rna["expected_f1"], strict=True)) == pytest.approx(expected)
    error = 0.0
    for at in range(10):
        tenth = [(one, is_real) for one, is_real in zip(sure, real, strict=True) if min(int(10 * one), 9) == at]
        error += abs(sum(one for one, _ in tenth) - sum(is_real for _, is_real in tenth))
    assert view.error == pytest.approx(error / len(sure))
    assert tuned.view.folding_f1 is not None
    assert tuned.view.folding_f1 > tuned.view.unscored_f1


def test_a_structures_control_is_the_best_of_those_that_are_tuned_and_drawn_on_the_same_rnas(task, tmp_path, announce):
    """By the controls' own runs: they are tuned, calibrated and drawn as any model."""
    store, f1 = Store(tmp_path / "results"), {}
    for name in ("stems", "kernel"):
        alone = replace(task(), model=name, loading={"name": name})
        f1[name] = run_structure(alone, store, announce).tuned.view.f1
    view = run_structure(task({"pair_share": 0.03, "noise": 1.2}), store, announce).tuned.view
    best = max(f1, key=lambda name: f1[name])
    assert (view.control, view.control_f1) == (best, f1[best])
    assert f1["stems"] != f1["kernel"]
    controls = run_structure(task(), store, announce).assessment.controls
    table, of_rnas = of_controls(controls)
    assert set(table["model"]) == {"random", "stems", "kernel", "viennarna"}
    for row in table.to_dict("records"):
        mine = of_rnas[of_rnas["model"] == row["model"]]
        assert len(mine) == 12
        assert row["f1"] == pytest.approx(mine["f1"].mean(), abs=1e-6)


def test_a_structure_is_judged_once(job, monkeypatch):
    first = job().assessment.view
    monkeypatch.setattr("rnaexp.tasks.pairs.views.view_of", lambda *_: pytest.fail("drawn again"))
    again = job().assessment.view
    assert again.per_rna.equals(first.per_rna)
    assert again.reliability.equals(first.reliability)
