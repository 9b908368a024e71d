"""One RNA by a tuned head: against plain loops over the whole model's maps."""

import json
from dataclasses import replace

import numpy as np
import pytest

from rnaexp.choices import Drawing
from rnaexp.data.dot_bracket import parse_dot_bracket
from rnaexp.errors import InputError, TooLongError
from rnaexp.models import load
from rnaexp.rna import Alignment, Rna
from rnaexp.structure.heads import RnaScores, TunedHead
from rnaexp.structure.predict import (
    predict_one,
    prediction,
    record_of,
    refuse_beyond_memory,
    refuse_drawing,
)
from rnaexp.structure.probabilities import OF_PROBABILITIES, Calibration, Curve, StructureView
from rnaexp.structure.protocol import ATTENTION, CANONICAL, Scoring
from rnaexp.structure.worth import control_of
from rnaexp.tasks.pairs.tuned import known_f1, worth_of

SEQUENCE = "GGGAAAGGCUAUUUUAGCCAAAAAGCCCAACGACGAGAAUCGUCG"


def tuned(**fields):
    values = {
        "model": "lm-nano",
        "weights": "w",
        "layer": 1,
        "head": 1,
        "threshold": 0.2,
        "dot_bracket_threshold": 0.1,
        "dot_bracket_f1": 0.25,
        "validation_f1": 0.5,
        "tuned_on": "some-set",
        "tuned_on_sha256": "5" * 64,
        "sequences": (),
        "clusters": (),
        "read_out": ATTENTION,
        "scoring": Scoring(),
    }
    return TunedHead(**(values | fields))


@pytest.fixture(scope="module")
def encoder():
    return load("lm-nano", device="cpu")


def plain_scores(encoder, rna, head):
    maps = [layer.double().numpy().copy() for layer in encoder.attention(rna)]
    attention = maps[head.layer][head.head]
    both = attention + attention.T
    return (both - np.outer(both.sum(1), both.sum(0)) / both.sum()).astype(np.float32)


def plain_answer(scores, head, least=1):
    """(pairs best first, pairs of the view) by loops."""
    n = len(scores)
    ranked = sorted(((i, j) for i in range(n) for j in range(i + least, n)), key=lambda at: (-scores[at], at))
    view, used = set(), set()
    for i, j in ranked:
        if scores[i, j] >= head.dot_bracket_threshold and not {i, j} & used:
            view.add((i, j))
            used |= {i, j}
    return [pair for pair in ranked if scores[pair] >= head.threshold], view


@pytest.mark.parametrize("head", [tuned(), tuned(layer=0, head=0, scoring=Scoring(min_separation=4))])
def test_an_answer_is_the_heads_own(encoder, head):
    rna = Rna(id="a", sequence=SEQUENCE)
    scores = plain_scores(encoder, rna, head)
    pairs, view = plain_answer(scores, head, head.scoring.min_separation)
    found = predict_one(encoder, rna, head)
    assert pairs
    assert list(found.pairs) == pairs
    np.testing.assert_allclose(found.scores, [scores[pair] for pair in pairs], atol=2e-6)
    assert len(found.dot_bracket) == len(rna)
    assert set(parse_dot_bracket(found.dot_bracket)) == set(found.shown) == view


def test_layers_behind_the_heads_own_do_not_run(encoder, monkeypatch):
    asked = []
    whole = type(encoder).read_head
    monkeypatch.setattr(type(encoder), "read_head", lambda *words: asked.append(words[2:]) or whole(*words))
    monkeypatch.setattr(type(encoder), "read_attention", lambda *words: pytest.fail("the whole model ran"))
    predict_one(encoder, Rna(id="a", sequence=SEQUENCE), tuned())
    assert asked == [(1, 1)]


