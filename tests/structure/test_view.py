"""The structures that are drawn: against dynamic programming in plain loops, and what holds of every one."""

from contextlib import suppress
from functools import cache

import numpy as np
import pytest
import RNA
from hypothesis import given, settings
from hypothesis import strategies as st

from rnaexp.data.dot_bracket import BracketError, parse_dot_bracket, to_dot_bracket
from rnaexp.models.folding import constrained_probabilities, fold_probabilities
from rnaexp.rna import Rna
from rnaexp.structure.best_pairs import best_pairs, one_structure
from rnaexp.structure.calibrate import Drawable, drawable
from rnaexp.structure.heads import RnaScores
from rnaexp.structure.probabilities import OF_PROBABILITIES, Calibration, Curve, StructureView
from rnaexp.structure.view import (
    FOLD_WEIGHT,
    PairTable,
    crossing,
    folded_table,
    helices,
    nested,
    nested_each,
    pair_table,
    view_of,
    whole_table,
)

ALLOWED = {"AU", "UA", "GC", "CG", "GU", "UG"}
TRNA = "GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCUGUGUUCGAUCCACAGAAUUCGCACCA"


def scores_of(sequence, scores, reference=()):
    n = len(sequence)
    indices = np.array([i * n + j for i in range(n) for j in range(i + 1, n)])
    order = np.argsort(-scores.ravel()[indices], kind="stable")
    return RnaScores(
        id="a",
        sequence_sha256="",
        cluster="a",
        bases=n,
        candidates=len(indices),
        reference=np.array([i * n + j for i, j in reference], np.int64),
        scores=scores.ravel()[indices][order][None].astype(np.float32),
        indices=indices[order][None],
        complete=True,
    )


def able(sequence):
    n = len(sequence)
    return [(i, j) for i in range(n) for j in range(i + 4, n) if sequence[i] + sequence[j] in ALLOWED]


@st.composite
def tables(draw, most=22):
    sequence = draw(st.text("ACGU", min_size=1, max_size=most))
    seed = draw(st.integers(0, 2**16))
    pairs = able(sequence)
    rng = np.random.default_rng(seed)
    values = np.zeros((len(sequence),) * 2)
    for i, j in pairs:
        values[i, j] = rng.uniform() ** 3
    sums = np.maximum(1, values.sum(0) + values.sum(1))
    for i, j in pairs:
        values[i, j] /= max(sums[i], sums[j])
    places = np.array([i * len(sequence) + j for i, j in pairs], np.int64)
    return sequence, values, PairTable(bases=len(sequence), places=places, probabilities=values.ravel()[places])


def accuracy(structure, values, gamma):
    """What is maximised, for one structure."""
    paired = {base for pair in structure for base in pair}
    free = 1 - values.sum(0) - values.sum(1)
    return 2 * gamma * sum(values[pair] for pair in structure) + sum(
        free[at] for at in range(len(values)) if at not in paired
    )


def best_accuracy(sequence, values, gamma):
    """The maximum over all nested structures of the pairs that a structure may hold, by recursion."""
    free, allowed = 1 - values.sum(0) - values.sum(1), set(able(sequence))

    @cache
    def best(i, j):
        if i > j:
            return 0.0
        found = free[i] + best(i + 1, j)
        for k in range(i + 4, j + 1):
            if (i, k) in allowed:
                found = max(found, 2 * gamma * values[i, k] + best(i + 1, k - 1) + best(k + 1, j))
        return found

    return best(0, len(sequence) - 1)


@settings(max_examples=60, deadline=None)
@given(tables(), st.sampled_from([0.5, 1.0, 4.0, 64.0]))
def test_the_nested_structure_has_the_largest_expected_accuracy(table, gamma):
    sequence, values, found = table
    assert accuracy(nested(found, sequence, gamma), values, gamma) == pytest.approx(
        best_accuracy(sequence, values, gamma), rel=1e-5
    )


