"""Calibrated probabilities: against scikit-learn's own fits, put together by hand, and counts in loops."""

import json
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from rnaexp.errors import InputError
from rnaexp.rna import Rna
from rnaexp.settings import read_as
from rnaexp.structure.calibrate import Drawable, Tenths, calibration_error, fit_calibration, fit_curve, reliability
from rnaexp.structure.fit_view import GAMMAS, fit_view, structure_f1, unscored_f1
from rnaexp.structure.probabilities import OF_PROBABILITIES, Calibration, Curve, StructureView
from rnaexp.structure.view import PairTable, helices, nested
from tests.structure.test_view import able, scores_of


def sample(seed=0, rnas=6, shrinks=1.0):
    """RNAs whose true log-odds are a line in the score and in log(bases)."""
    rng = np.random.default_rng(seed)
    found = []
    for at in range(rnas):
        bases = 40 + 40 * at
        scores = rng.normal(size=30 * bases)
        paired = rng.random(len(scores)) < expit(1.5 * scores - 3.5 - shrinks * np.log(bases / 100))
        found.append(Drawable(bases=bases, places=np.arange(len(scores)), scores=scores, paired=paired))
    return found


def by_hand(rnas):
    """scikit-learn's isotonic steps, each at its middle; then its logistic regression on log-odds and length."""
    scores = np.concatenate([rna.scores for rna in rnas])
    paired = np.concatenate([rna.paired for rna in rnas])
    length = np.concatenate([np.full(len(rna.scores), np.log(rna.bases / 100)) for rna in rnas])
    table = pd.DataFrame({"score": scores, "paired": paired})
    table["step"] = IsotonicRegression().fit(scores, paired).predict(scores)
    steps = table.groupby("step").agg(middle=("score", "mean"), real=("paired", "sum"), of=("paired", "size"))
    rates = ((steps["real"] + paired.mean()) / (steps["of"] + 1)).cummax()
    line = logit(np.interp(scores, steps["middle"], rates))
    columns = np.column_stack([line, length])
    model = LogisticRegression(C=1e6, max_iter=1000).fit(columns, paired)
    return scores, np.exp(length) * 100, model.predict_proba(columns)[:, 1], model.coef_[0]


def test_a_calibration_is_scikit_learns_isotonic_and_logistic_regression():
    rnas = sample()
    fitted = fit_calibration(rnas)
    scores, bases, expected, weights = by_hand(rnas)
    assert weights[1] < -0.5, "the sample shrinks with length"
    for length in np.unique(bases):
        these = bases == length
        np.testing.assert_allclose(fitted(scores[these], round(length)), expected[these], rtol=1e-4, atol=1e-6)
    assert fitted.pairs_per_base == pytest.approx(
        sum(rna.paired.sum() for rna in rnas) / sum(rna.bases for rna in rnas)
    )


def test_probabilities_hold_on_rnas_that_were_not_fitted():
    fitted, others = fit_calibration(sample(0)), sample(1)
    found = np.concatenate([fitted(rna.scores, rna.bases) for rna in others])
    assert calibration_error(reliability(found, np.concatenate([rna.paired for rna in others]))) < 0.01


def test_longer_rnas_never_have_more_probable_pairs():
    assert fit_calibration(sample(shrinks=-1.0)).length == 0.0


def test_a_curve_keeps_the_order_of_scores_within_a_step():
    rng = np.random.default_rng(3)
    scores = rng.normal(size=400)
    curve = fit_curve(scores, rng.random(400) < expit(scores - 1))
    assert len(curve.values) < 40
    inner = np.linspace(curve.values[0], curve.values[-1], 200)
    assert (np.diff(curve(inner)) >= 0).all()
    assert len(np.unique(curve(inner).round(9))) > len(curve.values)
    assert 0 < curve.rates[0] < curve.rates[-1] < 1, "a step without pairs is no proof of none"


def test_scores_without_any_pair_or_without_a_difference_are_calibrated_all_the_same():
    flat = Drawable(bases=50, places=np.arange(10), scores=np.ones(10), paired=np.arange(10) < 3)
    np.testing.assert_allclose(fit_calibration([flat])(np.array([0.0, 1.0, 2.0]), 50), 0.3, atol=1e-3)
    none = Drawable(bases=50, places=np.arange(10), scores=np.arange(10.0), paired=np.zeros(10, bool))
    assert fit_calibration([none])(np.array([9.0]), 50)[0] < 1e-5
    empty = Drawable(bases=5, places=np.arange(0), scores=np.zeros(0), paired=np.zeros(0, bool))
    with pytest.raises(ValueError, match="nothing to calibrate on"):
        fit_calibration([empty])


