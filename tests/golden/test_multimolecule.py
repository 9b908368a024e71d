"""multimolecule on the same weights, through its own converters: authors, it and ours agree, or the difference is told.

multimolecule is an extra (AGPL-3.0): `pip install -e '.[multimolecule]'`; without it these tests are skipped.
"""

import importlib.util

import pytest
import torch
from tests.golden import beside
from tests.golden.beside import RNA, SIZES, THREE, converter, difference, outputs, vocabulary

from rnaexp.errors import UnavailableError
from rnaexp.models import load, spec

# Installed or not is asked without importing it: that takes ten seconds.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("multimolecule") is None,
        reason="the extra multimolecule is not installed: pip install 'rnaexp[multimolecule]'",
    ),
]
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


# --- its own layout, through its own classes


@pytest.mark.parametrize("kind", ["rnafm", "rinalmo", "ernierna", "splicebert", "rnabert"])
def test_a_checkpoint_in_its_layout_streams_like_its_own_eager_code(kind, tmp_path, maps_of):
    from multimolecule import RnaTokenizer
    from transformers import AutoModelForMaskedLM

    code = converter(kind)
    torch.manual_seed(3)
    config = code.Config(**SIZES, vocab_size=len(vocabulary()), initializer_range=0.3)
    config._attn_implementation = "eager"
    model = AutoModelForMaskedLM.from_config(config).eval()
    model.save_pretrained(tmp_path)
    RnaTokenizer().save_pretrained(tmp_path)
    encoder = load(str(tmp_path), device="cpu")
    ids = list(encoder.tokens.encode(RNA).ids)
    inner = slice(len(encoder.tokens.before), len(ids) - len(encoder.tokens.after))
    maps, embedding, logits = outputs(model, ids, inner)
    assert difference(maps_of(encoder, RNA), maps) < TOLERANCE
    assert difference(encoder.read_head(RNA, 1, 2), maps[1, 2]) < TOLERANCE
    assert difference(encoder.embed([RNA])[0], embedding) < TOLERANCE
    if kind == "rnabert":
        with pytest.raises(UnavailableError, match="no masked-LM head"):
            encoder.logits(RNA)
    else:
        assert difference(encoder.logits(RNA), logits) < TOLERANCE
