import numpy as np
import pytest

from rnaexp.rna import Rna
from rnaexp.structure.curve import best_threshold
from rnaexp.structure.protocol import Scoring
from rnaexp.structure.tune import depth_to_certify, search, tuned_head

from . import oracle
from .examples import random_attention, random_rna, scores_of, table_of


def instance(seed, *, rounded=None, heads=1):
    rng = np.random.default_rng(seed)
    rnas, layers = [], []
    for number in range(int(rng.integers(1, 6))):
        n = int(rng.integers(6, 30))
        rna = random_rna(rng, n, int(rng.integers(1, 8)), id=f"r{number}")
        maps = random_attention(rng, heads, n, rna, strength=float(rng.uniform(0, 5)))
        rnas.append(rna)
        layers.append(maps if rounded is None else (maps * rounded).round() / rounded)
    return rnas, layers


def plain(rnas, layers, scoring, head=0):
    lists, references = [], []
    only = scoring.pairs == "canonical"
    for rna, maps in zip(rnas, layers, strict=True):
        every = oracle.candidates(rna.sequence, min_separation=scoring.min_separation, canonical_only=only)
        reference = set(rna.pairs) & set(every)
        if not reference:
            continue
        best = oracle.ranked(oracle.pair_scores(maps[head].numpy()), every)
        lists.append(oracle.greedy(best) if scoring.decoder == "greedy" else best)
        references.append(reference)
    return lists, references


SCORINGS = [
    Scoring(),
    Scoring(min_separation=4),
    Scoring(averaging="pooled"),
    Scoring(min_separation=4, pairs="canonical", decoder="greedy"),
]


@pytest.mark.parametrize("seed", range(200))
def test_the_exact_threshold_agrees_with_trying_every_score(seed):
    scoring = SCORINGS[seed % 4]
    references = []
    while not references:  # some instances have no reference pair among the candidates
        rnas, layers = instance(seed, rounded=64 if seed % 5 == 0 else None)
        lists, references = plain(rnas, layers, scoring)
        seed += 1000
    tables = [table_of(rna, [maps], scoring) for rna, maps in zip(rnas, layers, strict=True)]
    got = best_threshold([t for t in tables if t.references], 0, scoring.averaging)
    best, lower, upper = oracle.best_threshold(lists, references, pooled=scoring.averaging == "pooled")
    assert got.f1 == pytest.approx(best, abs=1e-9)
    assert lower - 1e-6 <= got.threshold <= upper + 1e-6
    assert got.threshold == pytest.approx((lower + upper) / 2, abs=1e-6), "the middle of the plateau, not its edge"
    assert got.bound == -np.inf


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("averaging", ["per-rna", "pooled"])
def test_what_short_lists_do_not_show_never_exceeds_the_bound(seed, averaging):
    rnas, layers = instance(seed)
    whole = best_threshold([table_of(r, [m]) for r, m in zip(rnas, layers, strict=True)], 0, averaging)
    short = best_threshold([table_of(r, [m], depth=0.7) for r, m in zip(rnas, layers, strict=True)], 0, averaging)
    assert short.f1 <= whole.f1 + 1e-12
    assert whole.f1 <= max(short.f1, short.bound) + 1e-12
    if short.bound <= short.f1:
        assert (short.f1, short.threshold) == pytest.approx((whole.f1, whole.threshold))


def test_the_study_holds_the_optimum_of_every_head():
    rnas, layers = instance(7, heads=5)
    tables = [table_of(rna, [maps, maps.flip(0)]) for rna, maps in zip(rnas, layers, strict=True)]
    found = search(scores_of(tables, heads=5, layers=2))
    for row, trial in found.trials.iterrows():
        assert trial["f1"] == best_threshold(tables, row, "per-rna").f1
    assert found.trials["f1"].max() == found.winner["f1"]
    # Layer 1 holds the heads of layer 0 in reverse: the first of equals wins.
    assert found.winner["layer"] == 0


def test_a_head_is_not_frozen_while_another_could_still_win():
    rnas, layers = instance(3, heads=2)
    tables = [table_of(rna, [maps], depth=0.3) for rna, maps in zip(rnas, layers, strict=True)]
    scores = scores_of(tables, heads=2)
    found = search(scores)
    assert found.uncertain
    with pytest.raises(ValueError, match="could still win"):
        tuned_head(scores, found)


def test_the_depth_that_certifies_is_the_bound_solved():
    assert depth_to_certify(10, 0.05, 10**6) == 10 * 39 + 1
    assert depth_to_certify(10, 0.05, 200) == 200
    assert depth_to_certify(10, 0.0, 200) == 200


def test_an_rna_whose_pairs_are_no_candidates_does_not_count():
    hidden = Rna(id="hidden", sequence="GGAAACC", pairs=((0, 1),), cluster="hidden")
    rng = np.random.default_rng(0)
    shown = random_rna(rng, 20, 4, id="shown")
    scoring = Scoring(min_separation=4)
    tables = [table_of(rna, [random_attention(rng, 1, len(rna))], scoring) for rna in (hidden, shown)]
    assert [rna.id for rna in scores_of(tables, heads=1, scoring=scoring).scored()] == ["shown"]
