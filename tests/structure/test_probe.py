"""The probe against plain sums, full data and planted answers."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from rnaexp.errors import ScoreError
from rnaexp.structure.pairs import pair_scores
from rnaexp.structure.probe import Sampled, fit_probe, sampled_pairs, weighted_scores
from rnaexp.structure.protocol import ATTENTION, ReadOut


@pytest.mark.parametrize("read_out", [ReadOut(symmetrise=s, apc=a) for s in (False, True) for a in (False, True)])
def test_the_weighted_sum_is_that_of_each_heads_scores(read_out):
    rng = np.random.default_rng(0)
    maps = torch.softmax(torch.from_numpy(rng.normal(size=(6, 23, 23)) * 3), -1)
    maps *= torch.arange(1, 7)[:, None, None]  # special tokens are cut: what is left of each map has its own total
    weights = np.array([1.5, 0.0, -2.0, 0.3, 0.0, 4.0])
    scores = pair_scores(maps, read_out)
    expected = sum(weight * scores[head] for head, weight in enumerate(weights))
    torch.testing.assert_close(weighted_scores(maps, weights, read_out), expected, rtol=1e-10, atol=1e-12)


def test_a_broken_map_is_refused_only_where_it_counts():
    maps = torch.rand(3, 8, 8)
    maps[1] = torch.nan
    assert torch.isfinite(weighted_scores(maps, np.array([1.0, 0.0, 1.0]), ATTENTION)).all()
    with pytest.raises(ScoreError):
        weighted_scores(maps, np.array([1.0, 1e-9, 1.0]), ATTENTION)


def test_sampled_pairs_stand_for_all_candidates():
    allowed = np.triu(np.ones((40, 40), bool), 4)
    reference = np.array([5 * 40 + 30, 6 * 40 + 29])
    places, paired, counts = sampled_pairs(allowed, reference, np.random.default_rng(0))
    assert set(reference) == set(places[paired])
    assert len(set(places)) == len(places) == 42
    assert allowed.ravel()[places].all()
    assert counts.sum() == pytest.approx(allowed.sum())


def test_where_every_candidate_is_a_pair_nothing_else_is_drawn():
    allowed = np.zeros((5, 5), bool)
    allowed[0, 4] = True
    places, paired, counts = sampled_pairs(allowed, np.array([4]), np.random.default_rng(0))
    assert (places.tolist(), paired.tolist(), counts.tolist()) == ([4], [True], [1.0])


def planted(rng, cluster, *, told, pairs=20, others=400, heads=6):
    """Scores of `heads` heads; head 2 tells pairs apart by `told` standard deviations, the rest is noise."""
    paired = np.arange(pairs + others) < pairs
    scores = rng.normal(size=(pairs + others, heads))
    scores[:, 2] += told * paired
    return Sampled(scores=0.01 * scores, paired=paired, counts=np.ones(len(paired)), cluster=cluster)


def test_the_head_that_knows_has_the_weight():
    rng = np.random.default_rng(1)
    probe = fit_probe([planted(rng, str(at), told=4) for at in range(6)], layers=2, heads=3)
    assert np.unravel_index(np.abs(probe.weights).argmax(), (2, 3)) == (0, 2)
    rest = np.delete(probe.weights.ravel(), 2)
    assert np.abs(rest).max() < 0.25 * probe.weights[0, 2]


def test_weights_are_those_of_the_plain_regression_on_scaled_scores():
    rng = np.random.default_rng(2)
    rnas = [planted(rng, str(at), told=2) for at in range(6)]
    probe = fit_probe(rnas, layers=1, heads=6)
    scores, paired = np.concatenate([rna.scores for rna in rnas]), np.concatenate([rna.paired for rna in rnas])
    plain = LogisticRegression(l1_ratio=1.0, C=probe.strength, solver="saga", max_iter=20_000, tol=1e-7)
    plain.fit(scores / scores.std(0), paired)
    ours = scores @ probe.weights.ravel() + probe.intercept
    assert np.allclose(ours, plain.decision_function(scores / scores.std(0)), atol=0.02)


def test_negatives_count_for_all_that_were_not_drawn():
    rng = np.random.default_rng(3)
    whole = [planted(rng, str(at), told=2, others=4000) for at in range(4)]
    tenth = [
        Sampled(
            scores=rna.scores[: 20 + 400],
            paired=rna.paired[: 20 + 400],
            counts=np.where(rna.paired[: 20 + 400], 1.0, 10.0),
            cluster=rna.cluster,
        )
        for rna in whole
    ]
    full, drawn = (fit_probe(rnas, layers=1, heads=6) for rnas in (whole, tenth))
    assert drawn.intercept == pytest.approx(full.intercept, abs=0.5), "without the counts it is ln 10 = 2.3 higher"


def test_what_does_not_carry_over_to_other_clusters_is_regularised_away():
    rng = np.random.default_rng(4)
    noise = [planted(rng, str(at), told=0, pairs=6, others=40, heads=60) for at in range(6)]
    probe = fit_probe(noise, layers=1, heads=60)
    assert probe.strength < 1.0, "on the RNAs fitted themselves 1.0 loses least"
    together = [Sampled(scores=r.scores, paired=r.paired, counts=r.counts, cluster="one") for r in noise]
    assert fit_probe(together, layers=1, heads=60).strength == 0.1, "one cluster: nothing to leave out"


def test_a_head_that_never_changes_gets_no_weight():
    rng = np.random.default_rng(5)
    rnas = [planted(rng, str(at), told=3) for at in range(4)]
    for rna in rnas:
        rna.scores[:, 5] = 0.25
    probe = fit_probe(rnas, layers=1, heads=6)
    assert np.isfinite(probe.weights).all()


def test_only_pairs_or_none_cannot_be_fitted():
    rna = Sampled(scores=np.ones((3, 2)), paired=np.ones(3, bool), counts=np.ones(3), cluster="a")
    with pytest.raises(ValueError, match="pairs that are none"):
        fit_probe([rna], layers=1, heads=2)
