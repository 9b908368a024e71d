import numpy as np
import pytest

from rnaexp.stats.bootstrap import cluster_bootstrap, rank_intervals


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


def simulated(rng, clusters=60):
    """Values of RNAs in clusters of one to four, with a cluster effect; their true mean over RNAs is 0.5."""
    sizes = rng.integers(1, 5, clusters)
    member = np.repeat(np.arange(clusters), sizes)
    return 0.5 + rng.normal(0, 0.2, clusters)[member] + rng.normal(0, 0.1, len(member)), member


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for run in range(1200):
        values, clusters = simulated(rng)
        got = cluster_bootstrap(values, clusters, resamples=600, seed=run)
        covered += got.low <= 0.5 <= got.high
    assert 0.92 <= covered / 1200 <= 0.97


def test_ignoring_the_clusters_covers_the_truth_too_rarely():
    rng = np.random.default_rng(1)
    covered = 0
    for run in range(300):
        values, _ = simulated(rng)
        got = cluster_bootstrap(values, np.arange(len(values)), resamples=600, seed=run)
        covered += got.low <= 0.5 <= got.high
    assert covered / 300 < 0.9


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
    assert ends.tolist() == np.quantile(loop, [0.025, 0.975], axis=0, method="closest_observation").T.tolist()


def test_equal_models_share_the_middle_rank():
    values = np.array([[0.1, 0.2, 0.6], [0.6, 0.2, 0.1], [0.9, 0.9, 0.9]])
    assert rank_intervals(values, np.array(["a", "b", "c"]))[0].tolist() == [2.5, 2.5, 1.0]
