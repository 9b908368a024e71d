"""Each convention against masking by hand, one site and one variant at a time."""

import numpy as np
import pytest
import torch

from rnaexp import models
from rnaexp.errors import InputError, UnavailableError
from rnaexp.fitness.agreement import spearman
from rnaexp.fitness.conventions import CONVENTIONS as EVERY
from rnaexp.fitness.conventions import OF_DECODERS
from rnaexp.models.planted import Planted, PlantedConfig
from rnaexp.progress import silence
from rnaexp.reading import letters
from rnaexp.reading import likelihoods as fitness_scores
from rnaexp.reading.letters import Request
from rnaexp.reading.likelihoods import model_scores
from rnaexp.reading.store import Store
from rnaexp.rna import Alignment, Rna
from tests.fitness.toy import LETTERS, WILD, LeftTable, Table, assay, library, mutated

CONVENTIONS = tuple(each for each in EVERY if each != "left-to-right")  # what a model of both sides can be scored by


def by_hand(model, convention, variant, wild=WILD):
    """The definition, spelled out."""

    def log_p(letter, at, sequence, hidden):
        return model.say(sequence, [at] if hidden else [])[at, LETTERS.index(letter)]

    if convention == "pseudo-likelihood":
        pll = [sum(log_p(s[at], at, s, True) for at in range(len(s))) for s in (variant, wild)]
        return pll[0] - pll[1]
    if convention == "left-to-right":
        found = [sum(log_p(s[at], at, s, False) for at in range(len(s))) for s in (variant, wild)]
        return found[0] - found[1]
    total, mutated_at = 0.0, [at for at in range(len(wild)) if variant[at] != wild[at]]
    for at in mutated_at:
        if convention == "mask-fill":
            own = model.say(wild, mutated_at)[at]
            total += own[LETTERS.index(variant[at])] - own[LETTERS.index(wild[at])]
            continue
        of_new = variant if convention in ("mutant-marginal", "match-fill") else wild
        of_old = variant if convention == "mutant-marginal" else wild
        hidden = convention != "wild-type-marginal"
        total += log_p(variant[at], at, of_new, hidden) - log_p(wild[at], at, of_old, hidden)
    return total


def scores(model, variants, convention, tmp_path, wild=WILD, **more):
    request = Request(assay=assay(variants, range(len(variants)), wild, **more), convention=convention)
    return model_scores(model, request, Store(tmp_path), silence)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_a_convention_is_what_it_says(convention, tmp_path):
    model, variants = Table(), library()
    found = scores(model, variants, convention, tmp_path)
    np.testing.assert_allclose(found.scores, [by_hand(model, convention, one) for one in variants], atol=1e-6)
    assert set(found.reasons) == {""}


@pytest.mark.parametrize("convention", OF_DECODERS)
def test_a_decoder_is_scored_by_what_it_says_of_each_letter_after_those_before_it(convention, tmp_path):
    model, variants = LeftTable(), library()
    found = scores(model, variants, convention, tmp_path)
    np.testing.assert_allclose(found.scores, [by_hand(model, convention, one) for one in variants], atol=1e-6)
    assert model.passes == (1 if convention == "wild-type-marginal" else len(variants) + 1), "one pass a sequence"


def test_a_decoder_scores_insertions_and_assays_without_a_wild_type(tmp_path):
    model, variants = LeftTable(), [*library(count=5), WILD[:-1], WILD + "A"]
    found = scores(model, variants, "left-to-right", tmp_path, wild=None)
    expected = [sum(model.say(one, [])[at, LETTERS.index(one[at])] for at in range(len(one))) for one in variants]
    np.testing.assert_allclose(found.scores, expected, atol=1e-6)


FILLS = ("masked-marginal", "mutant-marginal", "mask-fill", "match-fill")  # wt-, mut-, mask- and match-fill of RNAGym


def test_the_four_fills_are_one_on_single_mutants(tmp_path):
    singles = [mutated((at, letter)) for at in range(len(WILD)) for letter in LETTERS if letter != WILD[at]]
    found = [scores(Table(), singles, convention, tmp_path / convention).scores for convention in FILLS]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-9)


def test_the_fills_share_what_they_read(tmp_path):
    """One run of each on one store: match-fill is free after the marginals whose halves it is made of."""
    variants, model = library(count=200, seed=3), Table()
    variants = [one for one in variants if "AAAAA" not in one]
    passes = {}
    for convention in FILLS:
        before = model.passes
        scores(model, variants, convention, tmp_path)
        passes[convention] = model.passes - before
    hidden_in_variants = {one[:at] + "N" + one[at + 1 :] for one in variants for at in range(10) if one[at] != WILD[at]}
    hidden_together = {tuple(at for at in range(10) if one[at] != WILD[at]) for one in variants}
    assert passes["masked-marginal"] == len(WILD)
    assert passes["mutant-marginal"] == len(hidden_in_variants)
    assert passes["mask-fill"] == len(hidden_together)
    assert passes["match-fill"] == 0


