import numpy as np
import pytest
from scipy.stats import norm, t

from rnaexp.stats.bootstrap import cluster_draws, percentile_interval, rank_intervals
from rnaexp.stats.intervals import widened


def test_a_percentile_interval_leaves_out_less_the_fewer_clusters_there_are():
    values = np.random.default_rng(0).normal(size=200_000)
    # As wide as t: normal quantile of the level times sqrt(n / (n - 1)) t of n - 1, by their tables (n = 5: 2.776).
    assert percentile_interval(values, 5)[1] == pytest.approx(2.776 * np.sqrt(5 / 4), abs=0.1)
    assert percentile_interval(values, 1000)[1] == pytest.approx(1.96, abs=0.02)
    assert widened(0.95, 5) > widened(0.95, 20) > 0.95


def plain_ranks(values, clusters, resamples, seed):
    rng, names = np.random.default_rng(seed), sorted(set(clusters))
    found = []
    for _ in range(resamples):
        drawn = [names[at] for at in rng.integers(len(names), size=len(names))]
        means = [
            np.mean([v for name in drawn for v, c in zip(row, clusters, strict=True) if c == name]) for row in values
        ]
        found.append([1 + sum(other > mean for other in means) for mean in means])
    return np.array(found)


def test_rank_intervals_agree_with_ranking_each_resample_in_a_loop():
    rng = np.random.default_rng(2)
    clusters = np.array([f"c{at}" for at in rng.integers(8, size=24)])
    values = rng.uniform(size=24) + np.array([[0.3], [0.05], [0.0], [-0.4]]) + rng.normal(0, 0.2, (4, 24))
    ranks, ends = rank_intervals(values, clusters, resamples=2000)
    assert sorted(ranks) == [1, 2, 3, 4]
    assert list(np.argsort(ranks)) == list(np.argsort(-values.mean(1)))
    loop = plain_ranks(values, clusters, 2000, 5)
    outside = norm.cdf(-np.sqrt(8 / 7) * t.ppf(0.975, 7))
    assert ends.tolist() == np.quantile(loop, [outside, 1 - outside], axis=0, method="closest_observation").T.tolist()


def test_equal_models_share_the_middle_rank():
    values = np.array([[0.1, 0.2, 0.6], [0.6, 0.2, 0.1], [0.9, 0.9, 0.9]])
    assert rank_intervals(values, np.array(["a", "b", "c"]))[0].tolist() == [2.5, 2.5, 1.0]


def test_relatives_are_drawn_together_and_as_many_clusters_as_there_are():
    clusters = np.array(["a", "b", "a", "c", "c", "c"])
    draws = cluster_draws(clusters, resamples=50, seed=0)
    for first in "abc":
        members = draws[:, clusters == first]
        assert (members == members[:, :1]).all()
    assert (draws[:, [0, 1, 3]].sum(1) == 3).all()
    assert len(np.unique(draws, axis=0)) > 5
