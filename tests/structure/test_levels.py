"""Crossing pairs and stems, against RNAGym's definition as two nested loops and stacks grown pair by pair."""

import math

import numpy as np
import pytest

from rnaexp.structure.evaluate import evaluate_head
from rnaexp.structure.levels import crossed_f1, crossing, stem_f1, stems_of
from tests.structure.examples import random_attention, random_rna, scores_of, table_of


def numbers(pairs, bases):
    return np.array([i * bases + j for i, j in pairs], np.int64)


def crosses(one, other):
    return one[0] < other[0] < one[1] < other[1] or other[0] < one[0] < other[1] < one[1]


def crossed(pairs):
    return {one for one in pairs if any(crosses(one, other) for other in pairs)}


def stacks(pairs):
    """Each stem as the set of its pairs, grown inwards from its outermost one."""
    held, found = set(pairs), []
    for i, j in pairs:
        if (i - 1, j + 1) in held:
            continue
        stem = [(i, j)]
        while (stem[-1][0] + 1, stem[-1][1] - 1) in held:
            stem.append((stem[-1][0] + 1, stem[-1][1] - 1))
        if len(stem) > 1:
            found.append(frozenset(stem))
    return found


def rnagym(known, called):
    """As `calculate_f1_score_with_pseudoknots` does it for crossing pairs."""
    known, called = crossed(known), crossed(called)
    right = len(known & called)
    precision = right / len(called) if called else 0
    recall = right / len(known)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0


def by_stems(known, called):
    right = sum(2 * len(stem & set(known)) >= len(stem) for stem in stacks(called))
    found = sum(2 * len(stem & set(called)) >= len(stem) for stem in stacks(known))
    precision = right / len(stacks(called)) if stacks(called) else 0
    recall = found / len(stacks(known))
    return 2 * precision * recall / (precision + recall) if precision + recall else 0


def some_pairs(rng, bases):
    """Pairs at random, a base in several, and stacks among them."""
    pairs = {tuple(sorted(map(int, rng.choice(bases, 2, replace=False)))) for _ in range(rng.integers(0, 25))}
    for i, j in list(pairs)[:4]:
        pairs |= {(i + at, j - at) for at in range(int(rng.integers(1, 5))) if i + at < j - at}
    return sorted(pairs)


def test_every_pair_that_crosses_another_is_found_and_no_other():
    rng = np.random.default_rng(0)
    for _ in range(600):
        bases = int(rng.integers(2, 30))
        pairs = some_pairs(rng, bases)
        assert [*crossing(numbers(pairs, bases), bases)] == [pair in crossed(pairs) for pair in pairs]


def test_stems_are_whole_stacks_of_two_pairs_and_more():
    rng = np.random.default_rng(1)
    for _ in range(300):
        bases = int(rng.integers(2, 30))
        pairs = some_pairs(rng, bases)
        rng.shuffle(pairs)
        pairs = [tuple(map(int, pair)) for pair in pairs]
        stem = stems_of(numbers(pairs, bases), bases)
        found = [frozenset(p for p, at in zip(pairs, stem, strict=True) if at == number) for number in set(stem) - {-1}]
        assert sorted(map(sorted, found)) == sorted(map(sorted, stacks(pairs)))


def test_both_scores_equal_plain_loops():
    rng, scored = np.random.default_rng(2), 0
    for _ in range(400):
        bases = int(rng.integers(6, 40))
        known, called = some_pairs(rng, bases), some_pairs(rng, bases)
        called = sorted({*called, *(pair for pair in known if rng.random() < 0.6)})
        mine = numbers(called, bases), numbers(known, bases), bases
        for ours, theirs, wanted in ((crossed_f1, rnagym, crossed(known)), (stem_f1, by_stems, stacks(known))):
            if wanted:
                assert ours(*mine) == pytest.approx(theirs(known, called))
                scored += ours(*mine) > 0
            else:
                assert math.isnan(ours(*mine))
    assert scored > 300


def test_a_long_pair_alone_with_many_bases_inside_crosses_nothing():
    pairs = numbers([(0, 99), (10, 20), (30, 40)], 100)
    assert not crossing(pairs, 100).any()
    assert crossing(np.append(pairs, 15 * 100 + 35), 100).tolist() == [False, True, True, True]


@pytest.mark.parametrize(("called", "f1"), [(3, 1.0), (2, 1.0), (1, 0.0), (0, 0.0)])
def test_a_stem_is_found_by_half_of_its_pairs(called, f1):
    """Of four pairs two suffice; one called pair is no stem."""
    known = [(at, 20 - at) for at in range(4)]
    assert stem_f1(numbers(known[:called], 21), numbers(known, 21), 21) == f1


def test_an_evaluation_leaves_rnas_without_them_out_of_the_means():
    rng, threshold = np.random.default_rng(3), 0.02
    rnas = [random_rna(rng, int(rng.integers(20, 60)), pairs=1 if at < 3 else None, id=str(at)) for at in range(8)]
    tables = [table_of(rna, [random_attention(rng, 1, len(rna), rna, 3.0)]) for rna in rnas]
    done = evaluate_head(scores_of(tables, heads=1), layer=0, head=0, threshold=threshold)
    crossed_by_hand, inf = [], []
    for rna, one in zip(rnas, tables, strict=True):
        called = {divmod(int(at), len(rna)) for at in one.indices[0][one.scores[0].astype(float) >= threshold]}
        if crossed(rna.pairs):
            crossed_by_hand.append(rnagym(rna.pairs, called))
        right = len(called & set(rna.pairs))
        inf.append(math.sqrt(right / max(len(called), 1) * right / len(rna.pairs)))
    assert 1 < len(crossed_by_hand) < len(rnas)
    assert done.crossed_f1 == pytest.approx(np.mean(crossed_by_hand))
    assert done.inf == pytest.approx(np.mean(inf))
    assert done.per_rna["crossed_f1"].notna().sum() == len(crossed_by_hand)