def test_a_full_library_is_read_once_for_each_distinct_context(tmp_path):
    """All combinations at three sites: 63 mutants, 144 hidden sites, 48 contexts."""
    wild = "GGGACUUCCC"
    variants = [mutated((1, a), (4, b), (8, c), sequence=wild) for a in LETTERS for b in LETTERS for c in LETTERS]
    model = Table()
    scores(model, [one for one in variants if one != wild], "mutant-marginal", tmp_path, wild=wild)
    assert model.passes == 3 * 16


def test_each_direction_has_its_own_conventions(tmp_path):
    for convention in (*FILLS, "pseudo-likelihood"):
        with pytest.raises(InputError, match="reads from left to right: --convention wild-type-marginal or left-to-r"):
            scores(LeftTable(), library(), convention, tmp_path)
    with pytest.raises(InputError, match="reads both sides of a base: --convention left-to-right is for decoders"):
        scores(Table(), library(), "left-to-right", tmp_path)


def test_no_two_conventions_are_one(tmp_path):
    found = [scores(Table(), library(), convention, tmp_path).scores for convention in CONVENTIONS]
    for at, one in enumerate(found):
        for other in found[at + 1 :]:
            assert np.abs(one - other).max() > 0.1


def test_without_a_wild_type_it_is_the_pseudo_likelihood_itself(tmp_path):
    model, variants = Table(), library()
    found = scores(model, variants, "pseudo-likelihood", tmp_path, wild=None)
    with_one = scores(model, variants, "pseudo-likelihood", tmp_path)
    offset = sum(model.say(WILD, [at])[at, LETTERS.index(WILD[at])] for at in range(len(WILD)))
    np.testing.assert_allclose(found.scores, with_one.scores + offset, atol=1e-6)
    with pytest.raises(InputError, match="names no wild type: only pseudo-likelihood"):
        scores(model, variants, "masked-marginal", tmp_path, wild=None)


def test_the_wild_type_is_read_once_for_all_variants(tmp_path):
    variants = [one for one in library(count=200) if "AAAAA" not in one]  # what the toy does not read
    model = Table()
    scores(model, variants, "masked-marginal", tmp_path)
    assert model.passes == len(WILD), "a pass for each distinct mutated site"
    model = Table()
    scores(model, variants, "wild-type-marginal", tmp_path)
    assert model.passes == 1
    model = Table()
    scores(model, variants, "mutant-marginal", tmp_path)
    assert model.passes == len(
        {one[:at] + "N" + one[at + 1 :] for one in variants for at in range(10) if one[at] != WILD[at]}
    ), "a pass for each distinct context"


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_batches_and_shards_of_any_size_give_the_same(convention, tmp_path, monkeypatch):
    variants = library()
    whole = scores(Table(), variants, convention, tmp_path / "whole")
    monkeypatch.setattr(letters, "TOKENS", 1)
    monkeypatch.setattr(letters, "CONTEXTS", 7)
    monkeypatch.setattr(fitness_scores, "SHARD", 7)
    single = scores(Table(), variants, convention, tmp_path / "single")
    np.testing.assert_array_equal(whole.scores, single.scores)
    assert whole.certainty == pytest.approx(single.certainty)
    assert whole.variation == pytest.approx(single.variation)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_what_is_done_stays_done(convention, tmp_path, monkeypatch):
    """A run that dies in its third shard goes on there."""
    monkeypatch.setattr(fitness_scores, "SHARD", 10)
    monkeypatch.setattr(letters, "CONTEXTS", 10)
    variants, model = library(), Table()
    clean = scores(Table(), variants, convention, tmp_path / "clean").scores

    class Dying(Table):
        def predict_letters(self, rnas, masked):
            if self.calls == 2:
                raise KeyboardInterrupt
            return super().predict_letters(rnas, masked)

    dying = Dying()
    if convention in fitness_scores.IN_WILD_TYPE:
        scores(dying, variants, convention, tmp_path / "store")
    else:
        with pytest.raises(KeyboardInterrupt):
            scores(dying, variants, convention, tmp_path / "store")
    resumed = scores(model, variants, convention, tmp_path / "store")
    np.testing.assert_array_equal(resumed.scores, clean)
    fresh = Table()
    scores(fresh, variants, convention, tmp_path / "fresh")
    assert model.passes == fresh.passes - dying.passes
    again = Table()
    scores(again, variants, convention, tmp_path / "store")
    assert again.passes == 0


def test_another_model_wild_type_or_convention_is_another_result(tmp_path):
    variants = library()
    for model, convention, wild in (
        (Table(), "mutant-marginal", WILD),
        (Table(seed=1), "mutant-marginal", WILD),
        (Table(), "pseudo-likelihood", WILD),
        (Table(), "mutant-marginal", mutated(*((at, "C") for at in range(4)))),  # not among the variants
    ):
        scores(model, variants, convention, tmp_path, wild=wild)
        assert model.passes, "none of the others' entries"


