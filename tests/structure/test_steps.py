"""What is said of a learning curve, against plain loops; and a flat random curve, in which there is nothing to find."""

import numpy as np
import pandas as pd
import pytest

from rnaexp.stats.intervals import cluster_interval
from rnaexp.structure.steps import Point, best_step, between, clears, emergence

RNAS, CLUSTERS = 24, 12


def table(values, rnas=RNAS):
    return pd.DataFrame(
        {"rna": [f"r{i}" for i in range(rnas)], "cluster": [f"c{i % CLUSTERS}" for i in range(rnas)]}
    ).assign(f1=np.clip(values, 0, 1))


def curve(rng, steps, *, rise=0.0, noise=0.1):
    """Each RNA has a level of its own; `rise` is added from the middle of the training on."""
    level = rng.uniform(0.2, 0.5, RNAS)
    later = [0.0 if at < len(steps) / 2 else rise for at in range(len(steps))]
    return [
        Point(
            step=step,
            validation_f1=float(0.3 + more + rng.normal(0, noise / 5)),
            f1=table(level + more + rng.normal(0, noise, RNAS)),
        )
        for step, more in zip(steps, later, strict=True)
    ]


def test_a_flat_random_curve_has_no_winner_unless_the_test_set_chooses_it():
    rng, draws, won, would_have = np.random.default_rng(1), 60, 0, 0
    for _ in range(draws):
        points = curve(rng, range(30))
        best = best_step(points)
        assert best.validation_f1 == max(point.validation_f1 for point in points)
        won += between(best, points[-1]).difference.above_zero
        on_test = max(points, key=lambda point: point.f1["f1"].mean())
        would_have += between(on_test, points[-1]).difference.above_zero
    assert won / draws <= 0.05
    assert would_have / draws > 0.1, "the test set would have found one: this test would notice"


def test_a_curve_that_rises_has_one():
    points = curve(np.random.default_rng(2), [0, 10, 20, 30], rise=0.3)
    assert between(points[-1], points[0]).difference.above_zero
    assert not between(points[0], points[-1]).difference.above_zero
    assert best_step(points).step in (20, 30)


def test_of_equal_steps_the_earliest_is_best():
    points = [Point(step=step, validation_f1=0.5, f1=table(np.full(RNAS, 0.5))) for step in (30, 10, 20)]
    assert best_step(points).step == 10


def test_the_difference_of_two_steps_is_that_of_a_plain_loop():
    one, other = curve(np.random.default_rng(3), [1, 2])
    other = Point(step=2, validation_f1=0.1, f1=other.f1.sample(frac=1, random_state=1).iloc[:-3])
    found = between(one, other)
    known = {row.rna: row.f1 for row in other.f1.itertuples()}
    pairs = [(row.f1 - known[row.rna], row.cluster) for row in one.f1.itertuples() if row.rna in known]
    assert found.difference.mean == pytest.approx(sum(value for value, _ in pairs) / len(pairs))
    expected = cluster_interval(np.array([v for v, _ in pairs]), np.array([c for _, c in pairs]), of="differences")
    assert (found.difference.low, found.difference.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("seed", range(6))
def test_emergence_is_that_of_a_plain_loop(seed):
    rng = np.random.default_rng(seed)
    points = curve(rng, [0, 5, 10, 15, 20, 25], rise=0.12, noise=0.12)
    controls = {"low": table(rng.uniform(0.1, 0.4, RNAS)), "high": table(rng.uniform(0.2, 0.5, RNAS))}
    above = {}
    for point in points:
        above[point.step] = True
        for control in controls.values():
            differences = [mine - theirs for mine, theirs in zip(point.f1["f1"], control["f1"], strict=True)]
            interval = cluster_interval(np.array(differences), point.f1["cluster"].to_numpy(str), of="differences")
            above[point.step] &= interval.low > 0
    found = emergence(list(reversed(points)), controls)
    assert found.first == next((step for step in sorted(above) if above[step]), None)
    from_here = [step for step in sorted(above) if all(above[later] for later in above if later >= step)]
    assert found.lasting == (from_here[0] if from_here else None)


def test_without_a_control_or_with_few_clusters_nothing_emerges():
    points = curve(np.random.default_rng(4), [0, 1], rise=0.5)
    assert not clears(points[-1], {})
    few = {"zero": table(np.zeros(RNAS)).iloc[:4]}
    assert not clears(points[-1], few)
    assert clears(points[-1], {"zero": table(np.zeros(RNAS))})


def test_what_is_lost_again_has_not_emerged_for_good():
    levels = {0: 0.1, 10: 0.6, 20: 0.1, 30: 0.6, 40: 0.6}
    noise = np.random.default_rng(5).normal(0, 0.02, RNAS)
    points = [Point(step=step, validation_f1=level, f1=table(level + noise)) for step, level in levels.items()]
    found = emergence(points, {"control": table(np.full(RNAS, 0.3))})
    assert (found.first, found.lasting) == (10, 30)
    assert emergence(points[:3], {"control": table(np.full(RNAS, 0.3))}).lasting is None
