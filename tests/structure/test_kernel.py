import numpy as np
import pytest
import torch

from rnaexp.errors import ScoreError
from rnaexp.structure import counts
from rnaexp.structure import pairs as definition
from rnaexp.structure.counts import _top_pairs_on_device, greedy_pairs, top_pairs
from rnaexp.structure.protocol import ReadOut, Scoring

from . import oracle
from .examples import random_attention, random_rna

READ_OUTS = [ReadOut(symmetrise=s, apc=a) for s in (True, False) for a in (True, False)]


def expected(maps, rna, read_out, *, greedy=False, **which):
    for head in maps.numpy():
        scores = oracle.pair_scores(head, symmetrise=read_out.symmetrise, apc=read_out.apc)
        best = oracle.ranked(scores, oracle.candidates(rna.sequence, **which))
        yield oracle.greedy(best) if greedy else best


@pytest.mark.parametrize("seed", range(50))
def test_every_pair_of_every_head_is_scored_and_ordered_as_plain_loops_do(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 70))
    rna, read_out = random_rna(rng, n, 1), READ_OUTS[seed % 4]
    maps, separation, only = random_attention(rng, 3, n), int(rng.integers(1, 5)), bool(seed % 3 == 0)
    scoring = Scoring(min_separation=separation, pairs="canonical" if only else "all")
    scores, indices = top_pairs(maps, definition.candidates(rna, scoring), k=10**6, read_out=read_out)
    wanted = list(expected(maps, rna, read_out, min_separation=separation, canonical_only=only))
    for got, places, want in zip(scores, indices, wanted, strict=True):
        assert len(got) == len(want)
        np.testing.assert_allclose(got, [score for score, _ in want], rtol=0, atol=1e-7)
        swapped = [at for at, (_, (i, j)) in enumerate(want) if places[at] != i * n + j]
        # Only scores that differ by rounding may stand in another order than plain sums give.
        assert all(
            min(abs(got[at] - got[at - 1]), abs(got[at] - got[min(at + 1, len(got) - 1)])) < 1e-7 for at in swapped
        )


@pytest.mark.parametrize("n", [5, 33, 64, 130])
@pytest.mark.parametrize("k", [1, 7, 200])
def test_a_short_list_is_the_head_of_the_whole_list(n, k):
    rng = np.random.default_rng(n * k)
    maps, allowed = random_attention(rng, 4, n), np.triu(np.ones((n, n), bool), 1)
    whole = top_pairs(maps, allowed, k=n * n, read_out=ReadOut())
    short = top_pairs(maps, allowed, k=k, read_out=ReadOut())
    for a, b in zip(short, whole, strict=True):
        np.testing.assert_array_equal(a, b[:, : min(k, int(allowed.sum()))])


def test_ties_stand_in_the_order_of_their_bases():
    maps = torch.full((1, 6, 6), 1 / 6)
    _, indices = top_pairs(maps, np.triu(np.ones((6, 6), bool), 1), k=99, read_out=ReadOut(apc=False))
    assert indices[0].tolist() == sorted(indices[0].tolist())


@pytest.mark.parametrize("seed", range(20))
def test_greedy_gives_each_base_one_partner_by_falling_score(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 60))
    rna, maps = random_rna(rng, n, 1), random_attention(rng, 2, n)
    scoring = Scoring(min_separation=4, pairs="canonical", decoder="greedy")
    _, indices = greedy_pairs(maps, definition.candidates(rna, scoring), read_out=ReadOut())
    wanted = expected(maps, rna, ReadOut(), greedy=True, min_separation=4, canonical_only=True)
    for got, want in zip(indices, wanted, strict=True):
        assert [divmod(int(at), n) for at in got if at >= 0] == [pair for _, pair in want]


def test_maps_that_are_views_into_larger_ones_are_read_in_place():
    rng = np.random.default_rng(0)
    raw = random_attention(rng, 3, 42)
    view, allowed = raw[:, 1:-1, 1:-1], np.triu(np.ones((40, 40), bool), 1)
    for a, b in zip(
        top_pairs(view, allowed, k=50, read_out=ReadOut()),
        top_pairs(view.contiguous(), allowed, k=50, read_out=ReadOut()),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("read_out", READ_OUTS)
def test_the_accelerator_path_keeps_the_same_pairs(read_out):
    rng = np.random.default_rng(3)
    maps, allowed = random_attention(rng, 4, 45), np.triu(np.ones((45, 45), bool), 2)
    here = top_pairs(maps, allowed, k=60, read_out=read_out)
    there = _top_pairs_on_device(maps, allowed, 60, read_out)
    np.testing.assert_array_equal(here[1], there[1])
    np.testing.assert_allclose(here[0], there[0], rtol=0, atol=1e-8)


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), float("-inf")])
def test_a_map_that_is_not_finite_is_refused_by_head(broken):
    maps = random_attention(np.random.default_rng(0), 3, 20)
    maps[1, 4, 7] = broken
    with pytest.raises(ScoreError, match="head 1"):
        top_pairs(maps, np.triu(np.ones((20, 20), bool), 1), k=5, read_out=ReadOut())


def test_a_map_of_zeros_has_no_product_to_correct_by():
    with pytest.raises(ScoreError, match="head 0"):
        top_pairs(torch.zeros(1, 9, 9), np.triu(np.ones((9, 9), bool), 1), k=5, read_out=ReadOut())


def test_an_rna_without_candidates_gives_empty_lists():
    scores, indices = top_pairs(torch.ones(2, 3, 3), np.zeros((3, 3), bool), k=5, read_out=ReadOut())
    assert scores.shape == indices.shape == (2, 0)


@pytest.mark.parametrize("seed", range(10))
def test_average_product_correction_equals_plain_loops(seed):
    rng = np.random.default_rng(seed)
    maps = random_attention(rng, 2, 23).double()
    got = definition.average_product_correct(definition.symmetrise(maps))
    for head, want in zip(got, maps, strict=True):
        np.testing.assert_allclose(head, oracle.pair_scores(want.numpy()), rtol=0, atol=1e-12)


def test_threads_over_heads_change_nothing_and_name_the_first_broken_head(monkeypatch):
    maps, allowed = random_attention(np.random.default_rng(5), 7, 40), np.triu(np.ones((40, 40), bool), 1)
    alone = top_pairs(maps, allowed, k=50, read_out=ReadOut())
    monkeypatch.setattr(counts, "_WORTH_THREADS", 0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    for one, other in zip(alone, top_pairs(maps, allowed, k=50, read_out=ReadOut()), strict=True):
        np.testing.assert_array_equal(one, other)
    maps[[2, 4], 0, 0] = float("nan")
    with pytest.raises(ScoreError, match="head 2"):
        top_pairs(maps, allowed, k=50, read_out=ReadOut())
