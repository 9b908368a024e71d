"""Uni-RNA, RIBOSPAN, structRFM and RFamLlama: what each file says is read, what it cannot say is refused."""

import json
import shutil

import pytest
import torch
from tests.models.conftest import random_rna
from tests.models.families import write_ribospan, write_uni_rna
from tests.models.published_files import write_structrfm
from tests.models.test_decoders import write_decoder

from rnaexp.errors import InputError
from rnaexp.models import load


@pytest.fixture(scope="module")
def ribospan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ribospan")
    return write_ribospan(folder, layers=2, heads=3), folder


@pytest.fixture(scope="module")
def uni_rna(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uni-rna")
    return write_uni_rna(folder, layers=2, heads=3), folder


@torch.inference_mode()
def test_uni_rna_is_transformers_esm_on_the_letters_of_its_file(uni_rna, read_all):
    network, folder = uni_rna
    encoder = load("uni-rna", weights=folder, device="cpu")
    rna = random_rna(20)
    ids = torch.tensor([[3, *("...NXAUCG".index(letter) for letter in rna.sequence), 1]])
    network.set_attn_implementation("eager")
    out = network(ids, output_attentions=True, output_hidden_states=True)
    maps = torch.stack([layer[0][:, 1:-1, 1:-1] for layer in out.attentions])
    assert maps.std() > 1e-2
    assert (read_all(encoder, rna)[0] - maps).abs().max() < 1e-5
    assert (encoder.embed([rna])[0] - network.esm(ids).last_hidden_state[0, 1:-1]).abs().max() < 1e-4
    letters = [5, 7, 8, 6]
    assert (encoder.logits(rna)[:, letters] - out.logits[0, 1:-1][:, letters]).abs().max() < 1e-4


@torch.inference_mode()
def test_ribospan_feeds_its_own_letters_and_adds_its_bias(ribospan, read_all):
    network, folder = ribospan
    encoder = load("ribospan-1k-15", weights=folder, device="cpu")
    rna = random_rna(20)
    at = {"G": 7, "C": 8, "U": 9, "A": 10}
    assert encoder.tokens.encode(rna).ids == (2, *(at[letter] for letter in rna.sequence), 3)
    ids = torch.tensor([encoder.tokens.encode(rna).ids])
    assert (encoder.logits(rna) - network(ids).logits[0, 1:-1]).abs().max() < 1e-5
    assert (encoder.embed([rna])[0] - network(ids).last_hidden_state[0, 1:-1]).abs().max() < 1e-5
    with torch.no_grad():
        kept = network.head.bias.clone()
        network.head.bias.zero_()
        assert (encoder.logits(rna) - network(ids).logits[0, 1:-1]).abs().max() > 0.1, "the bias counts"
        network.head.bias.copy_(kept)


@pytest.mark.parametrize(
    ("key", "value"), [("rope_scaling", {"type": "yarn", "factor": 4.0}), ("normalization_type", "RMSNorm")]
)
def test_ribospan_with_what_is_not_read_is_refused(ribospan, tmp_path, key, value):
    shutil.copytree(ribospan[1], tmp_path / "f")
    held = json.loads((tmp_path / "f" / "config.json").read_text())
    (tmp_path / "f" / "config.json").write_text(json.dumps({**held, key: value}))
    with pytest.raises(InputError, match=f"{key} = .* only .* is read"):
        load("ribospan-1k-15", weights=tmp_path / "f", device="cpu")


@pytest.mark.fault
@pytest.mark.parametrize("name", ["ribospan-1k-15", "uni-rna"])
@pytest.mark.parametrize("fault", ["renamed", "swapped", "twice", "lacking", "gone"])
def test_what_the_files_got_wrong_never_loads_in_silence(ribospan, uni_rna, tmp_path, name, fault):
    folder = tmp_path / "f"
    shutil.copytree((ribospan if name == "ribospan-1k-15" else uni_rna)[1], folder)
    clean = load(name, weights=folder, device="cpu")
    path = folder / "vocab.txt"
    tokens = path.read_text().splitlines()
    if fault == "renamed":
        weights = next(each for each in folder.iterdir() if each.suffix in (".bin", ".safetensors"))
        from safetensors.torch import save_file

        from rnaexp.models.weights import read_state

        state = {key.replace("layer.0.attention", "layer.0.atention"): t for key, t in read_state(weights).items()}
        weights.unlink()
        save_file({key: t.clone() for key, t in state.items()}, folder / "model.safetensors")
        with pytest.raises(InputError, match=r"missing: .*unexpected: .*atention"):
            load(name, weights=folder, device="cpu")
        return
    if fault == "swapped":
        one, two = tokens.index("A"), tokens.index("G")
        tokens[one], tokens[two] = "G", "A"
        path.write_text("\n".join(tokens))
        other = load(name, weights=folder, device="cpu")
        assert other.fingerprint != clean.fingerprint
        assert (other.embed([random_rna(9)])[0] - clean.embed([random_rna(9)])[0]).abs().max() > 1e-3
        return
    told = {"twice": [*tokens, "A"], "lacking": [token for token in tokens if token not in ("[SEP]", "<eos>")]}
    path.unlink()
    if fault in told:
        path.write_text("\n".join(told[fault]))
    with pytest.raises(InputError, match=r"stands there twice|lacks the special token|no vocab\.txt here"):
        load(name, weights=folder, device="cpu")


def test_structrfm_stands_between_the_tokens_that_its_authors_write(tmp_path):
    write_structrfm(tmp_path)
    encoder = load("structrfm", weights=tmp_path, device="cpu")
    assert encoder.tokens.encode(random_rna(3)).ids[::4] == (1, 2)
    assert encoder.longest == 512
    bare = load(str(tmp_path), device="cpu")
    assert len(bare.tokens.encode(random_rna(3)).ids) == 3, "its tokenizer itself puts nothing round a sequence"


def test_rfamllama_reads_what_its_authors_write_without_a_family(tmp_path):
    write_decoder(tmp_path)
    encoder = load("rfamllama-base", weights=tmp_path, device="cpu")
    ids = encoder.tokens.encode(random_rna(3)).ids
    assert (ids[:2], ids[-2:], encoder.tokens.mask) == ((1, 3), (4, 2), None)
