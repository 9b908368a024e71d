"""Controls that were fitted on pairs, and the mean of single folds, against plain loops over rows and bases."""

import json
import math

import numpy as np
import pytest
import RNA
from tests.models.test_baselines_covariation import plain_information, random_rows

from rnaexp import models
from rnaexp.errors import UnsuitableError
from rnaexp.models import baselines, kernel
from rnaexp.models.folding import mean_probabilities
from rnaexp.models.training import was_trained_on
from rnaexp.rna import Alignment, Rna

FITTED = kernel.Kernel(au=0.6, gu=0.3, mismatch=-0.9, gap=-0.4, covariation=1.3, reach=2, decay=0.7, beta=1.9, none=1.1)


def aligned(rows):
    return Rna(id="x", sequence=rows[0], alignment=Alignment(names=tuple(map(str, range(len(rows)))), rows=tuple(rows)))


def plain_bond(rows, i, j, numbers, information):
    worth = {"CG": 1.0, "AU": numbers.au, "GU": numbers.gu}
    total = 0.0
    for row in rows:
        pair = "".join(sorted((row[i], row[j])))
        if "N" in pair or pair == "--":
            continue
        total += numbers.gap if "-" in pair else worth.get(pair, numbers.mismatch)
    return total / len(rows) + numbers.covariation * information[i][j]


def plain_kernel(rows, numbers):
    """The definition, base by base: stack, softmax with no partner among the partners, both directions, APC."""
    n = len(rows[0])
    information = [[0.0 if i == j else plain_information(rows, i, j) for j in range(n)] for i in range(n)]
    means = [sum(row) / (n - 1) for row in information]
    if (overall := sum(means) / n) > 1e-12:
        information = [[information[i][j] - means[i] * means[j] / overall for j in range(n)] for i in range(n)]
    bond = {(i, j): plain_bond(rows, i, j, numbers, information) for i in range(n) for j in range(n) if j - i > 3}
    attention = [[0.0] * n for _ in range(n)]
    for i in range(n):
        weights = {}
        for j in range(n):
            if abs(j - i) > 3:
                a, b = min(i, j), max(i, j)
                stack = sum(
                    numbers.decay ** abs(k) * bond.get((a + k, b - k), 0.0)
                    for k in range(-numbers.reach, numbers.reach + 1)
                )
                weights[j] = math.exp(numbers.beta * stack)
        total = math.exp(numbers.none) + sum(weights.values())
        for j, weight in weights.items():
            attention[i][j] = weight / total
    both = [[attention[i][j] + attention[j][i] for j in range(n)] for i in range(n)]
    sums = [sum(row) for row in both]
    return [[both[i][j] - sums[i] * sums[j] / sum(sums) for j in range(n)] for i in range(n)]


@pytest.mark.parametrize("seed", range(3))
def test_the_kernel_agrees_with_its_definition_in_plain_loops(seed):
    rows = random_rows(seed, depth=6, columns=14)
    found = kernel.pair_scores(kernel.columns_of(aligned(rows).alignment), FITTED)
    np.testing.assert_allclose(found, plain_kernel(rows, FITTED), atol=1e-6)


def test_the_shipped_kernels_agree_with_plain_loops_on_what_they_read():
    rows = random_rows(7, depth=5, columns=16)
    single, every = (kernel.shipped(name) for name in ("kernel", "kernel-alignment"))
    np.testing.assert_allclose(kernel.kernel_scores(aligned(rows)), plain_kernel(rows[:1], single), atol=1e-6)
    np.testing.assert_allclose(kernel.alignment_kernel_scores(aligned(rows)), plain_kernel(rows, every), atol=1e-6)
    with pytest.raises(UnsuitableError, match="has no alignment"):
        kernel.alignment_kernel_scores(Rna(id="x", sequence="GGGAAAACCC"))


@pytest.mark.parametrize("sequence", ["A", "GGCC", "NNNNNNNNN"])
def test_an_rna_without_possible_pairs_has_flat_scores(sequence):
    scores = kernel.kernel_scores(Rna(id="x", sequence=sequence))
    assert np.isfinite(scores).all()
    assert np.triu(scores, 4).max() <= 0.2


def test_other_numbers_are_another_model_and_their_families_are_known(monkeypatch):
    facts = kernel.fitted_facts()
    assert {"command", "set", "set_sha256", "draws", "seed"} <= set(facts)
    before = {name: models.load(name).fingerprint for name in ("kernel", "kernel-alignment", "stems")}
    assert len(set(before.values())) == 3
    other = json.loads(json.dumps(facts["kernels"]["kernel"]["constants"])) | {"beta": 1.0}
    monkeypatch.setattr(baselines, "shipped", lambda name: kernel.Kernel(**other))
    assert models.load("kernel").fingerprint != before["kernel"]
    assert models.load("stems").fingerprint == before["stems"], "nothing of it is fitted"
    assert was_trained_on(models.spec("kernel"), "RF00020")
    assert was_trained_on(models.spec("kernel-alignment"), "RF00005") is False


def test_the_mean_of_folds_agrees_with_a_loop_over_rows_and_bases():
    rows = [
        "GGGGCUAACGAAAGCCCC",
        "GGGG-UAACGAAA-CCCC",
        "------------------",
        "GCGG--UACGAA--CCGC",
        "GGGGCUAACGNAAGCCCC",
    ]
    n, expected = len(rows[0]), np.zeros((18, 18))
    for row in rows[:4]:
        columns = [at for at in range(n) if row[at] != "-"]
        if not columns:
            continue
        fold = RNA.fold_compound("".join(row[at] for at in columns))
        fold.exp_params_rescale(fold.mfe()[1])
        fold.pf()
        table = fold.bpp()
        for a, i in enumerate(columns):
            for b, j in enumerate(columns[a + 1 :], a + 1):
                expected[i, j] += table[a + 1][b + 1] / 4
                expected[j, i] += table[a + 1][b + 1] / 4
    found = mean_probabilities(aligned(rows), max_rows=4)
    assert found.max() > 0.3
    np.testing.assert_allclose(found, expected, atol=1e-6)
    encoder = models.load("viennarna-mean", config={"max_rows": 1})
    np.testing.assert_allclose(encoder.read_head(aligned(rows)), models.load("viennarna").read_head(aligned(rows)))
    assert models.load("viennarna-mean").fingerprint != encoder.fingerprint
