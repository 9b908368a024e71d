"""Checkpoints of eighteen architectures by what lies in their folder; the oracle is transformers' own eager code."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.models.architectures import ARCHITECTURES, DECODERS, TOKENS, write_network, write_tokenizer, write_vocabulary
from tests.models.conftest import random_rna

from rnaexp.errors import InputError, ScoreError, TooLongError, UnavailableError
from rnaexp.models import load
from rnaexp.models.whole_maps import WholeMaps

ROOT = Path(__file__).parents[2]
WITHOUT_MAPS = ("longformer", "funnel", "mamba")
WHOLE = ("albert", "roformer", "deberta-v2", "big_bird", "t5-encoder")
WITHOUT_LETTERS = ("t5-encoder",)
RNAS = (random_rna(20, seed=4, name="long"), random_rna(13, seed=5, name="short"))


@pytest.fixture(scope="module", params=list(ARCHITECTURES))
def opened(request, tmp_path_factory):
    """The name, transformers' network, and the folder as it is read by vocab.txt alone."""
    folder = tmp_path_factory.mktemp(request.param)
    network = write_network(folder, request.param)
    network.set_attn_implementation("eager")
    write_vocabulary(folder)
    return request.param, network, load(str(folder), device="cpu"), folder


def fed(name, rna):
    """The ids, by hand: [CLS], letters, and for an encoder [SEP]."""
    ids = [TOKENS.index("[CLS]"), *(TOKENS.index(letter) for letter in rna.sequence)]
    return torch.tensor([ids if name in DECODERS else [*ids, TOKENS.index("[SEP]")]])


@torch.inference_mode()
def test_maps_embeddings_and_letters_are_those_of_transformers(opened, read_all):
    name, network, encoder, _ = opened
    rna, inside = RNAS[0], slice(1, 1 + len(RNAS[0]))
    ids = fed(name, rna)
    hidden = network.base_model(ids).last_hidden_state[0, inside]
    assert hidden.std(0).min() > 1e-3, "an embedding that differs from base to base"
    assert (encoder.embed([rna])[0] - hidden).abs().max() < 1e-4
    if name in WITHOUT_MAPS:
        with pytest.raises(UnavailableError, match="no attention map of pairs to read"):
            encoder.read_attention([rna], lambda *_: None)
        assert not encoder.spec.has_attention
    else:
        maps = torch.stack([layer[0, :, inside, inside] for layer in network(ids, output_attentions=True).attentions])
        (ours,) = read_all(encoder, rna)
        assert ours.std() > 1e-3
        assert (ours - maps).abs().max() < 1e-5
        assert (encoder.read_head(rna, 2, 1) - maps[2, 1]).abs().max() < 1e-5
        with pytest.raises(ValueError, match=r"no 3\.0"):
            encoder.read_head(rna, 3, 0)
    if name in WITHOUT_LETTERS:
        with pytest.raises(UnavailableError, match="no masked-LM head"):
            encoder.predict_letters([rna], [()])
        return
    before = slice(0, len(rna)) if name in DECODERS else inside
    letters = [TOKENS.index(letter) for letter in "ACGU"]
    told = torch.log_softmax(network(ids).logits[0, before][:, letters], -1)
    assert (encoder.predict_letters([rna], [()])[0] - told).abs().max() < 1e-4


def test_a_batch_is_its_rnas_alone(opened, read_all):
    name, _, encoder, _ = opened
    for both, rna in zip(encoder.embed(RNAS), RNAS, strict=True):
        assert (both - encoder.embed([rna])[0]).abs().max() < 1e-4
    if name not in WITHOUT_LETTERS:
        hidden = [(), ()] if name in DECODERS else [(3,), (5, 6)]
        for both, rna, bases in zip(encoder.predict_letters(RNAS, hidden), RNAS, hidden, strict=True):
            assert (both - encoder.predict_letters([rna], [bases])[0]).abs().max() < 1e-4
    if name not in WITHOUT_MAPS:
        for both, rna in zip(read_all(encoder, *RNAS), RNAS, strict=True):
            assert (both - read_all(encoder, rna)[0]).abs().max() < 1e-5


