"""Scores counted in steps: against sorting and searching, and what is promised of thresholds within a step."""

import numpy as np
import pytest
import torch

from rnaexp.structure.curve import best_threshold
from rnaexp.structure.outlines import STEPS, can_outline, count_steps, lower_ends, outline_of, packed, unpacked
from rnaexp.structure.pairs import candidates, pair_scores, reference
from rnaexp.structure.protocol import ATTENTION, PAIR_SCORES, PROTOCOLS, ReadOut, Scoring
from rnaexp.structure.reading import Reading, Table

from .examples import PAPER, random_attention, random_rna, table_of

HEADS, MIDDLE = 5, STEPS // 2


def known_of(rna):
    known = np.zeros(len(rna) ** 2, bool)
    known[reference(rna, PAPER)] = True
    return known


@pytest.fixture(scope="module")
def rnas():
    rng = np.random.default_rng(3)
    found = [random_rna(rng, n, id=f"r{n}") for n in (9, 20, 33, 57)]
    return [(rna, random_attention(rng, HEADS, len(rna), rna, strength=1.5)) for rna in found]


def test_the_steps_are_a_sixteenth_of_a_power_of_two():
    ends = lower_ends()
    assert len(ends) == STEPS
    assert ends[0] == -np.inf
    assert (np.diff(ends) > 0).all()
    assert -(2.0**-20) < ends[MIDDLE] < -(2.0**-20) * (1 - 1e-6)
    assert ends[MIDDLE + 1] == 2.0**-20
    assert np.allclose(np.diff(ends[MIDDLE + 1 : MIDDLE + 18]) / 2.0**-20, [1 / 16] * 16)
    assert ends[-1] == 15.5


@pytest.mark.parametrize("read_out", [ATTENTION, PAIR_SCORES])
def test_each_candidate_is_counted_in_its_step(rnas, read_out):
    for rna, maps in rnas:
        allowed = candidates(rna, PAPER)
        counts, right = count_steps(maps, allowed, known_of(rna), read_out)
        scores = pair_scores(maps.double(), read_out)[:, torch.from_numpy(allowed)].float().double().numpy()
        hits = known_of(rna).reshape(allowed.shape)[allowed]
        for head in range(HEADS):
            steps = np.searchsorted(lower_ends()[1:], scores[head], side="right")
            assert (counts[head] == np.bincount(steps, minlength=STEPS)).all()
            assert (right[head] == np.bincount(steps[hits], minlength=STEPS)).all()


def test_scores_around_zero_and_beyond_the_steps_have_one():
    extreme = torch.tensor([[[0, -1, 1e-9, 0], [0, 0, 1e9, 15.99], [0, 0, 0, 2.0**-20], [0, 0, 0, 0]]])
    allowed = np.triu(np.ones((4, 4), bool), 1)
    counts, _ = count_steps(extreme, allowed, np.zeros(16, bool), PAIR_SCORES)
    held = {int(step): int(counts[0, step]) for step in np.flatnonzero(counts[0])}
    assert held == {MIDDLE - 20 * 16 - 1: 1, MIDDLE: 2, MIDDLE + 1: 1, STEPS - 1: 2}


def outlined(rnas, count=None):
    kept = [packed([count_steps(maps, candidates(rna, PAPER), known_of(rna), ATTENTION)]) for rna, maps in rnas]
    references = [len(reference(rna, PAPER)) for rna, _ in rnas]
    return outline_of(zip(map(unpacked, kept), references, strict=True), count=count or len(rnas))


def mean_f1(tables, row, threshold):
    values = []
    for rna in tables:
        called = rna.scores[row].astype(np.float64) >= threshold
        right = int((called & np.isin(rna.indices[row], rna.reference)).sum())
        values.append(2 * right / (int(called.sum()) + rna.references))
    return np.mean(values)


def test_f1_is_exact_at_the_ends_of_the_steps_and_bounded_within(rnas):
    outline, tables = outlined(rnas), [table_of(rna, [maps]) for rna, maps in rnas]
    ends = lower_ends()
    for row in range(HEADS):
        for step in range(1, STEPS, 11):
            assert outline.f1[row, step] == pytest.approx(mean_f1(tables, row, ends[step]), abs=1e-12)
        scores = np.unique(np.concatenate([rna.scores[row] for rna in tables]).astype(np.float64))
        for threshold in scores[:: max(1, len(scores) // 60)]:
            step = int(np.searchsorted(ends[1:], threshold, side="right"))
            assert mean_f1(tables, row, threshold) <= outline.most[row, step] + 1e-12
        best = best_threshold(tables, row, "per-rna")
        assert outline.f1[row].max() - 1e-12 <= best.f1 <= outline.bounds[row] + 1e-12
        assert outline.floor(row, best.f1 - 1e-9) < best.threshold


def test_a_list_down_to_a_floor_ends_with_the_first_pair_below_it(rnas):
    for rna, maps in rnas:
        every = table_of(rna, [maps[:1]])
        floor = float(every.scores[0][len(every.scores[0]) // 3])
        table = Table(rna, Reading(read_out=ATTENTION, scoring=PAPER, depth=np.inf, head=(0, 0), floor=floor))
        table.add(0, maps[:1])
        scores = table.entry()["scores"][0]
        assert (scores[:-1] >= floor).all()
        assert scores[-1] < floor
        assert scores.tolist() == every.scores[0][: len(scores)].tolist()
        assert not table.entry()["complete"]


def test_rnas_that_were_not_read_count_in_the_mean(rnas):
    assert outlined(rnas, count=8).f1 == pytest.approx(outlined(rnas).f1 / 2)


def test_only_thresholds_of_raw_scores_without_a_decoder_can_be_outlined():
    assert can_outline(ATTENTION, Scoring(min_separation=4, pairs="canonical"))
    assert not can_outline(ATTENTION, PROTOCOLS["strict"])
    assert not can_outline(ATTENTION, PROTOCOLS["authors"])
    assert not can_outline(ATTENTION, Scoring(match="relaxed"))
    assert not can_outline(ATTENTION, Scoring(averaging="pooled"))
    assert not can_outline(ReadOut(score_scale="z-score"), PAPER)
    assert not can_outline(ReadOut(score_scale="top"), PAPER)
