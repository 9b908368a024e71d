"""The pair model against its objective by plain loops, and against what was planted in an alignment."""

import numpy as np
import pytest

from rnaexp.fitness.potts import STATES, PairModel, fitted, of_alignment, pair_scores
from rnaexp.rna import Alignment
from tests.fitness.toy import LETTERS, library

WILD = "GGGAAAUCCC"


def log_odds(model, codes):
    """Of one sequence, by a loop over sites and pairs."""
    total = sum(model.fields[at, letter] for at, letter in enumerate(codes))
    pairs = [(i, j) for i in range(len(codes)) for j in range(i + 1, len(codes))]
    return total + sum(model.couplings[i, codes[i], j, codes[j]] for i, j in pairs)


def objective(fields, couplings, codes, weights):
    """Weighted pseudolikelihood less the penalties, by loops."""
    columns = codes.shape[1]
    total = 0.0
    for row, weight in zip(codes, weights, strict=True):
        for at in range(columns):
            logits = [
                fields[at, letter] + sum(couplings[at, letter, j, row[j]] for j in range(columns) if j != at)
                for letter in range(STATES)
            ]
            total += weight * (logits[row[at]] - np.log(np.exp(logits).sum()))
    pairs = sum((couplings[i, :, j, :] ** 2).sum() for i in range(columns) for j in range(i + 1, columns))
    return total - 0.01 * (fields**2).sum() - 0.01 * (STATES - 1) * (columns - 1) * pairs


def random_rows(seed, rows=20, columns=4):
    return np.random.default_rng(seed).integers(0, STATES, (rows, columns))


def test_it_is_the_maximum_of_its_objective():
    """The objective is concave, so that no small step in any direction betters it."""
    codes, weights = random_rows(0), np.random.default_rng(1).uniform(0.2, 1, 20)
    model = fitted(codes, weights)
    best = objective(*model, codes, weights)
    rng = np.random.default_rng(2)
    for _ in range(30):
        fields = model.fields + 1e-3 * rng.normal(size=model.fields.shape)
        step = rng.normal(size=model.couplings.shape)
        step = step + step.transpose(2, 3, 0, 1)
        step[np.arange(4), :, np.arange(4), :] = 0
        assert objective(fields, model.couplings + 1e-3 * step, codes, weights) < best
    assert np.allclose(model.couplings, model.couplings.transpose(2, 3, 0, 1))


def test_a_score_is_the_difference_of_two_log_odds():
    rng = np.random.default_rng(3)
    free = rng.normal(size=(10, STATES, 10, STATES))
    couplings = free + free.transpose(2, 3, 0, 1)
    couplings[np.arange(10), :, np.arange(10), :] = 0
    model, variants = PairModel(rng.normal(size=(10, STATES)), couplings), [*library(count=30, mutations=5), WILD]
    wild = [LETTERS.index(letter) for letter in WILD]
    expected = [log_odds(model, [LETTERS.index(letter) for letter in one]) - log_odds(model, wild) for one in variants]
    np.testing.assert_allclose(pair_scores(model, WILD, variants), expected, atol=1e-9)


def test_it_ranks_a_compensated_pair_above_a_broken_one():
    """Two columns pair in every homolog and each letter is as frequent: no column alone can tell them apart."""
    pairs = {"A": "U", "C": "G", "G": "C", "U": "A"}
    rng = np.random.default_rng(4)
    rows = ["GAAAAC"]
    for _ in range(120):
        first = rng.choice(list(pairs))
        rows.append(first + "".join(rng.choice(list(LETTERS), 4)) + pairs[first])
    alignment = Alignment(names=tuple(f"r{at}" for at in range(len(rows))), rows=tuple(rows))
    model = of_alignment(alignment)
    broken, mended = pair_scores(model, "GAAAAC", ["GAAAAG", "CAAAAG"])
    assert mended > broken + 1
    assert mended == pytest.approx(0, abs=1)
