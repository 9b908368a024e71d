"""Scores counted in steps: against sorting and searching, and what is promised of thresholds within a step."""

import numpy as np
import pytest
import torch

from rnaexp.structure.bands import Band, best_in_band, stored_band
from rnaexp.structure.curve import best_threshold
from rnaexp.structure.outlines import (
    STEPS,
    can_outline,
    count_steps,
    f1_between,
    lower_ends,
    outline_of,
    packed,
    unpacked,
)
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


def bands_of(rnas, row, limits):
    for rna, maps in rnas:
        reading = Reading(read_out=ATTENTION, scoring=PAPER, depth=np.inf, head=(0, row), band=limits)
        table = Table(rna, reading)
        table.add(0, maps[row : row + 1])
        yield stored_band(table.entry()), len(reference(rna, PAPER))


def test_a_band_holds_the_scores_within_it_and_how_many_lie_above(rnas):
    every = table_of(rnas[2][0], [rnas[2][1][1:2]])
    scores, hits = every.scores[0], every.hits[0]
    low, high = (float(scores[at]) for at in (400, 100))
    band, references = next(bands_of(rnas[2:], 1, (low, high)))
    assert references == every.references
    assert band.scores.tolist() == [score for score in scores.tolist() if low <= score < high]
    assert band.above == (int((scores >= high).sum()), int(hits[scores >= high].sum()))
    assert band.right.tolist() == hits[(scores >= low) & (scores < high)].tolist()
    assert band.below == max(score for score in scores.tolist() if score < low)


@pytest.mark.parametrize("most", [1, 40, 10**9])
def test_the_best_threshold_within_the_band_is_that_of_all_scores(rnas, most):
    outline, tables = outlined(rnas), [table_of(rna, [maps]) for rna, maps in rnas]
    for row in range(HEADS):
        best = best_threshold(tables, row, "per-rna")
        for below in (1e-9, 0.01, 1):
            cuts = outline.cuts(row, best.f1 - below, most)
            assert cuts == sorted(set(cuts))
            found = best_in_band(lambda row=row, cuts=cuts: bands_of(rnas, row, (cuts[0], cuts[-1])), cuts, count=4)
            assert found == best
    assert outline.cuts(0, 1, most) == []


def test_equal_scores_are_one_threshold_and_the_plateau_may_span_pieces():
    """Two RNAs of one reference pair each: 1 of 1 and 1 of 2 right, then nothing more is."""
    first = Band(scores=np.array([0.9, 0.5, 0.1], np.float32), right=np.array([1, 0, 0], bool), above=(0, 0), below=0.0)
    other = Band(scores=np.array([0.7, 0.7], np.float32), right=np.array([0, 1], bool), above=(0, 0), below=-1.0)
    for cuts in ([0.05, 1.0], [0.05, 0.6, 0.8, 1.0], [0.05, 0.7, 1.0]):
        found = best_in_band(lambda: iter([(first, 1), (other, 1)]), cuts, count=2)
        assert found.f1 == round((1 + 2 / 3) / 2, 12)
        assert found.threshold == pytest.approx((0.7 + 0.5) / 2)
    last = Band(scores=np.array([0.9], np.float32), right=np.array([True]), above=(1, 0), below=0.25)
    assert best_in_band(lambda: iter([(last, 1)]), [0.5, 1.0], count=1).threshold == pytest.approx((0.9 + 0.25) / 2)


def test_one_score_of_two_rnas_is_one_threshold():
    """Called together, the first RNA's pair is right and the other's second is wrong."""
    first = Band(scores=np.array([0.5], np.float32), right=np.array([True]), above=(0, 0), below=0.0)
    other = Band(scores=np.array([0.9, 0.5], np.float32), right=np.array([1, 0], bool), above=(0, 0), below=0.0)
    found = best_in_band(lambda: iter([(first, 1), (other, 1)]), [0.25, 1.0], count=2)
    assert found.f1 == round((1 + 2 / 3) / 2, 12)


def test_f1_of_an_rna_is_between_its_bounds_and_exact_at_the_ends_of_steps(rnas):
    for rna, maps in rnas:
        every = table_of(rna, [maps])
        counted = count_steps(maps, candidates(rna, PAPER), known_of(rna), ATTENTION)
        thresholds = np.unique(np.concatenate([every.scores[2, ::7].astype(float), lower_ends()[300:500]]))
        least, most = f1_between(counted, every.references, np.full(len(thresholds), 2), thresholds)
        exact = np.array([mean_f1([every], 2, threshold) for threshold in thresholds])
        assert (least <= exact + 1e-12).all()
        assert (exact <= most + 1e-12).all()
        assert (most - least).mean() < 0.1, "a step is narrow"
        empty = f1_between(counted, every.references, np.array([2]), np.array([lower_ends()[-1]]))
        assert empty[0] == empty[1] == 0


def test_the_bounds_are_those_of_the_worst_and_the_best_order_within_the_step():
    """Above the step one call, right; in it two wrong and one right; three reference pairs."""
    counts, right = np.zeros((1, STEPS), int), np.zeros((1, STEPS), int)
    counts[0, 500], counts[0, 510], right[0, 500], right[0, 510] = 3, 1, 1, 1
    within = (lower_ends()[500] + lower_ends()[501]) / 2
    least, most = f1_between((counts, right), 3, np.zeros(1, int), np.array([within]))
    assert least[0] == pytest.approx(2 * 1 / (3 + 3))
    assert most[0] == pytest.approx(2 * 2 / (2 + 3))


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
