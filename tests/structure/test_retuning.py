import numpy as np
import pytest
from scipy.stats import norm

from rnaexp.stats.bootstrap import cluster_draws
from rnaexp.structure.protocol import Scoring
from rnaexp.structure.retune import _f1_at, retune
from tests.structure.examples import random_attention, random_rna, scores_of, table_of

HEADS, LAYERS = 3, 2


def a_set(seed, rnas, strength, *, scoring, depth=float("inf"), signal=(1, 2)):
    """RNAs in which one head shows the pairs and another shows them a little less."""
    rng = np.random.default_rng(seed)
    tables = []
    for at in range(rnas):
        rna = random_rna(rng, int(rng.integers(12, 18)), pairs=5, id=f"{seed}.{at // 2}.{at}")
        layers = [random_attention(rng, HEADS, len(rna)) for _ in range(LAYERS)]
        for number, much in ((signal[0], strength), (signal[1], strength * 0.9)):
            layers[1][number] = random_attention(rng, 1, len(rna), rna, much)[0]
        tables.append((table_of(rna, layers, scoring=scoring, depth=depth), f"c{seed}.{at // 2}"))
    tables = [t.__class__(**{**{f: getattr(t, f) for f in t.__dataclass_fields__}, "cluster": c}) for t, c in tables]
    return scores_of(tables, heads=HEADS, layers=LAYERS, scoring=scoring, data=str(seed))


def f1_of(rna, row, threshold):
    called = rna.scores[row].astype(float) >= threshold
    return 2 * rna.hits[row][called].sum() / (called.sum() + rna.references)


def statistic(rnas, row, threshold, averaging):
    if averaging == "per-rna":
        return np.mean([f1_of(rna, row, threshold) for rna in rnas])
    called = [rna.scores[row].astype(float) >= threshold for rna in rnas]
    right = sum(rna.hits[row][c].sum() for rna, c in zip(rnas, called, strict=True))
    return 2 * right / sum(c.sum() + rna.references for rna, c in zip(rnas, called, strict=True))


def plain_retuning(validation, test, draws, weights, averaging):
    """Every head and every score as a threshold, RNA by RNA, resample by resample."""
    chosen, results = [], []
    for drawn, tested in zip(draws, weights, strict=True):
        rnas = [rna for rna, times in zip(validation.scored(), drawn, strict=True) for _ in range(times)]
        best = (-1.0, None, None)
        for row in range(HEADS * LAYERS):
            every = sorted({float(s) for rna in validation.scored() for s in rna.scores[row]}, reverse=True)
            for score in every:
                value = statistic(rnas, row, score, averaging)
                if value > best[0] + 1e-6:
                    lower = [float(s) for rna in rnas for s in rna.scores[row] if s < score]
                    best = (value, row, (score + max(lower, default=score)) / 2)
        chosen.append(best[1])
        f1 = np.array([f1_of(rna, best[1], best[2]) for rna in test.scored()])
        results.append((f1 * tested).sum() / tested.sum())
    # Five clusters on both sides: as wide as t of four degrees of freedom (2.776 by its table).
    outside = norm.cdf(-np.sqrt(5 / 4) * 2.776445)
    return chosen, np.quantile(results, [outside, 1 - outside])


@pytest.mark.parametrize("averaging", ["per-rna", "pooled"])
def test_retuning_agrees_with_choosing_again_in_plain_loops(averaging):
    scoring = Scoring(averaging=averaging)
    validation, test = a_set(0, 10, 1.0, scoring=scoring), a_set(1, 10, 1.0, scoring=scoring)
    got = retune(validation, test, chosen=(1, 1), resamples=40, seed=3)
    draws = cluster_draws(np.array([r.cluster for r in validation.scored()]), resamples=40, seed=3)
    weights = cluster_draws(np.array([r.cluster for r in test.scored()]), resamples=40, seed=4)
    chosen, interval = plain_retuning(validation, test, draws, weights, averaging)
    assert len(set(chosen)) > 1, "an example in which the choice does not waver shows nothing"
    assert (got.low, got.high) == pytest.approx(interval, abs=1e-6)
    assert got.stability == pytest.approx(chosen.count(HEADS + 1) / 40)
    assert dict(got.winners) == {divmod(row, HEADS): chosen.count(row) for row in set(chosen)}
    assert [count for _, count in got.winners] == sorted((c for _, c in got.winners), reverse=True)


def test_with_fewer_than_five_clusters_on_either_side_there_is_no_interval():
    scoring = Scoring()
    for validation, test in ((8, 10), (10, 8)):
        got = retune(
            a_set(0, validation, 1.0, scoring=scoring),
            a_set(1, test, 1.0, scoring=scoring),
            chosen=(1, 1),
            resamples=20,
        )
        assert (got.low, got.high) == (None, None)
        assert got.stability <= 1


def test_a_clear_winner_is_chosen_every_time():
    scoring = Scoring()
    validation = a_set(0, 10, 9.0, scoring=scoring, signal=(1, 1))
    got = retune(validation, a_set(1, 10, 9.0, scoring=scoring, signal=(1, 1)), chosen=(1, 1), resamples=50)
    assert got.stability == 1
    assert got.low > 0.5


def test_lists_that_end_too_early_widen_the_interval_instead_of_flattering_it():
    scoring = Scoring()
    validation = a_set(0, 10, 1.5, scoring=scoring)
    exact = retune(validation, a_set(1, 10, 1.5, scoring=scoring), chosen=(1, 1), resamples=60)
    cut = retune(validation, a_set(1, 10, 1.5, scoring=scoring, depth=1), chosen=(1, 1), resamples=60)
    assert cut.low <= exact.low + 1e-12
    assert cut.high >= exact.high - 1e-12
    assert cut.high - cut.low > exact.high - exact.low


@pytest.mark.parametrize("seed", range(5))
def test_what_a_cut_list_hides_lies_between_the_bounds(seed):
    whole = a_set(seed, 10, 1.5, scoring=Scoring()).scored()
    cut = a_set(seed, 10, 1.5, scoring=Scoring(), depth=1).scored()
    thresholds = np.quantile(np.concatenate([rna.scores[4] for rna in whole]), [0.99, 0.9, 0.7, 0.4, 0.0])
    exact = _f1_at(whole, 4, thresholds)[0]
    least, most = _f1_at(cut, 4, thresholds)
    assert (least <= exact + 1e-12).all()
    assert (exact <= most + 1e-12).all()
    assert (least < most).any()
    assert (least == most).any()
    assert (exact == least)[least == most].all()


def test_the_chosen_heads_whole_lists_are_used_where_they_are_given():
    scoring = Scoring()
    validation, whole = (
        a_set(0, 10, 9.0, scoring=scoring, signal=(1, 1)),
        a_set(1, 10, 9.0, scoring=scoring, signal=(1, 1)),
    )
    cut = a_set(1, 10, 9.0, scoring=scoring, depth=1, signal=(1, 1))
    exact = retune(validation, whole, chosen=(1, 1), resamples=60)
    assert retune(validation, cut, chosen=(1, 1), whole=whole.one_head(1, 1), resamples=60) == exact
