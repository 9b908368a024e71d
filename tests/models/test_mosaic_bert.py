"""DNABERT-2's class: its linear biases in a plain loop, and its way through the loader with a BPE tokenizer."""

import pytest
import torch
from tests.models.families import write_mosaic_bert

from rnaexp.errors import UnavailableError
from rnaexp.models import load
from rnaexp.models.adapter import Adapter
from rnaexp.models.mosaic_bert import ADAPTER, MosaicBert, linear_biases, slopes
from rnaexp.models.streaming import IMPLEMENTATION
from rnaexp.rna import Rna


def test_slopes_are_the_papers():
    """Press et al. 2022: 8 heads 1/2, 1/4 ... 1/256; otherwise every second of the next power of two's."""
    assert slopes(8) == [2.0**-at for at in range(1, 9)]
    assert slopes(12) == slopes(8) + [2.0 ** -(at + 0.5) for at in range(4)]


def test_biases_fall_by_the_slope_with_each_token():
    found = linear_biases(3, 5, torch.zeros(1))[0]
    for head, slope in enumerate(slopes(3)):
        for i in range(5):
            for j in range(5):
                assert found[head, i, j] == pytest.approx(-slope * abs(i - j))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("dnabert2")
    write_mosaic_bert(path, layers=3, heads=3)
    return path


@pytest.fixture(scope="module")
def encoder(folder):
    return load("dnabert-2", weights=folder, device="cpu")


def test_one_head_and_batches_agree_with_the_whole(encoder, read_all, make_rna):
    rnas = [make_rna(bases, seed=bases, name=f"rna{bases}") for bases in (12, 30, 21)]
    for rna, maps in zip(rnas, read_all(encoder, *rnas), strict=True):
        torch.testing.assert_close(maps, read_all(encoder, rna)[0], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(encoder.read_head(rna, 1, 2), maps[1, 2], atol=1e-6, rtol=1e-5)


def test_what_is_streamed_is_its_own_attention_with_the_biases(encoder, read_all, make_rna):
    rna = make_rna(20)
    ids = torch.tensor([encoder.tokens.encode(rna).ids])
    network: MosaicBert = encoder.network
    with torch.inference_mode():
        hidden = network.norm(network.embedding(ids) + network.kind.weight[0])
        first = network.layers[0].attention
        query, key = (part(hidden)[0].view(-1, 3, 8).transpose(0, 1) for part in (first.query, first.key))
        scores = torch.einsum("htd,hud->htu", query, key) / 8**0.5 + linear_biases(3, ids.shape[1], hidden)[0]
        expected = scores.exp() / scores.exp().sum(-1, keepdim=True)
    spans = [at for at, span in enumerate(encoder.tokens.encode(rna).spans) if span for _ in range(*span)]
    torch.testing.assert_close(read_all(encoder, rna)[0][0], expected[..., spans, :][..., spans], atol=1e-6, rtol=1e-5)


def test_of_a_file_the_tokenizer_is_the_one_beside_it_and_without_it_the_file_is_refused(folder, encoder, tmp_path):
    by_file = load("dnabert-2", weights=folder / "pytorch_model.bin", device="cpu")
    assert by_file.fingerprint == encoder.fingerprint
    for name in ("pytorch_model.bin", "config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(UnavailableError, match="its tokenizer does not say which bases"):
        load("dnabert-2", weights=tmp_path / "pytorch_model.bin", device="cpu")


def test_the_adapter_streams_through_the_interface():
    assert isinstance(ADAPTER, Adapter)
    assert ADAPTER.build({"hidden_size": 24, "num_attention_heads": 3}).config._attn_implementation == IMPLEMENTATION


def test_birna_bert_by_nucleotide_is_its_tokenizer_on_spaced_letters(folder):
    """As its README feeds it; with BPE the same RNA has fewer tokens."""
    from transformers import AutoTokenizer

    rna = Rna(id="x", sequence="GGGACUCCACGGAUGGACUU")
    spaced = AutoTokenizer.from_pretrained(folder)(" ".join(rna.sequence.replace("U", "T")))["input_ids"]
    by_letter, by_word = (load(name, weights=folder, device="cpu") for name in ("birna-bert-nuc", "birna-bert"))
    assert list(by_letter.tokens.encode(rna).ids) == spaced
    assert len(by_word.tokens.encode(rna).ids) < len(spaced)
    assert len(by_letter.embed([rna])[0]) == 20