def test_insertions_and_deletions_are_for_pseudo_likelihood_alone(tmp_path):
    model = Table()
    variants = [*library(count=5), WILD[:-1], WILD + "A"]
    found = scores(model, variants, "pseudo-likelihood", tmp_path)
    np.testing.assert_allclose(found.scores, [by_hand(model, "pseudo-likelihood", one) for one in variants], atol=1e-6)
    for convention in CONVENTIONS[:5]:
        with pytest.raises(InputError, match=r"toy: v5 has 9 bases, others 10: insertions and deletions can only be"):
            scores(model, variants, convention, tmp_path)


@pytest.mark.parametrize("convention", ["mutant-marginal", "pseudo-likelihood"])
def test_what_the_model_cannot_read_is_counted_with_its_reason(convention, tmp_path):
    variants = [*library(count=5), mutated((2, "A"), (6, "A")), mutated((0, "N"))]
    found = scores(Table(), variants, convention, tmp_path)
    assert [reason for reason in found.reasons if reason] == ["five A", "an N has no likelihood"]
    assert np.isnan(found.scores).tolist() == [bool(reason) for reason in found.reasons]


def test_a_model_without_letters_is_refused_with_the_reason(tmp_path):
    with pytest.raises(UnavailableError, match="viennarna gives no probabilities of letters: it has no language-model"):
        scores(models.load("viennarna"), library(), "masked-marginal", tmp_path)


def test_likelihoods_that_are_not_finite_fail_by_name(tmp_path):
    class Broken(Table):
        def predict_letters(self, rnas, masked):
            found = super().predict_letters(rnas, masked)
            found[-1][:] = float("nan")
            return found

    with pytest.raises(ValueError, match="likelihoods are not finite"):
        scores(Broken(), library(), "mutant-marginal", tmp_path)


def test_uniform_likelihoods_give_no_order(tmp_path):
    """Rounding left in by a head that says nothing would pass for knowledge."""

    class Uniform(Table):
        def say(self, sequence, masked):
            noise = 1e-7 * np.random.default_rng(len(masked)).normal(size=(len(sequence), 4))
            return np.log(0.25) + noise

    found = scores(Uniform(), library(), "masked-marginal", tmp_path)
    assert found.certainty < 1e-6
    assert set(found.scores) == {0.0}


def test_planted_pairs_are_ranked_without_a_mistake(tmp_path):
    """The toy expects the complement of a planted partner: each broken pair costs the same."""
    wild = "GGGGCAAAAGCCCC"
    toy = Planted(models.spec("planted"), PlantedConfig(answer="stems"))
    paired = {at for pair in toy.answer(Rna(id="w", sequence=wild)) for at in pair}
    rng = np.random.default_rng(1)
    variants = {
        mutated(*[(int(at), rng.choice([x for x in LETTERS if x != wild[at]])) for at in sites], sequence=wild)
        for sites in (rng.choice(len(wild), rng.integers(1, 5), replace=False) for _ in range(50))
    }
    broken = np.array([-sum(one[at] != wild[at] for at in paired) for one in variants])
    found = scores(toy, list(variants), "masked-marginal", tmp_path, wild=wild)
    assert spearman(found.scores.round(6), broken.astype(float)) == pytest.approx(1)
    np.testing.assert_allclose(found.scores, broken * np.log(0.85 / 0.05), atol=1e-5)


@pytest.mark.parametrize("name", ["lm-nano", "msm-nano"])
def test_the_shipped_models_batched_equal_masking_by_hand(name, tmp_path):
    model, variants = models.load(name), library(count=12)
    for convention in CONVENTIONS:

        class Alone:
            def say(self, sequence, masked):
                return model.predict_letters([Rna(id="x", sequence=sequence)], [masked])[0].double().numpy()

        expected = [by_hand(Alone(), convention, one) for one in variants]
        found = scores(model, variants, convention, tmp_path)
        np.testing.assert_allclose(found.scores, expected, atol=2e-4)
    own = model.log_probabilities(Rna(id="x", sequence=WILD), [4])
    torch.testing.assert_close(model.predict_letters([Rna(id="x", sequence=WILD)], [[4]])[0][[4]], own)


def test_homologs_stand_below_the_variant_that_is_read(tmp_path):
    """In the mutant's context its own letter, not the wild type's, is row 0."""
    rows = (WILD, "GGCAAAUGCC", "GAGAAAUCUC", "GGGAACUCCC")
    alignment = Alignment(names=tuple("abcd"), rows=rows)
    model, variants = models.load("msm-nano"), library(count=6)
    request = Request(assay=assay(variants, range(6)), convention="mutant-marginal", alignment=alignment)
    found = model_scores(model, request, Store(tmp_path), silence)
    alone = scores(model, variants, "mutant-marginal", tmp_path)
    assert np.abs(found.scores - alone.scores).max() > 1e-3, "homologs say something"
    for variant, score in zip(variants, found.scores, strict=True):
        rna = Rna(id="x", sequence=variant, alignment=Alignment(names=tuple("abcd"), rows=(variant, *rows[1:])))
        expected = 0.0
        for at in range(len(WILD)):
            if variant[at] != WILD[at]:
                said = model.log_probabilities(rna, [at])[0]
                expected += float(said[LETTERS.index(variant[at])] - said[LETTERS.index(WILD[at])])
        assert score == pytest.approx(expected, abs=1e-4)
