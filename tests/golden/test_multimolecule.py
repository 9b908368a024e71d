"""multimolecule on the same weights, through its own converters: authors, it and ours agree, or the difference is told.

Checkpoints in its own layout: `test_multimolecule_layouts.py`.
"""

import pytest
from tests.golden import beside
from tests.golden.beside import THREE, difference

from rnaexp.models import spec

TOLERANCE = 1e-5
# Letter logits on which it differs from the authors, and by how much; attention and embeddings agree everywhere.
WRONG_LETTERS = {"rnabert": (1.0, 1.5), "utr-lm-mrl": (1e-4, 2e-4)}


def assert_equal(found, name):
    for what, (ours, theirs) in found.items():
        assert theirs.std() > 1e-3, what
        assert difference(ours, theirs) < TOLERANCE, what
    assert spec(name).proof_state == "equal to multimolecule"


@pytest.mark.golden
@pytest.mark.parametrize("name", THREE)
def test_the_authors_multimolecule_and_ours_agree(name, golden, load_golden):
    made = golden(THREE[name][0])
    encoder = load_golden(name, made)
    for which in ("short", "long"):
        authors, ours = beside.all_three(name, made, encoder, which)
        for pair in (authors["attention"], authors["embedding"], ours["attention"], ours["embedding"]):
            assert difference(*pair) < TOLERANCE
        least, most = WRONG_LETTERS.get(name, (0.0, TOLERANCE))
        for letters in (authors["logits"], ours["logits"]):
            assert least <= difference(*letters) < most


@pytest.mark.parametrize(("kind", "name", "k"), beside.KMERS)
def test_kmer_models_equal_multimolecule(kind, name, k, tmp_path):
    assert_equal(beside.kmers(kind, name, k, tmp_path), name)


def test_rnaernie_equals_multimolecule(tmp_path):
    assert_equal(beside.rnaernie(tmp_path), "rnaernie")


def test_dnabert_2_equals_multimolecule(tmp_path):
    assert_equal(beside.dnabert_2(tmp_path), "dnabert-2")


def test_calm_equals_multimolecule(tmp_path):
    assert_equal(beside.calm(tmp_path), "calm")


def test_hyenadna_equals_multimolecule(tmp_path):
    assert_equal(beside.convolutions(tmp_path), "hyenadna-tiny")