def structures(pairs, first, bases):
    """Every nested set of these pairs on the bases from the first."""
    if first >= bases:
        return [()]
    found = structures(pairs, first + 1, bases)
    for i, j in pairs:
        if i == first and j < bases:
            inside, after = structures(pairs, i + 1, j), structures(pairs, j + 1, bases)
            found = found + [((i, j), *held, *behind) for held in inside for behind in after]
    return found


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=12), st.integers(0, 2**16))
def test_the_best_pairs_are_those_of_all_structures_that_are_equally_good(drawn, seed):
    pairs, rng = sorted({(min(pair), max(pair)) for pair in drawn if pair[0] != pair[1]}), np.random.default_rng(seed)
    gains, free = rng.integers(0, 4, len(pairs)).astype(float), rng.integers(0, 3, 9).astype(float)
    gain = dict(zip(pairs, gains, strict=True))
    all_ = structures(pairs, 0, 9)
    sums = [sum(gain[pair] - free[list(pair)].sum() for pair in held) for held in all_]
    expected = {pair for held, total in zip(all_, sums, strict=True) if total == max(sums) for pair in held}
    chosen = best_pairs(np.array([i * 9 + j for i, j in pairs], np.int64), gains, free)
    assert {pair for pair, one in zip(pairs, chosen, strict=True) if one} == expected


def test_a_pair_that_is_better_than_none_in_single_precision_alone_is_drawn_as_viennarna_draws_it():
    """Found by the test below: in double precision the pair of bases 2 and 10 is a tie."""
    places = np.array([9, 22, 25, 32, 33, 34, 36, 37, 48, 74])
    found = PairTable(bases=13, places=places, probabilities=np.array([1, 2, 1, 2, 1, 1, 1, 1, 1, 1]) / 2 / 3)
    assert nested_each(found, "AGUACAAAAUAAC", (1.0,)) == [((1, 9),)]


def test_where_viennarna_closes_no_bracket_one_of_the_best_structures_is_drawn():
    places = np.array([4, 6, 19, 20, 28, 43, 53, 65, 76])
    found = PairTable(bases=11, places=places, probabilities=np.array([20, 20, 10, 20, 5, 16, 20, 16, 8]) / 40)
    free, pairs = found.free(), sorted(divmod(place, 11) for place in places.tolist())
    gain = dict(zip(places.tolist(), (8 * found.probabilities).tolist(), strict=True))
    kept = np.flatnonzero(best_pairs(places, 8 * found.probabilities, free)).tolist()
    listed = [RNA.ep(*(base + 1 for base in pairs[at]), gain[places[at]] / 8, RNA.PLIST_TYPE_BASEPAIR) for at in kept]
    listed += [RNA.ep(at, at, one, RNA.PLIST_TYPE_UNPAIRED) for at, one in enumerate(free.tolist(), 1)]
    with pytest.raises(BracketError):  # else ViennaRNA is mended, and this test and what it tests can go
        parse_dot_bracket(RNA.MEA_from_plist(listed, "A" * 11, 4.0)[0])
    (drawn,) = nested_each(found, "A" * 11, (4.0,))
    sums = {held: sum(gain[i * 11 + j] - free[i] - free[j] for i, j in held) for held in structures(pairs, 0, 11)}
    assert sums[drawn] == pytest.approx(max(sums.values()), abs=1e-6)


def test_where_viennarna_closes_a_pair_that_it_was_not_given_one_of_the_best_structures_is_drawn():
    places = np.array([5, 8, 9, 16, 17, 32, 42, 52, 54, 76])
    values = np.array([32, 24, 16, 9, 27, 36, 18, 27, 18, 18]) / 72
    found = PairTable(bases=11, places=places, probabilities=values)
    free, pairs = found.free(), sorted(divmod(place, 11) for place in places.tolist())
    for gamma, drawn in zip((1.0, 4.0), nested_each(found, "A" * 11, (1.0, 4.0)), strict=True):
        gain = dict(zip(places.tolist(), (2 * gamma * values).tolist(), strict=True))
        sums = {held: sum(gain[i * 11 + j] - free[i] - free[j] for i, j in held) for held in structures(pairs, 0, 11)}
        assert sums[drawn] == pytest.approx(max(sums.values()), abs=1e-6), "of all structures, in plain loops"


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=12), st.integers(0, 2**16))
def test_one_structure_is_one_of_the_best(drawn, seed):
    pairs, rng = sorted({(min(pair), max(pair)) for pair in drawn if pair[0] != pair[1]}), np.random.default_rng(seed)
    gains, free = rng.integers(0, 4, len(pairs)).astype(float), rng.integers(0, 3, 9).astype(float)
    gain = dict(zip(pairs, gains, strict=True))
    sums = {
        tuple(sorted(held)): sum(gain[pair] - free[list(pair)].sum() for pair in held)
        for held in structures(pairs, 0, 9)
    }
    found = one_structure(np.array([i * 9 + j for i, j in pairs], np.int64), gains, free)
    assert sums[tuple(divmod(place, 9) for place in found.tolist())] == max(sums.values())


