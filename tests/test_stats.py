import numpy as np
import pytest

from rnaexp.stats import cluster_bootstrap


def plain_bootstrap(values, clusters, resamples, seed):
    rng = np.random.default_rng(seed)
    groups = [[v for v, c in zip(values, clusters, strict=True) if c == name] for name in sorted(set(clusters))]
    means = []
    for _ in range(resamples):
        drawn = [groups[at] for at in rng.integers(len(groups), size=len(groups))]
        everyone = [v for group in drawn for v in group]
        means.append(sum(everyone) / len(everyone))
    return np.quantile(means, [0.025, 0.975])


def test_the_interval_agrees_with_drawing_whole_clusters_in_a_loop():
    rng = np.random.default_rng(0)
    values, clusters = rng.uniform(size=60), np.array([f"c{at}" for at in rng.integers(20, size=60)])
    got = cluster_bootstrap(values, clusters, resamples=4000)
    low, high = plain_bootstrap(values, clusters, 4000, 1)
    assert got.mean == pytest.approx(values.mean())
    assert (got.low, got.high) == pytest.approx((low, high), abs=0.01)
    assert got.clusters == len(set(clusters))


def test_relatives_widen_the_interval():
    values = np.repeat(np.random.default_rng(0).uniform(size=10), 6)
    alone = cluster_bootstrap(values, np.array([str(at) for at in range(60)]))
    kin = cluster_bootstrap(values, np.repeat([str(at) for at in range(10)], 6))
    assert kin.high - kin.low > 1.5 * (alone.high - alone.low)


def test_the_same_seed_gives_the_same_interval():
    values, clusters = np.linspace(0, 1, 9), np.array(list("aabbccdde"))
    assert cluster_bootstrap(values, clusters) == cluster_bootstrap(values, clusters)
