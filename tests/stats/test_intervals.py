"""Intervals over clusters: against plain loops, and by how often they hold the truth."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import t

from rnaexp.stats.intervals import FEWEST, Interval, cluster_interval


def plain_interval(values, clusters, of):
    """Leave out each cluster in turn; t with the clusters that count; on the logit scale for shares."""
    names = sorted(set(clusters))
    means = []
    for name in names:
        rest = [v for v, c in zip(values, clusters, strict=True) if c != name]
        means.append(sum(rest) / len(rest))
    centre = sum(means) / len(means)
    error = math.sqrt((len(names) - 1) / len(names) * sum((one - centre) ** 2 for one in means))
    sizes = [sum(c == name for c in clusters) for name in names]
    times = t.ppf(0.975, sum(sizes) ** 2 / sum(size**2 for size in sizes) - 1)
    mean = sum(values) / len(values)
    if of == "differences":
        moves = [centre - one for one in means]
        second, third = (sum(move**power for move in moves) / len(moves) for power in (2, 3))
        low, high = (hall(side * times, third / second**1.5, len(names)) for side in (1, -1))
        return mean - max(times, low) * error, mean + max(times, -high) * error
    logit, half = math.log(mean / (1 - mean)), times * error / (mean * (1 - mean))
    return tuple(1 / (1 + math.exp(-(logit + side * half))) for side in (-1, 1))


def hall(quantile, skewness, count):
    """The t that Hall's polynomial turns into this quantile, found by bisection."""
    root = math.sqrt(count)

    def beyond(x):
        cube = skewness**2 * x**3 / (27 * count)
        return x + skewness * x**2 / (3 * root) + cube + skewness / (6 * root) - quantile

    return brentq(beyond, -1e6, 1e6)


@pytest.mark.parametrize("of", ["shares", "differences"])
@pytest.mark.parametrize("seed", range(3))
def test_the_interval_agrees_with_leaving_out_clusters_in_a_loop(of, seed):
    rng = np.random.default_rng(seed)
    clusters = np.array([f"c{at}" for at in [*range(6), *rng.integers(6, size=14)]])
    values = rng.uniform(size=20) * (1 if of == "shares" else 0.5)
    got = cluster_interval(values, clusters, of=of)
    assert got.mean == pytest.approx(values.mean())
    assert (got.low, got.high) == pytest.approx(plain_interval(values, clusters, of))
    assert got.clusters == 6


def test_fewer_than_five_clusters_have_no_interval():
    values = np.linspace(0.2, 0.8, 12)
    for count in range(1, 8):
        found = cluster_interval(values, np.arange(12) % count, of="shares")
        assert (found.low is None, found.high is None) == (count < FEWEST, count < FEWEST)
        assert found.clusters == count
    assert not Interval(mean=0.5, low=None, high=None, clusters=4).above_zero


def test_an_interval_stays_where_its_values_can_be():
    low = cluster_interval(np.array([0, 0, 0, 0, 0, 0.9]), np.arange(6), of="shares")
    assert 0 < low.low < low.mean < low.high < 1
    wide = cluster_interval(np.array([1, 1, 1, -1, 1.0]), np.arange(5), of="differences")
    assert wide.high == 1
    assert cluster_interval(np.zeros(5), np.arange(5), of="shares").high == 0


def test_a_long_tail_moves_out_the_end_on_its_side_only():
    tail = np.array([0, 0.01, 0.02, 0.03, 0.04, 0.6])
    found = cluster_interval(tail, np.arange(6), of="differences")
    mirrored = cluster_interval(-tail, np.arange(6), of="differences")
    half = t.ppf(0.975, 5) * tail.std(ddof=1) / math.sqrt(6)
    assert found.mean - found.low == pytest.approx(half)
    assert found.high - found.mean > 1.5 * half
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


def test_differences_without_skew_have_the_plain_t_interval():
    found = cluster_interval(np.array([-0.2, -0.1, 0, 0.1, 0.2]), np.arange(5), of="differences")
    assert found.high == pytest.approx(t.ppf(0.975, 4) * math.sqrt(0.025 / 5))
    assert found.low == pytest.approx(-found.high)
    assert cluster_interval(np.full(5, 0.25), np.arange(5), of="differences").high == pytest.approx(0.25)


def test_relatives_widen_the_interval():
    values = np.repeat(np.random.default_rng(0).uniform(size=10), 6)
    alone = cluster_interval(values, np.arange(60), of="shares")
    kin = cluster_interval(values, np.repeat(np.arange(10), 6), of="shares")
    assert kin.high - kin.low > 1.5 * (alone.high - alone.low)


def coverage(shape, clusters, *, of="shares", by_rna=False, runs=1000):
    """How often the interval holds the mean of what its values were drawn from; clusters of one to four RNAs."""
    rng, held = np.random.default_rng(clusters), 0
    truth = {"middle": 0.5, "high": 5 / 6.2, "zeros": 0.7 * 0.4, "two": 0.4 / 9 + 0.6 * 0.8}.get(shape, 0.0)
    for _ in range(runs):
        sizes = rng.integers(1, 5, clusters)
        own = {
            "middle": lambda: rng.beta(4, 4, clusters),
            "high": lambda: rng.beta(5, 1.2, clusters),
            "zeros": lambda: np.where(rng.random(clusters) < 0.3, 0, rng.beta(2, 3, clusters)),
            "two": lambda: np.where(rng.random(clusters) < 0.4, rng.beta(1, 8, clusters), rng.beta(8, 2, clusters)),
            "normal": lambda: rng.normal(0, 0.15, clusters),
            "skewed": lambda: rng.exponential(0.1, clusters) - 0.1,
        }[shape]()
        member = np.repeat(np.arange(clusters), sizes)
        spread = 0.3 * np.minimum(own, 1 - own) if of == "shares" else 0.05
        values = own[member] + np.repeat(spread, sizes if of == "shares" else 1) * rng.uniform(-1, 1, len(member))
        found = cluster_interval(values, np.arange(len(member)) if by_rna else member, of=of)
        held += found.low <= truth <= found.high
    return held / runs


@pytest.mark.parametrize(
    ("shape", "of"),
    [
        *((shape, "shares") for shape in ("middle", "high", "zeros", "two")),
        *((shape, "differences") for shape in ("normal", "skewed")),
    ],
)
@pytest.mark.parametrize("clusters", [5, 7, 12])
def test_the_interval_holds_the_truth_in_92_to_97_of_100_cases(shape, of, clusters):
    runs = 1200
    drawn = 2 * math.sqrt(0.95 * 0.05 / runs)  # what the simulation itself may be off by
    assert 0.92 - drawn <= coverage(shape, clusters, of=of, runs=runs) <= 0.97 + drawn


def test_ignoring_the_clusters_holds_the_truth_too_rarely():
    assert coverage("middle", 12, by_rna=True) < 0.9