def test_a_reliability_table_counts_pairs_by_tenths():
    values = np.array([0.0, 0.05, 0.15, 0.95, 1.0])
    table = reliability(values, np.array([False, True, False, True, True]))
    assert table.to_dict("list") == {
        "from": [0.0, 0.1, 0.9],
        "pairs": [2, 1, 2],
        "expected": [0.025, 0.15, 0.975],
        "observed": [0.5, 0.0, 1.0],
    }
    assert calibration_error(table) == pytest.approx((2 * 0.475 + 0.15 + 2 * 0.025) / 5)
    assert np.isnan(calibration_error(table[:0]))


def test_pairs_added_rna_by_rna_give_the_table_of_all_at_once_to_the_bit():
    rng = np.random.default_rng(5)
    parts = [(rng.random(size), rng.random(size) < 0.3) for size in (31, 1, 0, 400)]
    tenths = Tenths()
    for part in parts:
        tenths.add(*part)
    values, real = (np.concatenate(each) for each in zip(*parts, strict=True))
    pd.testing.assert_frame_equal(tenths.table(), reliability(values, real), check_exact=True)
    inside = (values >= 0.3) & (values < 0.4)
    assert tenths.table()["observed"][3] == pytest.approx(real[inside].mean())


def test_a_view_is_plain_numbers_and_back():
    view = StructureView(
        calibration=fit_calibration(sample()), gamma=4.0, confidence=Curve(values=(0.5,), rates=(0.2,))
    )
    assert read_as(StructureView, json.loads(json.dumps(asdict(view))), "no view") == view
    for wrong in ({"values": [1.0, 1.0], "rates": [0.1, 0.2]}, {"values": [0.0, 1.0], "rates": [0.2, 0.1]}):
        with pytest.raises(InputError, match="must rise"):
            read_as(Curve, wrong, "no curve")
    with pytest.raises(InputError, match="rates"):
        read_as(Curve, {"values": [0.0], "rates": [1.5]}, "no curve")
    with pytest.raises(ValueError, match="0 values"):
        Curve(values=(), rates=())


def test_the_log_likelihood_ratio_is_that_of_bayes():
    calibration = Calibration(curve=Curve(values=(0.0, 1.0), rates=(0.02, 0.6)), pairs_per_base=0.2)
    ratio = calibration.log_likelihood_ratio(np.array([0.0] * 99 + [1.0]), 50)  # 10 pairs among 100 candidates
    assert ratio[0] == pytest.approx(np.log(0.02 / 0.98 / (0.1 / 0.9)))
    assert ratio[-1] == pytest.approx(np.log(0.6 / 0.4 / (0.1 / 0.9)))
    np.testing.assert_allclose(OF_PROBABILITIES.calibration(np.array([0.2, 0.7]), 80), [0.2, 0.7])


def test_gamma_is_the_one_whose_structures_are_best_and_confidence_is_counted_on_them():
    rng = np.random.default_rng(5)
    rnas, scores = [], []
    for at in range(8):
        arm, tail = ("".join(rng.choice(list("ACGU"), size)) for size in (9, 20))
        sequence = arm + "GAAA" + arm[::-1].translate(str.maketrans("ACGU", "UGCA")) + tail
        known = [(k, 21 - k) for k in range(9)]
        values = rng.normal(size=(len(sequence),) * 2)
        for pair in known:
            values[pair] += 2.5
        rnas.append(Rna(id=f"r{at}", sequence=sequence))
        scores.append(replace(scores_of(sequence, values, known), cluster=f"c{at}"))
    view = fit_view(rnas, scores, unscored_f1=unscored_f1(rnas, scores), folding_f1=0.5)
    tables = []
    for rna, each in zip(rnas, scores, strict=True):
        pairs, n = able(rna.sequence), len(rna)
        by_place = dict(zip(each.indices[0].tolist(), each.scores[0].tolist(), strict=True))
        value = view.calibration(np.array([by_place[i * n + j] for i, j in pairs]), n)
        sums = np.zeros(n)
        for (i, j), one in zip(pairs, value, strict=True):
            sums[i] += one
            sums[j] += one
        scaled = [one / max(1, sums[i], sums[j]) for (i, j), one in zip(pairs, value, strict=True)]
        tables.append((pairs, scaled))
    worth = {}
    for gamma in GAMMAS:
        values = []
        for rna, each, (pairs, scaled) in zip(rnas, scores, tables, strict=True):
            places = np.array([i * len(rna) + j for i, j in pairs])
            table = PairTable(bases=len(rna), places=places, probabilities=np.array(scaled))
            values.append(structure_f1(helices(nested(table, rna.sequence, gamma)), each))
        worth[gamma] = float(np.mean(values))
    assert view.gamma == max(worth, key=worth.get)
    assert view.f1 == pytest.approx(worth[view.gamma], abs=1e-6)
    assert view.f1 > view.unscored_f1
    assert view.folding_f1 == 0.5
    assert view.f1_low is not None
    assert view.f1_low < view.f1 < view.f1_high
    assert view.confidence.rates[-1] > view.confidence.values[-1], "pairs in helices are surer than pairs alone"