def test_the_record_counts_from_one_and_names_the_view_by_its_own_decoder(encoder):
    rows = (SEQUENCE, SEQUENCE.replace("A", "-"))
    rna = Rna(id="a", sequence=SEQUENCE, alignment=Alignment(names=("a", "b"), rows=rows))
    found = predict_one(encoder, rna, tuned())
    told = record_of(found, tuned())
    (i, j), first = found.pairs[0], told["pairs"][0]
    where = {"i": i + 1, "j": j + 1, "bases": SEQUENCE[i] + SEQUENCE[j]}
    assert first == {**where, "score": found.scores[0], "probability": None}
    assert [(one["i"] - 1, one["j"] - 1) for one in told["structure"]] == list(found.shown)
    assert {one["confidence"] for one in told["structure"]} == {told["expected_f1"]} == {None}
    assert (told["id"], told["depth"], told["validation_f1"], told["validation"]) == ("a", 2, 0.25, "some-set")
    assert told["decoder"] == "greedy threshold=0.1"
    assert record_of(found, tuned(dot_bracket_threshold=None))["decoder"] == "greedy threshold=0.2"


def test_a_view_leaves_out_the_weakest_of_pairs_that_cross_too_often():
    n = 80
    pairs = [(at, at + 40) for at in range(40)]  # all cross each other; there are 30 kinds of brackets
    scores = RnaScores(
        id="a",
        sequence_sha256="",
        cluster="a",
        bases=n,
        candidates=40,
        reference=np.zeros(0, np.int64),
        scores=np.linspace(2, 1, 40, dtype=np.float32)[None],
        indices=np.array([[i * n + j for i, j in pairs]]),
        complete=True,
    )
    found = prediction(Rna(id="a", sequence="A" * n), scores, tuned(threshold=0.0, dot_bracket_threshold=0.0))
    assert list(found.pairs) == pairs
    assert parse_dot_bracket(found.dot_bracket) == found.shown == tuple(pairs[: len(found.shown)])
    assert 25 <= len(found.shown) <= 30


def test_an_rna_beyond_memory_is_refused_and_one_that_fits_is_not(encoder, monkeypatch):
    rna = Rna(id="long", sequence="A" * 500)
    refuse_beyond_memory(encoder, rna)
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Free", (), {"available": 500 * 500 * 32})())
    with pytest.raises(TooLongError, match=r"long: 500 bases need about 0\.0 GB"):
        refuse_beyond_memory(encoder, rna)
    refuse_beyond_memory(encoder, replace(rna, sequence="A" * 20))


VIEW = StructureView(
    calibration=Calibration(curve=Curve(values=(0.0, 0.4), rates=(0.01, 0.9)), pairs_per_base=0.25),
    gamma=4.0,
    confidence=Curve(values=(0.0, 1.0), rates=(0.2, 0.95)),
    f1=0.31,
)


def test_a_calibrated_head_draws_its_structure_from_probabilities_and_calls_what_it_called(encoder):
    rna = Rna(id="a", sequence=SEQUENCE)
    plain, found = predict_one(encoder, rna, tuned()), predict_one(encoder, rna, tuned(view=VIEW))
    assert (found.pairs, found.scores) == (plain.pairs, plain.scores)
    by_score = dict(zip(found.pairs, found.probabilities, strict=True))
    able = [p for p in found.pairs if p[1] - p[0] > 3 and SEQUENCE[p[0]] + SEQUENCE[p[1]] in {*CANONICAL}]
    assert {pair for pair, one in by_score.items() if one is not None} == set(able)
    n, scores = len(SEQUENCE), plain_scores(encoder, rna, tuned())
    every = [(i, j) for i in range(n) for j in range(i + 4, n) if SEQUENCE[i] + SEQUENCE[j] in CANONICAL]
    chance = dict(zip(every, VIEW.calibration(np.array([scores[pair] for pair in every]), n), strict=True))
    sums = [sum(one for pair, one in chance.items() if base in pair) for base in range(n)]
    for pair in able:
        assert by_score[pair] == pytest.approx(chance[pair] / max(1, *(sums[base] for base in pair)), rel=1e-4)
    told = record_of(found, tuned(view=VIEW))
    assert (told["decoder"], told["validation_f1"]) == ("mea gamma=4", 0.31)
    assert parse_dot_bracket(told["dot_bracket"]) == found.shown == found.view.pairs
    confidences = [one["confidence"] for one in told["structure"]]
    assert confidences
    assert told["expected_precision"] == pytest.approx(np.mean(confidences))


