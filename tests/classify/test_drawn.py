"""Pairs drawn as released code draws them, and both units of the overlap, against plain loops."""

from collections import Counter

import numpy as np
import pytest
from scipy.stats import gaussian_kde

from rnaexp import models
from rnaexp.classify.drawn import classifier, drawn_figures, figures_of, homologous_pairs, other_pairs
from rnaexp.classify.embed import pool, reduce, unit
from rnaexp.classify.overlap import Densities, iou, overlap, overlap_ratio
from rnaexp.classify.protocol import EmbeddingProtocol, embedding_protocol
from rnaexp.errors import InputError, UnavailableError
from rnaexp.reading.embeddings import embed_all
from rnaexp.reading.store import Store
from rnaexp.report import families_screen
from rnaexp.rna import Rna
from rnaexp.tasks.families import record as tables
from rnaexp.tasks.families.measure import classify
from rnaexp.tasks.families.settings import ClassifyTask

FAMILIES = ["a"] * 5 + ["b"] * 2 + ["c"] * 3 + ["d"] + ["e"] * 20
SIZES = Counter(FAMILIES)
AUTHORS = embedding_protocol("authors")


def test_homologous_pairs_come_from_families_of_three_or_more_each_as_often():
    pairs = homologous_pairs(FAMILIES, 30_000, seed=1)
    names = np.array(FAMILIES)[pairs]
    assert (names[:, 0] == names[:, 1]).all()
    assert (pairs[:, 0] != pairs[:, 1]).all()
    share = Counter(names[:, 0].tolist())
    assert set(share) == {"a", "c", "e"}
    assert all(abs(count / 30_000 - 1 / 3) < 0.02 for count in share.values())
    assert len({tuple(pair) for pair in pairs[names[:, 0] == "c"].tolist()}) == 6  # both orders of three


def test_other_pairs_are_of_two_families_each_as_often_or_of_two_sequences():
    names = np.array(FAMILIES)[other_pairs(FAMILIES, 30_000, 1, "distinct")]
    assert (names[:, 0] != names[:, 1]).all()
    assert all(abs(count / 60_000 - 1 / 5) < 0.02 for count in Counter(names.ravel().tolist()).values())
    pairs = other_pairs(FAMILIES, 30_000, 1, "per-sequence")
    names, n = np.array(FAMILIES)[pairs], len(FAMILIES)
    assert all(abs(count / 60_000 - SIZES[name] / n) < 0.02 for name, count in Counter(names.ravel().tolist()).items())
    same = sum(size * (size - 1) for size in SIZES.values()) / (n * (n - 1))
    assert abs((names[:, 0] == names[:, 1]).mean() - same) < 0.02
    assert (pairs[:, 0] == pairs[:, 1]).any()  # even one RNA with itself, as there


def plain_overlap(one, two, points):
    """scipy's densities: intersection over union, and shared area, on equal steps of [-0.5, 1]."""
    at = np.linspace(-0.5, 1, points)
    p, q = gaussian_kde(one)(at), gaussian_kde(two)(at)
    lower = sum(min(a, b) for a, b in zip(p, q, strict=True))
    upper = sum(max(a, b) for a, b in zip(p, q, strict=True))
    return lower / upper, 2 * lower / (sum(p) + sum(q))


def test_both_units_agree_with_scipy_and_a_loop():
    rng = np.random.default_rng(3)
    one, two = rng.normal(0.6, 0.2, 700), rng.normal(0.3, 0.1, 500)
    area = overlap_ratio(one, two, estimator="kde-200")
    assert (iou(area), area) == pytest.approx(plain_overlap(one, two, 200), abs=1e-10)
    assert iou(area) != pytest.approx(plain_overlap(one, two, 100)[0], abs=1e-6)
    weights = np.repeat([1.0, 2.0], [300, 400])
    twice = overlap_ratio(one, two, estimator="kde-200", weights=(weights, np.ones(500)))
    at = np.linspace(-0.5, 1, 200)
    p, q = gaussian_kde(one, weights=weights)(at), gaussian_kde(two)(at)
    assert iou(twice) == pytest.approx(np.minimum(p, q).sum() / np.maximum(p, q).sum(), abs=1e-10)


def test_binned_similarities_give_nearly_the_same():
    rng = np.random.default_rng(4)
    samples = rng.normal(0.6, 0.15, 4000).clip(-1, 1), rng.normal(0.2, 0.2, 4000).clip(-1, 1)
    masses = [np.histogram(x, 2000, (-1, 1))[0] / 4000 for x in samples]
    binned = Densities(low=-1.0, high=1.0, homologous=masses[0], non_homologous=masses[1], pairs=(4000.0, 4000.0))
    exact = overlap_ratio(*samples, estimator="kde-200")
    assert overlap(binned, estimator="kde-200", bins=100) == pytest.approx(exact, abs=1e-3)


def test_one_number_repeated_overlaps_with_itself_and_with_nothing_else():
    same, apart = np.full(5, 0.5), np.full(5, 0.1)
    assert overlap_ratio(same, same, estimator="kde-200") == 1.0
    assert overlap_ratio(same, apart, estimator="kde-200") == 0.0


def test_the_classifier_is_the_best_of_a_loop_over_its_steps():
    rng = np.random.default_rng(5)
    own, others = rng.normal(0.5, 0.2, 200).round(2), rng.normal(0.35, 0.2, 300).round(2)  # many stand on a step
    best, inf = None, 0.0
    for step in range(101):
        at = step * 0.01
        right, wrong = (own >= at).sum(), (others >= at).sum()
        missed, rest = len(own) - right, len(others) - wrong
        f1 = 2 * right / (2 * right + wrong + missed)
        under = np.sqrt(float(right + wrong) * (right + missed) * (rest + wrong) * (rest + missed))
        mcc = (right * rest - wrong * missed) / under if under else 0.0
        inf = max(inf, np.sqrt(right / max(1, right + wrong) * right / len(own)))
        if best is None or f1 > best[0] + 1e-9:
            best = (f1, mcc, at, right / len(own))
    assert classifier(own, others) == pytest.approx((*best, inf), abs=1e-8)