@settings(max_examples=60, deadline=None)
@given(tables(70), st.sampled_from([1, 2, 5, None]), st.sampled_from([(1.0,), (4.0, 64.0, 256.0)]))
def test_viennarna_decides_as_if_it_were_given_every_pair(table, levels, gammas):
    sequence, _, found = table
    n, values = found.bases, found.probabilities
    if levels is not None:  # many are equally probable
        values = np.ceil(values * levels) / levels
        sums = np.bincount(found.places // n, values, n) + np.bincount(found.places % n, values, n)
        values = values / np.maximum(1.0, sums.max())
    shuffled = np.random.default_rng(n).permutation(len(values))
    found = PairTable(bases=n, places=found.places[shuffled], probabilities=values[shuffled])
    every = zip((found.places // n + 1).tolist(), (found.places % n + 1).tolist(), values[shuffled], strict=True)
    listed = [RNA.ep(i, j, float(one), RNA.PLIST_TYPE_BASEPAIR) for i, j, one in every]
    listed += [RNA.ep(at, at, one, RNA.PLIST_TYPE_UNPAIRED) for at, one in enumerate(found.free().tolist(), 1)]
    for drawn, gamma in zip(nested_each(found, sequence, gammas), gammas, strict=True):
        with suppress(BracketError):  # tested above, as is a pair that was not given
            known = parse_dot_bracket(RNA.MEA_from_plist(listed, sequence, gamma)[0])
            assert drawn == known or not {i * n + j for i, j in known} <= set(found.places.tolist())


@settings(max_examples=60, deadline=None)
@given(tables(60), st.sampled_from([1.0, 16.0, 256.0]), st.booleans())
def test_what_is_drawn_could_be_a_structure(table, gamma, pseudoknots):
    sequence, _, found = table
    how = StructureView(calibration=OF_PROBABILITIES.calibration, gamma=gamma, confidence=OF_PROBABILITIES.confidence)
    view = view_of(Rna(id="a", sequence=sequence), found, how, pseudoknots=pseudoknots)
    held = set(view.pairs)
    assert sorted(held) == list(view.pairs)
    assert held <= set(able(sequence)), "a pair that is not canonical, or closes a loop of fewer than three bases"
    bases = [base for pair in held for base in pair]
    assert len(bases) == len(set(bases)), "a base with two partners"
    assert all({(i + 1, j - 1), (i - 1, j + 1)} & held for i, j in held), "a pair alone"
    assert set(parse_dot_bracket(to_dot_bracket(len(sequence), view.pairs))) == held
    crossed = any(a < i < b < j for a, b in held for i, j in held)
    assert pseudoknots or not crossed
    assert all(0 <= one <= 1 for one in view.confidences)
    assert 0 <= view.expected_f1 <= 1


@settings(max_examples=40, deadline=None)
@given(tables(40), st.sampled_from([4.0, 64.0]))
def test_each_pair_of_the_second_pass_crosses_one_of_the_first(table, gamma):
    sequence, _, found = table
    first = nested(found, sequence, gamma)
    second = crossing(found, sequence, gamma, first)
    assert not {base for pair in first for base in pair} & {base for pair in second for base in pair}
    for i, j in second:
        assert any(a < i < b < j or i < a < j < b for a, b in first)


def test_a_planted_pseudoknot_is_drawn_only_when_asked_for():
    sequence = "GGGGAAAACCCCAAAACCCCAAAAGGGG"
    first, second = [(at, 19 - at) for at in range(4)], [(8 + at, 27 - at) for at in range(4)]
    n = len(sequence)
    weight = dict.fromkeys(first, 0.9) | dict.fromkeys(second, 0.8)
    table = PairTable(
        bases=n,
        places=np.array([i * n + j for i, j in weight]),
        probabilities=np.array(list(weight.values())),
    )
    rna = Rna(id="a", sequence=sequence)
    assert view_of(rna, table, OF_PROBABILITIES).pairs == tuple(first)
    both = view_of(rna, table, OF_PROBABILITIES, pseudoknots=True)
    assert both.pairs == tuple(sorted(first + second))
    assert both.expected_precision == pytest.approx(0.85)
    assert both.expected_f1 == pytest.approx(2 * 6.8 / (8 + 6.8))


def test_a_pair_alone_is_left_out():
    assert helices([(0, 20), (1, 19), (3, 9)]) == ((0, 20), (1, 19))
    assert helices([(3, 9)]) == ()


def test_probabilities_of_a_base_never_sum_to_more_than_one():
    places = np.arange(4, 40)  # base 0 with 36 partners of probability 1/2
    found = Drawable(bases=40, places=places, scores=np.full(36, 0.5), paired=np.zeros(36, bool))
    table = pair_table(found, OF_PROBABILITIES.calibration)
    np.testing.assert_allclose(table.probabilities, 1 / 36)
    np.testing.assert_allclose(table.free()[:5], [0, 1, 1, 1, 1 - 1 / 36], atol=1e-12)


def test_what_a_structure_may_hold_is_chosen_by_letters_and_loop():
    sequence = "GCGAAAACGN"
    rng = np.random.default_rng(0)
    known = [(0, 7), (2, 7)]
    found = drawable(Rna(id="a", sequence=sequence), scores_of(sequence, rng.random((10, 10)), known))
    assert {divmod(int(place), 10) for place in found.places} == set(able(sequence))
    assert {divmod(int(place), 10) for place in found.places[found.paired]} == {(0, 7), (2, 7)} & set(able(sequence))


def test_a_soft_constraint_adds_its_energy_to_the_log_odds_of_its_pair():
    rna = Rna(id="a", sequence="GGGGAAAACCCCAAAGGGGAAAACCCC")
    energies = np.zeros((27, 27))
    plain = fold_probabilities(rna).astype(np.float64)
    np.testing.assert_array_equal(constrained_probabilities(rna, energies), fold_probabilities(rna))
    energies[0, 26] = -3.0
    pulled = constrained_probabilities(rna, energies).astype(np.float64)
    odds = [value[0, 26] / (1 - value[0, 26]) for value in (plain, pulled)]
    assert np.log(odds[1] / odds[0]) == pytest.approx(3.0, abs=1e-4)


def test_folding_with_scores_that_tell_nothing_is_folding():
    rna = Rna(id="a", sequence=TRNA)
    found = drawable(rna, scores_of(TRNA, np.zeros((len(TRNA),) * 2)))
    rate = 0.25 * len(TRNA) / len(found.places)
    flat = Calibration(curve=Curve(values=(0.0,), rates=(rate,)), pairs_per_base=0.25)
    plain = whole_table(rna, fold_probabilities(rna))
    np.testing.assert_allclose(folded_table(rna, found, flat).probabilities, plain.probabilities, atol=1e-5)


def test_folding_with_the_reference_as_scores_finds_what_folding_alone_does_not():
    cloverleaf = "(((((((..((((........)))).((((.........)))).....(((((.......))))))))))))...."
    known = parse_dot_bracket(cloverleaf)
    values = np.zeros((len(TRNA),) * 2)
    for pair in known:
        values[pair] = 1
    rna = Rna(id="a", sequence=TRNA)
    found = drawable(rna, scores_of(TRNA, values, known))
    sharp = Calibration(curve=Curve(values=(0.0, 1.0), rates=(0.001, 0.999)), pairs_per_base=0.25)
    pairs = [
        set(view_of(rna, table, OF_PROBABILITIES).pairs)
        for table in (whole_table(rna, fold_probabilities(rna)), folded_table(rna, found, sharp))
    ]
    assert len(pairs[0] & set(known)) < len(known)
    assert pairs[1] >= set(known)
    assert 0 < FOLD_WEIGHT <= 1
