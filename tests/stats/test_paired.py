from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import permutation_test, wilcoxon

from rnaexp.stats.paired import holm, paired_contrast, sign_flip_test, wilcoxon_test


@pytest.mark.parametrize("seed", range(5))
def test_few_clusters_are_tested_over_every_sign_pattern(seed):
    rng = np.random.default_rng(seed)
    clusters, values = rng.integers(7, size=20), rng.normal(0.2, 1, 20)
    names = sorted(set(clusters))
    observed, reached = abs(values.mean()), 0
    for signs in product([1, -1], repeat=len(names)):
        flipped = [v * signs[names.index(c)] for v, c in zip(values, clusters, strict=True)]
        reached += abs(np.mean(flipped)) >= observed - 1e-12
    assert sign_flip_test(values, clusters) == pytest.approx(reached / 2 ** len(names))


def test_many_clusters_agree_with_scipys_permutation_test():
    rng = np.random.default_rng(0)
    values = rng.normal(0.25, 1, 60)
    theirs = permutation_test(
        (values,), lambda x, axis: x.mean(axis), permutation_type="samples", n_resamples=20_000, rng=1
    )
    assert sign_flip_test(values, np.arange(60)) == pytest.approx(theirs.pvalue, abs=0.01)


def test_without_a_difference_one_test_in_twenty_is_significant():
    rng = np.random.default_rng(3)
    significant = 0
    for _ in range(400):
        member = np.repeat(np.arange(12), rng.integers(1, 5, 12))
        values = rng.standard_t(4, 12)[member] + rng.normal(0, 0.2, len(member))
        significant += sign_flip_test(values, member) <= 0.05
    assert 0.025 <= significant / 400 <= 0.075


def test_flipping_rnas_instead_of_clusters_finds_differences_that_are_not_there():
    rng = np.random.default_rng(3)
    significant = 0
    for _ in range(200):
        member = np.repeat(np.arange(12), 5)
        values = rng.standard_normal(12)[member] + rng.normal(0, 0.2, 60)
        significant += sign_flip_test(values, np.arange(60)) <= 0.05
    assert significant / 200 > 0.2


def test_wilcoxon_is_scipys_on_the_clusters_means():
    rng = np.random.default_rng(1)
    clusters, values = np.repeat(np.arange(15), 2), rng.normal(0.3, 1, 30)
    assert wilcoxon_test(values, clusters) == wilcoxon(values.reshape(15, 2).mean(1)).pvalue


def test_no_difference_at_all_is_no_evidence():
    contrast = paired_contrast(np.zeros(6), np.arange(6))
    assert (contrast.p_sign_flip, contrast.p_wilcoxon, contrast.difference.low) == (1.0, 1.0, 0.0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_the_largest_of_the_scaled_smaller_p_values(p_values):
    adjusted = holm(p_values)
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    for place, at in enumerate(order):
        plain = max(min(1.0, (len(order) - k) * p_values[order[k]]) for k in range(place + 1))
        assert adjusted[at] == plain
