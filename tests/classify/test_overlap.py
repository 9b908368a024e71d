import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from rnaexp.classify.overlap import Densities, auroc, kolmogorov_smirnov, overlap, overlap_ratio

ESTIMATORS = ("histogram", "kde", "ks")


def plain_histogram_overlap(a, b, bins, weights=None):
    low, high = min(*a, *b), max(*a, *b)
    weights = weights or ([1.0] * len(a), [1.0] * len(b))
    counts = []
    for values, each in zip((a, b), weights, strict=True):
        found = [0.0] * bins
        for value, weight in zip(values, each, strict=True):
            found[min(int((value - low) / (high - low) * bins), bins - 1)] += weight
        counts.append([count / sum(found) for count in found])
    return sum(min(pair) for pair in zip(*counts, strict=True))


def bootstrap_error(a, b, estimator, rng, resamples=40):
    values = [
        overlap_ratio(rng.choice(a, len(a)), rng.choice(b, len(b)), estimator=estimator) for _ in range(resamples)
    ]
    return float(np.std(values))


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("shift", [0.5, 1.0, 2.0, 3.0])
def test_two_gaussians_of_one_variance_overlap_as_known(estimator, shift):
    rng = np.random.default_rng(int(10 * shift))
    a, b = rng.normal(shift, 1, 40_000), rng.normal(0, 1, 40_000)
    known = 2 * stats.norm.cdf(-shift / 2)
    found = overlap_ratio(a, b, estimator=estimator)
    assert abs(found - known) < 4 * bootstrap_error(a, b, estimator, rng) + 0.004


def test_one_minus_ks_is_only_an_upper_bound_where_densities_cross_twice():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 60_000), rng.normal(0, 3, 60_000)
    grid = np.linspace(-20, 20, 200_001)
    known = float(np.minimum(stats.norm.pdf(grid), stats.norm.pdf(grid, scale=3)).sum() * (grid[1] - grid[0]))
    assert overlap_ratio(a, b, bins=60) == pytest.approx(known, abs=0.01)
    assert overlap_ratio(a, b, estimator="kde") == pytest.approx(known, abs=0.01)
    assert overlap_ratio(a, b, estimator="ks") > known + 0.2


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=60),
    st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=60),
    st.integers(2, 40),
)
def test_one_minus_ks_bounds_the_histogram_up_to_the_mass_of_a_bin(a, b, bins):
    a, b = np.array(a), np.array(b)
    low, high = min(a.min(), b.min()), max(a.max(), b.max())
    most = 1.0
    if high > low:
        most = max((np.histogram(x, bins, (low, high))[0] / len(x)).max() for x in (a, b))
    assert overlap_ratio(a, b, bins=bins) <= overlap_ratio(a, b, estimator="ks") + most + 1e-9


def test_the_histogram_agrees_with_a_plain_loop():
    rng = np.random.default_rng(3)
    a, b = rng.beta(5, 2, 300), rng.beta(2, 2, 500)
    weights = rng.uniform(size=300), rng.uniform(size=500)
    assert overlap_ratio(a, b, bins=37) == pytest.approx(plain_histogram_overlap(list(a), list(b), 37))
    weighted = plain_histogram_overlap(list(a), list(b), 37, tuple(map(list, weights)))
    assert overlap_ratio(a, b, bins=37, weights=weights) == pytest.approx(weighted)


def test_ks_agrees_with_scipy():
    rng = np.random.default_rng(4)
    a, b = np.round(rng.normal(0.1, 1, 501), 1), np.round(rng.normal(0, 1, 400), 1)  # ties
    assert overlap_ratio(a, b, estimator="ks") == pytest.approx(1 - stats.ks_2samp(a, b).statistic)


def test_the_kernel_estimate_agrees_with_scipys_reflected_at_one():
    rng = np.random.default_rng(5)
    a, b = 1 - np.abs(rng.normal(0, 0.05, 3000)), 1 - np.abs(rng.normal(0.1, 0.06, 2000))
    weights = rng.uniform(0.5, 1.5, 3000), rng.uniform(0.5, 1.5, 2000)
    grid = np.linspace(0.4, 1, 3001)
    densities = []
    for values, each in zip((a, b), weights, strict=True):
        kernel = stats.gaussian_kde(values, weights=each)
        densities.append(kernel(grid) + kernel(2 - grid))
    known = float(np.minimum(*densities).sum() * (grid[1] - grid[0]))
    assert overlap_ratio(a, b, estimator="kde", weights=weights) == pytest.approx(known, abs=2e-3)


def test_without_the_reflection_mass_would_leave_the_range():
    rng = np.random.default_rng(5)
    a, b = 1 - np.abs(rng.normal(0, 0.02, 4000)), 1 - np.abs(rng.normal(0, 0.02, 4000))
    assert overlap_ratio(a, b, estimator="kde") > 0.97


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_samples_apart_share_nothing_and_equal_ones_everything(estimator):
    rng = np.random.default_rng(6)
    near, far = rng.uniform(0.9, 1, 500), rng.uniform(-1, -0.9, 400)
    assert overlap_ratio(near, far, estimator=estimator) == pytest.approx(0, abs=1e-9)
    assert overlap_ratio(near, near, estimator=estimator) == pytest.approx(1)
    assert overlap_ratio(np.full(3, 0.5), np.full(4, 0.5), estimator=estimator) == pytest.approx(1)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_order_and_whole_copies_change_nothing(estimator):
    rng = np.random.default_rng(7)
    a, b = rng.normal(0.5, 0.1, 200), rng.normal(0.4, 0.1, 300)
    once = overlap_ratio(a, b, estimator=estimator)
    assert overlap_ratio(rng.permutation(a), rng.permutation(b), estimator=estimator) == pytest.approx(once)
    doubled = overlap_ratio(a, b, estimator=estimator, weights=(np.full(200, 2.0), np.ones(300)))
    assert doubled == pytest.approx(once)


@pytest.mark.parametrize("bins", [200, 2000])
def test_auroc_and_ks_of_bins_are_within_their_stated_errors(bins):
    rng = np.random.default_rng(8)
    a, b = rng.normal(0.6, 0.1, 3000).clip(0, 1), rng.normal(0.5, 0.1, 5000).clip(0, 1)
    weights = rng.uniform(size=3000), rng.uniform(size=5000)
    masses = [np.histogram(x, bins, (0, 1), weights=w)[0] / w.sum() for x, w in zip((a, b), weights, strict=True)]
    binned = Densities(low=0, high=1, homologous=masses[0], non_homologous=masses[1], pairs=(3000, 5000))
    known = roc_auc_score(np.repeat([1, 0], [3000, 5000]), np.r_[a, b], sample_weight=np.r_[weights])
    found = auroc(binned)
    assert abs(found.value - known) <= found.error < 2.5 / bins
    exact = 1 - overlap_ratio(a, b, estimator="ks", weights=weights)
    distance = kolmogorov_smirnov(binned)
    assert 0 <= exact - distance.value + 1e-12 <= distance.error + 1e-12
    assert overlap(binned, estimator="histogram", bins=bins) <= 1 - distance.value + 1e-12


def test_unusable_samples_are_refused():
    fine = np.array([0.1, 0.2])
    with pytest.raises(ValueError, match="empty or holds a value that is not finite"):
        overlap_ratio(np.array([]), fine)
    with pytest.raises(ValueError, match="not finite"):
        overlap_ratio(fine, np.array([0.1, np.nan]))
    with pytest.raises(ValueError, match="none negative"):
        overlap_ratio(fine, fine, weights=(np.array([1.0, -1.0]), np.ones(2)))
