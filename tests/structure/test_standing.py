"""A head beside the best control on its own RNAs: the same difference and interval as a plain loop over clusters."""

import numpy as np
import pandas as pd
import pytest

from rnaexp.errors import InputError
from rnaexp.structure.standing import Standing, standing


def table(f1, clusters):
    return pd.DataFrame({"rna": [f"r{at}" for at in range(len(f1))], "cluster": clusters, "f1": f1})


def by_a_loop(differences, clusters, rounds=4000):
    rng, names = np.random.default_rng(3), sorted(set(clusters))
    means = []
    for _ in range(rounds):
        drawn = rng.choice(names, len(names))
        values = [d for name in drawn for d, c in zip(differences, clusters, strict=True) if c == name]
        means.append(sum(values) / len(values))
    return np.quantile(means, [0.025, 0.975])


def test_the_best_control_is_looked_at_and_the_interval_is_a_loops():
    rng = np.random.default_rng(0)
    clusters = [f"c{at // 3}" for at in range(36)]
    mine, weak, strong = (rng.uniform(low, low + 0.3, 36).tolist() for low in (0.5, 0.1, 0.4))
    found = standing(table(mine, clusters), {"weak": table(weak, clusters), "strong": table(strong, clusters)})
    differences = np.subtract(mine, strong)
    assert found.control == "strong"
    assert found.control_f1 == pytest.approx(np.mean(strong))
    assert found.difference == pytest.approx(differences.mean())
    assert (found.low, found.high) == pytest.approx(tuple(by_a_loop(differences, clusters)), abs=0.01)
    assert Standing.from_json(found.to_json()) == found


def test_without_a_control_or_a_common_rna_there_is_none():
    mine = table([0.5], ["c"])
    assert standing(mine, {}) is None
    assert standing(mine, {"other": mine.assign(rna="another")}) is None
    with pytest.raises(InputError, match="not a comparison with a control"):
        Standing.from_json({"control": "stems"})
