"""RNABERT against its authors' code on unpadded input. Tolerance 1e-5: the maps' own spread is about 2e-3."""

from dataclasses import replace

import pytest
import torch

from rnaexp.errors import InputError
from rnaexp.models.rnabert import VOCABULARY
from rnaexp.rna import Rna

pytestmark = pytest.mark.golden
INPUTS = ["short", "long"]


@pytest.fixture(scope="module")
def made(golden):
    return golden("rnabert")


@pytest.fixture(scope="module")
def encoder(made, load_golden):
    return load_golden("rnabert", made)


def rna(made, name):
    return Rna(id=name, sequence=made.sequence(name))


def difference(found, expected):
    assert found.shape == expected.shape
    return float((found - expected).abs().max())


@pytest.mark.parametrize("name", INPUTS)
def test_attention_equals_the_authors(made, encoder, maps_of, name):
    expected = made.array(f"attn_{name}_nopad")
    assert difference(maps_of(encoder, rna(made, name)), expected) < 1e-5
    assert difference(torch.stack(list(encoder.attention(rna(made, name)))), expected) < 1e-5
    assert difference(encoder.read_head(rna(made, name), 2, 3), expected[2, 3]) < 1e-5


@pytest.mark.parametrize("name", INPUTS)
def test_embedding_and_logits_equal_the_authors(made, encoder, name):
    assert difference(encoder.embed([rna(made, name)])[0], made.array(f"emb_{name}_nopad")) < 1e-5
    assert difference(encoder.logits(rna(made, name)), made.array(f"logits_{name}_nopad")) < 1e-5


def test_a_padded_batch_still_equals_the_unpadded_authors(made, encoder):
    rnas = [rna(made, name) for name in INPUTS]
    maps = [[], []]
    encoder.read_attention(rnas, lambda index, _layer, layer_maps: maps[index].append(layer_maps.clone()))
    for name, found, embedding in zip(INPUTS, maps, encoder.embed(rnas), strict=True):
        assert difference(torch.stack(found), made.array(f"attn_{name}_nopad")) < 1e-5
        assert difference(embedding, made.array(f"emb_{name}_nopad")) < 1e-5


def test_the_file_itself_will_do_for_the_folder(made, encoder, load_golden):
    again = load_golden("rnabert", replace(made, weights=made.weights / "bert_mul_2.pth"))
    assert again.fingerprint == encoder.fingerprint


@pytest.mark.fault
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bert.encoder.layer.1.attention.selfattn.key.weight", "bert.encoder.layer.1.attention.selfattn.kay.weight"),
        ("bert.embeddings.LayerNorm.gamma", "bert.embeddings.LayerNorm.gama"),
        ("cls.predictions.transform.dense.bias", "cls.predictions.transform.dance.bias"),
    ],
)
def test_a_renamed_key_is_refused_and_named(made, load_golden, tmp_path, old, new):
    state = torch.load(made.weights / "bert_mul_2.pth", weights_only=True)
    state[f"module.{new}"] = state.pop(f"module.{old}")
    torch.save(state, tmp_path / "bert_mul_2.pth")
    with pytest.raises(InputError, match=f"missing: {old}; unexpected: {new}"):
        load_golden("rnabert", replace(made, weights=tmp_path))


@pytest.mark.fault
def test_swapped_letters_would_be_seen(made, encoder, maps_of, monkeypatch):
    ids = dict(VOCABULARY.ids)
    monkeypatch.setattr(encoder, "tokens", replace(VOCABULARY, ids=ids | {"U": ids["C"], "C": ids["U"]}))
    assert difference(maps_of(encoder, rna(made, "short")), made.array("attn_short_nopad")) > 1e-4


@pytest.mark.fault
def test_a_strip_off_by_one_would_be_seen(made, encoder, maps_of):
    """Read behind one base too many and cut one base too late: every map is shifted by one."""
    shifted = Rna(id="shifted", sequence="A" + made.sequence("short"))
    found = maps_of(encoder, shifted)[:, :, :-1, :-1]
    assert difference(found, made.array("attn_short_nopad")) > 1e-4


@pytest.mark.fault
def test_padding_without_a_mask_would_be_seen(made):
    """The authors' own run, padded to 440, is another result."""
    assert difference(made.array("attn_short"), made.array("attn_short_nopad")) > 1e-3