def test_other_drawings_name_their_decoder_and_claim_no_f1(encoder):
    rna, head = Rna(id="a", sequence=SEQUENCE), tuned(view=VIEW)
    for drawing, decoder in (
        (Drawing(pseudoknots=True), "mea gamma=4 pseudoknots"),
        (Drawing(fold=True), "viennarna weight=0.25 mea gamma=1"),
    ):
        refuse_drawing(head, drawing)
        told = record_of(predict_one(encoder, rna, head, drawing), head, drawing)
        assert (told["decoder"], told["validation_f1"]) == (decoder, None)
        with pytest.raises(InputError, match="tune it again"):
            refuse_drawing(tuned(), drawing)
    refuse_drawing(tuned(), Drawing())
    with pytest.raises(InputError, match="folded already"):
        refuse_drawing(tuned(model="viennarna", view=VIEW), Drawing(fold=True))


def test_what_folding_with_the_scores_was_worth_is_told_where_it_was_measured(encoder):
    sure = Curve(values=(0.0, 1.0), rates=(0.1, 0.5))
    head, rna = tuned(view=replace(VIEW, folded_confidence=sure, folded_f1=0.44)), Rna(id="a", sequence=SEQUENCE)
    plain = record_of(predict_one(encoder, rna, tuned(view=VIEW), Drawing(fold=True)), tuned(view=VIEW))
    told = record_of(predict_one(encoder, rna, head, Drawing(fold=True)), head, Drawing(fold=True))
    assert told["validation_f1"] == 0.44
    assert told["dot_bracket"] == plain["dot_bracket"]
    pairs = zip(told["structure"], plain["structure"], strict=True)
    assert all(one["confidence"] == pytest.approx(0.1 + 0.4 * other["confidence"]) for one, other in pairs)
    assert "F1 0.44" in worth_of(head, Drawing(fold=True))
    assert "F1 0.31" in worth_of(head)
    assert "without folding" in worth_of(tuned(view=VIEW), Drawing(fold=True))
    assert worth_of(tuned()) == worth_of(tuned(view=OF_PROBABILITIES))
    assert "worth is unknown" in worth_of(tuned())


def test_the_line_on_what_structures_are_worth_holds_what_was_measured_only():
    several = tuned(sequences=("a", "b"), view=replace(VIEW, f1_low=0.2, f1_high=0.4, unscored_f1=0.1, folding_f1=0.6))
    assert worth_of(several) == (
        "lm-nano: this head's structures had F1 0.31 [0.20, 0.40] on the 2 RNAs of some-set that it was tuned on; "
        "a control without energies: unknown; as many pairs as fit, whatever their scores: 0.10; ViennaRNA: 0.60. "
        "For comparing models, not for design"
    )
    better = replace(several, view=replace(several.view, folding_f1=0.3, control="stems", control_f1=0.25))
    assert "; stems, the best control: 0.25; " in worth_of(better)
    assert worth_of(better).endswith("ViennaRNA: 0.30")


def test_a_structure_no_better_than_a_controls_says_so_wherever_it_is_answered(encoder):
    rna, view = Rna(id="a", sequence=SEQUENCE), replace(VIEW, control="kernel", control_f1=0.32, folding_f1=0.6)
    head = tuned(view=view)
    told = record_of(predict_one(encoder, rna, head), head)
    assert (told["validation_f1"], told["control"], told["control_f1"]) == (0.31, "kernel", 0.32)
    assert "No better than kernel" in worth_of(head)
    assert known_f1(head) == "validation F1 0.31, kernel's 0.32"
    folded = record_of(predict_one(encoder, rna, head, Drawing(fold=True)), head, Drawing(fold=True))
    assert (folded["control"], folded["control_f1"]) == ("viennarna", 0.6), "scores that only help it: it alone"
    for unknown, drawing in ((tuned(view=VIEW), Drawing()), (tuned(), Drawing()), (head, Drawing(pseudoknots=True))):
        assert control_of(unknown, drawing) == (None, None)
        assert known_f1(unknown, drawing).endswith("a control's unknown")


def test_a_head_written_before_there_were_probabilities_is_read(encoder):
    old = {name: value for name, value in tuned().to_json().items() if name != "view"}
    assert TunedHead.from_json(old) == tuned()
    assert TunedHead.from_json(json.loads(json.dumps(tuned(view=VIEW).to_json()))) == tuned(view=VIEW)
    with pytest.raises(InputError, match="not a tuned head"):
        TunedHead.from_json({**tuned().to_json(), "view": {"gamma": 1.0}})
