from itertools import permutations

import numpy as np
import pytest

from rnaexp.classify.cka import cka_table, debiased_cka


def plain_hsic(one, two):
    """The U-statistic of its definition: over all ordered choices of four different RNAs."""
    kernels = [rows @ rows.T for rows in (one, two)]
    k, m = kernels
    values = [k[i, j] * (m[i, j] + m[q, r] - 2 * m[i, q]) for i, j, q, r in permutations(range(len(one)), 4)]
    return np.mean(values)


def test_it_agrees_with_the_u_statistic_over_all_fours_of_rnas():
    rng = np.random.default_rng(0)
    one = rng.normal(size=(8, 5))
    two = one @ rng.normal(size=(5, 3)) + 0.5 * rng.normal(size=(8, 3))
    known = plain_hsic(one, two) / np.sqrt(plain_hsic(one, one) * plain_hsic(two, two))
    assert debiased_cka(one, two) == pytest.approx(known)


def test_rotation_scale_and_shift_change_nothing():
    rng = np.random.default_rng(1)
    one = rng.normal(size=(40, 6))
    rotation = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    assert debiased_cka(one, 3 * one @ rotation + 7) == pytest.approx(1)


def test_unrelated_vectors_wider_than_there_are_rnas_are_not_alike():
    rng = np.random.default_rng(2)
    one, two = rng.normal(size=(30, 400)), rng.normal(size=(30, 300))
    centred = [rows - rows.mean(0) for rows in (one, two)]
    kernels = [rows @ rows.T for rows in centred]
    plain = (kernels[0] * kernels[1]).sum() / np.sqrt((kernels[0] ** 2).sum() * (kernels[1] ** 2).sum())
    assert plain > 0.8, "the plain estimate is fooled"
    assert abs(debiased_cka(one, two)) < 0.15


def test_what_does_not_vary_is_refused_and_left_empty_in_a_table():
    rng = np.random.default_rng(3)
    flat, one = np.ones((10, 4)), rng.normal(size=(10, 4))
    with pytest.raises(ValueError, match="do not vary"):
        debiased_cka(flat, one)
    with pytest.raises(ValueError, match="at least four"):
        debiased_cka(one[:3], one[:3])
    table = cka_table([flat, one], [one])
    assert np.isnan(table[0, 0])
    assert table[1, 0] == pytest.approx(1)


def test_a_models_last_layer_is_what_it_embeds_by_and_equals_itself(announce):
    from rnaexp import models
    from rnaexp.rna import Rna
    from rnaexp.tasks.families.representations import compare_layers

    rng = np.random.default_rng(0)
    rnas = [Rna(id=f"r{at}", sequence="".join(rng.choice(list("ACGU"), int(rng.integers(12, 30))))) for at in range(12)]
    encoder = models.load("untrained:rnabert", config=None, seed=3)
    states, bases = encoder.embed_layers(rnas[:2]), encoder.embed(rnas[:2])
    assert states[1].shape == (encoder.layers + 1, len(rnas[1]), encoder.spec.width)
    assert states[1][-1].numpy() == pytest.approx(bases[1].numpy(), abs=1e-6)
    table = compare_layers(encoder, encoder, rnas, announce)
    assert table.shape == (encoder.layers + 1, encoder.layers + 1)
    assert np.diag(table) == pytest.approx(1)
    beside = compare_layers(encoder, models.load("planted"), rnas, announce)
    assert list(beside.columns) == ["last"]