def test_repetitions_are_draws_of_their_own_and_their_spread_is_told():
    rng = np.random.default_rng(6)
    vectors = unit(rng.normal(size=(len(FAMILIES), 8)) + 2 * np.array([[ord(f) % 7] for f in FAMILIES]))
    protocol = embedding_protocol("authors", pairs="drawn-500", negatives="per-sequence")
    found = drawn_figures(vectors, FAMILIES, protocol)
    each = []
    for seed in range(3):
        own = homologous_pairs(FAMILIES, 500, seed)
        others = other_pairs(FAMILIES, 500, seed, "per-sequence")
        sims = [[float(vectors[i].astype(float) @ vectors[j].astype(float)) for i, j in p] for p in (own, others)]
        each.append(figures_of(np.array(sims[0]), np.array(sims[1]), protocol))
    for name in ("overlap_iou", "delta_mean", "delta_median", "f1", "mcc"):
        values = [getattr(one, name) for one in each]
        assert getattr(found.mean, name) == pytest.approx(sum(values) / 3, abs=1e-9)
        assert getattr(found.sd, name) == pytest.approx(np.sqrt(np.mean((np.array(values) - np.mean(values)) ** 2)))
    assert found.sd.delta_mean > 0
    assert 0 < found.same_family < 1
    assert drawn_figures(vectors, FAMILIES, EmbeddingProtocol()) is None
    with pytest.raises(ValueError, match="three members"):
        drawn_figures(vectors[:4], ["a", "a", "b", "b"], protocol)


@pytest.mark.parametrize(("name", "first"), [("untrained:msm-nano", 1), ("untrained:rnabert", 0)])
def test_special_tokens_stand_before_the_bases_and_a_crop_reads_them_first(name, first, tmp_path):
    encoder = models.load(name=name, seed=1)
    rnas = [Rna(id=str(n), sequence="GGGAAACCCUUUACGUACGU"[:n]) for n in (12, 20, 15)]
    tokens, bases = encoder.embed_tokens(rnas), encoder.embed(rnas)
    for rna, all_tokens, rows in zip(rnas, tokens, bases, strict=True):
        assert len(all_tokens) == first + len(rna)
        np.testing.assert_array_equal(all_tokens[first:].numpy(), rows.numpy())
    store = Store(tmp_path)
    kept, _ = embed_all(encoder, rnas, store, pooling="crop-128", special_tokens="kept")
    cut, _ = embed_all(encoder, rnas, store, pooling="crop-128")
    np.testing.assert_allclose(kept, [t.numpy().ravel()[:128] for t in tokens], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(cut, [b.numpy().ravel()[:128] for b in bases], rtol=1e-4, atol=1e-5)
    assert (np.abs(kept - cut).max() > 1e-3) == bool(first)


def test_a_short_table_is_filled_with_zeros_and_the_transform_is_that_of_a_loop():
    bases = np.random.default_rng(0).normal(size=(3, 16)).astype(np.float32)
    vector = pool(bases, "crop-128")
    assert vector.shape == (128,)
    assert (vector[48:] == 0).all()
    k, at = np.arange(128)[:, None], np.arange(128)[None]
    wanted = (10 * vector.astype(float) * np.cos(2 * np.pi * k * at / 128)).sum(1)
    np.testing.assert_allclose(reduce(vector[None], AUTHORS)[0], wanted, atol=1e-3)


def test_what_does_not_go_together_is_refused(tmp_path):
    for wrong in ({"pairs": "drawn"}, {"pairs": "drawn-0"}, {"unit": "percent"}, {"repetitions": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            EmbeddingProtocol(**wrong)
    with pytest.raises(ValueError, match="pools nothing"):
        EmbeddingProtocol(reduction="fft-crop", pooling="max")
    with pytest.raises(ValueError, match="paper, authors"):
        embedding_protocol("ours")
    encoder, rnas = models.load(name="untrained:msm-nano", seed=1), [Rna(id="a", sequence="GGGAAACCC")]
    with pytest.raises(InputError, match="windows"):
        embed_all(encoder, rnas, Store(tmp_path), special_tokens="kept", long="window")
    with pytest.raises(UnavailableError, match="special tokens"):
        embed_all(models.load(name="viennarna"), rnas, Store(tmp_path), special_tokens="kept")


def test_the_whole_protocol_on_a_set_and_its_tables(tmp_path, announce, capsys):
    protocol = embedding_protocol("authors", pairs="drawn-400", repetitions=2)
    task = ClassifyTask(model="lm-nano", families="builtin", protocol=protocol, loading={"name": "lm-nano"})
    result = classify(task, Store(tmp_path), announce)
    told = tables.as_json(result, None)
    figures = told["classify"]
    assert figures["drawn_overlap_iou"] == told["drawn"]["mean"]["overlap_iou"]
    assert figures["overlap_iou"] == pytest.approx(iou(figures["overlap_ratio"]))
    assert told["pairs"]["all"]["unit"] == "area"
    row = tables.as_frame([told]).query("pairs == 'drawn-400'").iloc[0]
    assert (row["unit"], row["repetitions"]) == ("iou", 2)
    assert row["drawn_f1_sd"] == pytest.approx(told["drawn"]["sd"]["f1"], abs=1e-6)
    families_screen.show([told])
    shown = capsys.readouterr().out
    assert "Drawn pairs" in shown
    assert "overlap ratio, area" in shown
