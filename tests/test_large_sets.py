"""Sets too large for lists of every head: the oracle, its threshold and its evaluation are those of reading all."""

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from rnaexp.reading import maps, read
from rnaexp.reading.large import let_go
from rnaexp.reading.store import Store
from rnaexp.rna import Rna
from rnaexp.structure.protocol import PAIR_SCORES, Scoring
from rnaexp.structure.reading import Reading
from rnaexp.tasks.pairs import deeper
from rnaexp.tasks.pairs import record as tables

from .planted_sets import run_planted, write_sets

WEAK = {"pair_share": 0.004, "noise": 1.6}  # no head is sure from short lists


def short(reading, references, candidates):
    """As many pairs as there are references: too few to be sure of any weak head."""
    return candidates if np.isinf(reading.depth) else min(candidates, references)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    return write_sets(folder, test=14)


@pytest.fixture
def run(sets, tmp_path, announce, monkeypatch):
    def of(*, large, unread=frozenset()):
        monkeypatch.setattr(Reading, "kept", short)
        monkeypatch.setattr(deeper, "SMALL", 0 if large == "short lists" else 2**30)
        monkeypatch.setattr(deeper, "ONE_HEAD", 0 if large == "no lists" else 2**25)
        monkeypatch.setattr(deeper, "TINY", 0)
        return run_planted(sets, Store(tmp_path / f"store {large}"), announce, WEAK, unread)

    return of


@pytest.mark.parametrize("how", ["short lists", "no lists"])
@pytest.mark.parametrize("unread", [frozenset(), frozenset({"t3", "t7"})])
def test_the_oracle_is_that_of_reading_every_pair(run, unread, how):
    every, large = run(large="", unread=unread), run(large=how, unread=unread)
    assert every.test.scores.complete, "this is what it is compared with"
    assert not large.test.scores.complete
    assert large.test.whole is not None
    assert large.test.exact
    assert large.test.search.uncertain == []
    assert large.test.search.winner == pytest.approx(every.test.search.winner, abs=0)
    pd.testing.assert_frame_equal(large.oracle.per_rna, every.oracle.per_rna, check_exact=True)
    pd.testing.assert_frame_equal(large.evaluation.per_rna, every.evaluation.per_rna, check_exact=True)
    pd.testing.assert_frame_equal(large.assessment.breakdown, every.assessment.breakdown, check_exact=True)
    pd.testing.assert_frame_equal(large.assessment.view.per_rna, every.assessment.view.per_rna, check_exact=True)
    pd.testing.assert_frame_equal(large.assessment.view.reliability, every.assessment.view.reliability)
    for name, control in every.assessment.controls.items():
        theirs = large.assessment.controls[name].evaluation
        pd.testing.assert_frame_equal(theirs.per_rna, control.evaluation.per_rna, check_exact=True)
    assert [one.id for one in large.test.scored] == [one.id for one in every.test.scored]
    again, known = large.assessment.retuning, every.assessment.retuning
    assert again.stability == known.stability
    assert again.low <= known.low + 1e-12
    assert again.high >= known.high - 1e-12
    if how == "no lists":  # where the outlines bound it, which short lists hardly do
        assert again.high - again.low <= known.high - known.low + 0.05
    found, known = large.test.search.trials, every.test.search.trials
    assert (found["f1"] <= known["f1"] + 1e-12).all(), "what is not known exactly is a lower bound"
    assert (np.maximum(found["f1"], found["bound"]) >= known["f1"] - 1e-9).all(), "and has an upper one"


@pytest.mark.parametrize("how", ["short lists", "no lists"])
def test_it_resumes_and_a_second_run_reads_nothing(run, monkeypatch, how):
    once = run(large=how)
    let_go(once.tested)
    let_go(once.test.whole)
    monkeypatch.setattr(read, "built", lambda encoder: pytest.fail("the model ran again"))
    again = run(large=how)
    figures = [json.dumps(tables.metrics(result), sort_keys=True) for result in (once, again)]
    assert figures[0] == figures[1]


def test_no_lists_of_test_rnas_are_left_and_one_that_is_missed_is_made_again(run, tmp_path):
    done = run(large="no lists")
    scratch = tmp_path / "store no lists" / "scratch"
    kept = [path for path in scratch.rglob("*") if path.is_file()]
    assert len(kept) == 14 * (1 if done.test.whole.heads == done.tested.heads else 2), "the controls' are gone"
    known = done.tested.rnas[3].scores.copy()
    let_go(done.tested)
    let_go(done.test.whole)
    assert not [path for path in scratch.rglob("*") if path.is_file()]
    assert len(done.tested.rnas[4].scores[0]) == done.tested.rnas[4].candidates
    assert done.tested.rnas[3].scores.tolist() == known.tolist()


@pytest.mark.parametrize(("tiny", "times"), [(0, 2), (deeper.TINY, 1)])
def test_where_the_lists_of_every_head_are_tiny_each_rna_is_read_once(
    sets, tmp_path, announce, monkeypatch, tiny, times
):
    monkeypatch.setattr(Reading, "kept", short)
    monkeypatch.setattr(deeper, "TINY", tiny)
    ran = Counter()
    read_batch = maps.Reader._read

    def counted(reader, batch):
        ran.update(rna.id for rna in batch if reader.encoder.spec.name == "planted")
        return read_batch(reader, batch)

    monkeypatch.setattr(maps.Reader, "_read", counted)
    result = run_planted(sets, Store(tmp_path / "store"), announce, WEAK)
    assert {ran[rna.id] for part in (result.test, result.validation) for rna in part.rnas} == {times}


@pytest.mark.parametrize("beyond", [0, 1])
def test_tiny_is_counted_in_pairs_of_all_heads(beyond):
    reading, rnas = Reading(read_out=PAIR_SCORES, scoring=Scoring()), [Rna(id="a", sequence="A" * 64)]
    heads = deeper.TINY // (8 * 64 * 63 // 2) + beyond
    assert np.isinf(deeper.first_reading(reading, heads, rnas).depth) == (not beyond)


def test_a_head_whose_lists_are_there_is_not_read_again_for_its_band(run, monkeypatch):
    bands = []
    read_batch = maps.Reader._read

    def counted(reader, batch):
        if reader.reading.band is not None:
            bands.extend((reader.encoder.spec.name, reader.reading.head) for _ in batch)
        return read_batch(reader, batch)

    monkeypatch.setattr(maps.Reader, "_read", counted)
    done = run(large="no lists")
    assert bands, "other heads that could win are read"
    assert (done.encoder.spec.name, (done.tuned.layer, done.tuned.head)) not in bands
    assert {name for name, _ in bands} == {done.encoder.spec.name}, "controls have one head, whose lists are there"