def test_a_tokenizer_says_the_same_and_a_folder_without_one_is_refused(opened):
    name, _, encoder, folder = opened
    said = encoder.tokens.encode(RNAS[0]).ids
    assert torch.equal(torch.tensor([said]), fed(name, RNAS[0]))
    (folder / "vocab.txt").unlink()
    with pytest.raises(InputError, match=r"no vocab.txt and no tokenizer.json here, so nothing says which token"):
        load(str(folder), device="cpu")
    write_tokenizer(folder, name)
    again = load(str(folder), device="cpu")
    assert again.tokens.encode(RNAS[0]).ids == said
    assert torch.equal(again.embed(RNAS[:1])[0], encoder.embed(RNAS[:1])[0])


def test_a_random_twin_of_each_is_read_too(opened):
    name, _, encoder, folder = opened
    twin = load(f"untrained:{folder}", device="cpu", seed=1)
    assert type(twin) is type(encoder)
    assert (twin.embed(RNAS[:1])[0] - encoder.embed(RNAS[:1])[0]).abs().max() > 1e-2
    assert twin.spec.has_attention == (name not in WITHOUT_MAPS)


def test_the_longest_rna_that_is_promised_is_read_and_one_more_base_is_refused(opened):
    _, _, encoder, _ = opened
    longest = encoder.longest
    rna = random_rna(longest or 200, seed=6)
    assert encoder.embed([rna])[0].isfinite().all()
    if longest is not None:
        assert longest in (125, 126, 127)
        with pytest.raises(TooLongError):
            encoder.check(random_rna(longest + 1, seed=6))


@pytest.mark.parametrize("opened", WHOLE, indirect=True)
def test_maps_that_are_no_attention_are_never_handed_on(opened, monkeypatch):
    _, _, encoder, _ = opened
    assert isinstance(encoder, WholeMaps)
    given = encoder._maps
    for broken in (lambda maps: maps * 1.01, lambda maps: maps - 1e-2, lambda maps: maps * float("nan")):
        monkeypatch.setattr(encoder, "_maps", lambda group, broken=broken: [broken(maps) for maps in given(group)])
        with pytest.raises(ScoreError, match=r"long: rows of the maps of layer 0 do not sum to 1"):
            encoder.read_attention(RNAS[:1], lambda *_: None)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (TOKENS[:-3], "vocabulary lacks G, T"),
        (TOKENS[:5], "holds no token of A C G U or T"),
        ((*TOKENS[:-1], "AC"), "holds tokens of 1, 2 letters; only a tokenizer.json"),
        ((*TOKENS, "X"), "holds 11 tokens, but config.json says 10"),
        ((*TOKENS, "A"), "'A' stands there twice"),
    ],
)
def test_a_vocabulary_that_does_not_fit_is_refused(tmp_path, lines, said):
    write_network(tmp_path, "roberta")
    (tmp_path / "vocab.txt").write_text("\n".join(lines))
    with pytest.raises(InputError, match=f"vocab.txt: .*{said}|{said}"):
        load(str(tmp_path), device="cpu")


@pytest.mark.parametrize(("name", "tokenizer"), [("roformer", "RoFormerTokenizer"), ("esm", "EsmTokenizer")])
def test_a_tokenizer_that_needs_more_or_contradicts_the_vocabulary_gives_way_to_it(tmp_path, name, tokenizer):
    write_network(tmp_path, name)
    write_vocabulary(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(f'{{"tokenizer_class": "{tokenizer}"}}')
    assert load(str(tmp_path), device="cpu").tokens.encode(RNAS[0]).ids == tuple(fed(name, RNAS[0])[0].tolist())


def test_the_table_in_the_documentation_is_what_is_read():
    made = subprocess.run(
        [sys.executable, "tracking/architectures_table.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert made in (ROOT / "docs" / "checkpoints.md").read_text()
    assert "fault of rnaexp" not in made
