"""The correlation, its interval over sites, and what stands beside it, against scipy and plain loops."""

import numpy as np
import pytest
from scipy.stats import spearmanr, t

from rnaexp.fitness.agreement import (
    advantage,
    agreement,
    by_mutations,
    held_at,
    information,
    spearman,
    tied,
    within_mutations,
)
from rnaexp.fitness.baselines import conservation_score, gc_share, mutation_count, random_score
from rnaexp.rna import Alignment
from tests.fitness.toy import WILD, library, mutated


def test_spearman_is_signed_and_shares_ranks():
    rng = np.random.default_rng(0)
    scores, measured = rng.integers(0, 5, 50).astype(float), rng.normal(size=50)
    assert spearman(scores, measured) == pytest.approx(spearmanr(scores, measured).statistic)
    assert spearman(measured, measured**3) == pytest.approx(1)
    assert spearman(-measured, measured) == pytest.approx(-1)
    assert spearman(np.ones(50), measured) is None
    assert spearman(measured[:2], measured[:2]) is None


def test_a_site_is_held_at_the_wild_types_letter():
    variants = [mutated((0, "A")), mutated((0, "C"), (3, "G")), mutated((3, "U")), mutated((9, "A"))]
    assert held_at(variants, WILD).tolist() == [
        [False, False, True, True],
        [True, False, False, True],
        [True, True, True, False],
    ]


def test_without_a_wild_type_a_site_is_held_at_its_most_frequent_letter():
    assert held_at(["AC", "AG", "CG", "AG"], None).tolist() == [[True, True, False, True], [False, True, True, True]]
    assert held_at(["C", "A"], None).tolist() == [[False, True]], "of equals the first in the alphabet"
    assert held_at(["A", "A"], "C").tolist() == [[False, False]], "all are mutated there"


def by_loop(scores, measured, variants):
    """Leave each site's mutants out, by hand."""

    def z(r):
        return 0.5 * np.log((1 + r) / (1 - r))

    parts = []
    for site in range(len(WILD)):
        keep = [at for at, one in enumerate(variants) if one[site] == WILD[site]]
        if len(keep) < len(variants):
            parts.append(z(spearmanr(scores[keep], measured[keep]).statistic))
    k = len(parts)
    error = np.sqrt((k - 1) / k * sum((part - np.mean(parts)) ** 2 for part in parts))
    middle, half = z(spearmanr(scores, measured).statistic), t(k - 1).ppf(0.975) * error
    return np.tanh(middle - half), np.tanh(middle + half)


def test_the_interval_is_a_jackknife_over_sites():
    variants, rng = library(count=150), np.random.default_rng(1)
    measured = rng.normal(size=150)
    scores = measured + rng.normal(size=150)
    found = agreement(scores, measured, held_at(variants, WILD))
    assert (found.low, found.high) == pytest.approx(by_loop(scores, measured, variants))
    assert found.low < found.value < found.high


def test_an_advantage_is_of_the_same_variants_and_zero_over_itself():
    variants, rng = library(count=150), np.random.default_rng(1)
    measured, held = rng.normal(size=150), held_at(variants, WILD)
    scores, other = measured + rng.normal(size=150), rng.normal(size=150)
    found = advantage(scores, other, measured, held)
    assert found.value == pytest.approx(spearmanr(scores, measured).statistic - spearmanr(other, measured).statistic)
    same = advantage(scores, scores, measured, held)
    assert (same.value, same.low, same.high) == (0, 0, 0)


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (None, "several lengths"),
        (np.ones((2, 20), bool), "fewer than 3 sites vary"),
        (np.zeros((4, 20), bool), "too few variants are left"),
    ],
)
def test_where_there_is_no_interval_it_is_said_why(held, why):
    values = np.random.default_rng(0).normal(size=20)
    found = agreement(values, values[::-1].copy(), held)
    assert found.value is not None
    assert found.low is None
    assert why in found.why_no_interval


