"""One sentence of what a difference allows to be claimed."""

import numpy as np
import pytest

from rnaexp.stats.verdict import Verdict, too_few, verdict


@pytest.mark.parametrize(
    ("low", "high", "state", "sentence"),
    [
        (0.01, 0.09, "above", "clearly above stems: +0.050 [+0.010, +0.090]"),
        (0.0, 0.1, "open", "not clearly different from stems: +0.050 [+0.000, +0.100]"),
        (-0.1, 0.2, "open", "not clearly different from stems: +0.050 [-0.100, +0.200]"),
        (-0.09, -0.01, "below", "clearly below stems: +0.050 [-0.090, -0.010]"),
        (None, None, "too few", "4 families are too few for a claim: +0.050 n/a against stems"),
    ],
)
def test_a_claim_is_made_where_the_whole_interval_is_on_one_side(low, high, state, sentence):
    found = Verdict(against="stems", difference=0.05, low=low, high=high, clusters=4)
    assert (found.state, found.sentence, found.to_json()["sentence"]) == (state, sentence, sentence)


def test_fewer_than_five_families_claim_nothing():
    assert [too_few(clusters) for clusters in (1, 4, 5)] == [
        "1 family is too few for a claim",
        "4 families are too few for a claim",
        "",
    ]
    for clusters, state in ((4, "too few"), (5, "above")):
        found = verdict(np.full(clusters, 0.1), np.arange(clusters).astype(str), against="stems")
        assert (found.state, found.clusters) == (state, clusters)
    assert verdict(np.zeros(0), np.zeros(0, str), against="stems") is None