def truth_and_intervals(kind, seed):
    """Sites' effects drawn anew, as if another set of sites had been chosen: agreement and interval of each draw."""
    rng, sites, letters = np.random.default_rng(seed), 12, "ACG"
    wild = "U" * sites
    real = rng.normal(size=(sites, 3))
    believed = 0.5 * real + np.sqrt(0.75) * rng.normal(size=(sites, 3))
    variants = {}
    while len(variants) < 400:
        places = rng.choice(sites, rng.integers(1, 5), replace=False) if kind == "many" else [rng.integers(sites)]
        changes = [(int(place), int(rng.integers(3))) for place in places]
        letters_of = list(wild)
        for place, letter in changes:
            letters_of[place] = letters[letter]
        variants["".join(letters_of)] = changes
        if kind == "one" and len(variants) == 3 * sites:
            break
    measured = np.array([sum(real[change] for change in changes) for changes in variants.values()])
    scores = np.array([sum(believed[change] for change in changes) for changes in variants.values()])
    noisy = measured + 0.3 * rng.normal(size=len(measured))
    return agreement(scores, noisy, held_at(list(variants), wild))


@pytest.mark.parametrize("kind", ["one", "many"])
def test_the_interval_covers_what_other_sites_would_have_given(kind):
    draws = [truth_and_intervals(kind, seed) for seed in range(100)]
    middle = np.mean([one.value for one in draws])
    covered = np.mean([one.low <= middle <= one.high for one in draws])
    assert covered >= 0.88


def test_by_mutations_and_within_them():
    counts = np.array([1] * 10 + [2] * 20 + [3] * 2)
    rng = np.random.default_rng(0)
    scores, measured = rng.normal(size=32), rng.normal(size=32)
    table = by_mutations(scores, measured, counts)
    assert table["variants"].tolist() == [10, 20, 2]
    own = [spearmanr(scores[counts == k], measured[counts == k]).statistic for k in (1, 2)]
    assert table["spearman"].tolist()[:2] == pytest.approx(own)
    assert np.isnan(table["spearman"].iloc[2])
    assert within_mutations(table) == pytest.approx((10 * own[0] + 20 * own[1]) / 30)
    only_count = by_mutations(-counts.astype(float), measured, counts)
    assert within_mutations(only_count) is None, "the number itself says nothing within equal numbers"


def test_ties_are_a_share_of_the_variants():
    assert tied(np.array([1.0, 1.0, 2.0, 3.0])) == 0.5
    assert tied(np.arange(4.0)) == 0


def test_information_is_from_uniform_and_from_site_to_site():
    def told(rows):
        rows = np.array(rows)
        logs = np.log(np.maximum(rows, 1e-300))
        return information(rows.sum(0), float((rows * logs).sum()), len(rows))

    assert told([[0.25] * 4] * 3) == pytest.approx((0, 0))
    assert told([[0.7, 0.1, 0.1, 0.1]] * 3) == pytest.approx((0.44585, 0), abs=1e-4), "the same letters everywhere"
    assert told(np.eye(4)) == pytest.approx((np.log(4), np.log(4)))


def test_mutations_are_counted_as_edits_where_lengths_differ():
    assert mutation_count(WILD, mutated((0, "A"), (5, "G"))) == 2
    assert mutation_count("GGGAAAUCCC", "GGAAAUCCC") == 1
    assert mutation_count("ACGU", "CGUA") == 4, "equal lengths: sites are compared"
    assert mutation_count("ACGU", "CGUAA") == 3


def test_conservation_is_the_log_ratio_of_weighted_frequencies():
    rows = ("GGCA", "GACA", "GAC-", "UUUU")
    alignment = Alignment(names=tuple("abcd"), rows=rows)
    weights = alignment.weights()
    counts = {x: sum(w for w, row in zip(weights, rows, strict=True) if row[1] == x) + 0.25 for x in "GA"}
    assert conservation_score(alignment, "GACA") == pytest.approx(np.log(counts["A"] / counts["G"]))
    assert conservation_score(alignment, "GGCA") == 0
    gone = {x: sum(w for w, row in zip(weights, rows, strict=True) if row[3] == x) + 0.25 for x in "AC"}
    assert conservation_score(alignment, "GGCC") == pytest.approx(np.log(gone["C"] / gone["A"])), "a gap is no letter"


def test_letters_and_chance():
    assert gc_share("GCAU") == 0.5
    assert random_score("GCAU", 0) == random_score("GCAU", 0)
    assert len({random_score(one, seed) for one in ("GCAU", "GCAA") for seed in (0, 1)}) == 4
