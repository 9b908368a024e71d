"""Training that goes on with a model of somebody else, and a first head that is set by hand."""

import json

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from rnaexp.data.rfam import read_seed
from rnaexp.errors import InputError
from rnaexp.models import load
from rnaexp.models.kernel import shipped
from rnaexp.models.rnamsm import LETTERS
from rnaexp.pretrain.checkpoint import labels_seen
from rnaexp.pretrain.continued import Continued, network_of
from rnaexp.pretrain.families import training_families
from rnaexp.pretrain.fit import Limits, fit, new_network
from rnaexp.pretrain.initial_head import reach_in
from rnaexp.pretrain.recipe import recipe_of
from rnaexp.rna import Rna
from tests.command import inside
from tests.planted_sets import write_set
from tests.pretrain.seeds import recipe_file, seed_file

SINGLE = {"title": "on", "architecture": "sequence", "network": {}, "steps": 4}
CROPS = {"tokens": 128, "depths": [1], "depth_shares": [1.0], "lengths": [24]}


def bert_folder(path):
    """A checkpoint folder as a lab would have it: letters in vocab.txt."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    BertForMaskedLM(BertConfig(vocab_size=10, max_position_embeddings=66, **sizes)).save_pretrained(path)
    (path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"ACGUN"]) + "\n")
    return path


@pytest.fixture(params=["bert", "rna-fm"])
def encoder(request, tmp_path):
    """One with tokens before and after, from a folder, and an authors' adapter."""
    if request.param == "bert":
        return load(str(bert_folder(tmp_path / "bert")), device="cpu")
    return load("untrained:rna-fm", config=tiny_rna_fm(), device="cpu")


def tiny_rna_fm():
    return {"num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}


def test_its_states_and_letters_are_those_of_the_network_row_by_row(encoder):
    network = network_of(encoder, recipe_of(SINGLE | {"crops": CROPS}))
    assert isinstance(network, Continued)
    rows = ["ACGUACGUACG", "GGAUC"]
    ids = torch.full((2, 1, 12), LETTERS.pad)
    for at, row in enumerate(rows):
        ids[at, 0, : len(row) + 1] = torch.tensor([LETTERS.first, *(LETTERS.letters["ACGU".index(x)] for x in row)])
    network.eval()
    with torch.no_grad():
        hidden = network.hidden_states(ids)
        logits = network.lm_head(hidden[0, 0, 1:])[:, list(LETTERS.letters[:4])]
    plain = network.at_rest()
    for at, row in enumerate(rows):
        rna = Rna(id=row, sequence=row)
        assert torch.allclose(hidden[at, 0, 1 : len(row) + 1], encoder.embed([rna])[0], atol=1e-5)
    own = torch.tensor([encoder.tokens.encode(Rna(id="x", sequence=rows[0])).ids])
    with torch.no_grad():
        whole = plain(input_ids=own).logits[0, len(encoder.tokens.before) :][: len(rows[0])]
    four = [encoder.tokens.ids[letter] for letter in "ACGU"]
    assert torch.allclose(logits, whole[:, four], atol=1e-5)
    hidden_ids = ids.clone()
    hidden_ids[0, 0, 3] = LETTERS.mask
    assert network.encoded(hidden_ids)[0][0, len(encoder.tokens.before) + 2] == encoder.tokens.mask


def test_it_learns_and_a_killed_training_of_it_ends_with_the_same_weights(tmp_path):
    families = training_families(read_seed(seed_file(tmp_path / "seed.sto", families=6)), ())
    recipe = recipe_of(SINGLE | {"crops": CROPS, "optimiser": {"rate": 0.01, "warmup": 1}})
    folder = bert_folder(tmp_path / "bert")

    def begun():
        return network_of(load(str(folder), device="cpu"), recipe)

    whole = fit(recipe, families, tmp_path / "whole", start=begun())
    half = recipe_of(SINGLE | {"crops": CROPS, "optimiser": {"rate": 0.01, "warmup": 1}, "steps": 4})

    class KilledError(RuntimeError):
        pass

    def probe(network, step):
        assert isinstance(network, Continued)
        if step == 2:
            raise KilledError
        return {}

    with pytest.raises(KilledError):
        fit(half, families, tmp_path / "cut", start=begun(), probe=probe, limits=Limits(save_every_seconds=0))
    resumed = fit(recipe, families, tmp_path / "cut", start=begun())
    one, other, fresh = (each.state_dict() for each in (whole.network, resumed.network, begun()))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not all(torch.equal(one[name], fresh[name]) for name in one)


def test_the_verb_goes_on_with_a_folder_and_writes_one_that_runs(tmp_path):
    bert_folder(tmp_path / "bert")
    seed_file(tmp_path / "seed.sto")
    for name, at in (("vl", 0), ("ts", 1)):
        write_set(tmp_path / f"{name}.dbn", at, 6, name)
    looks = {"steps": [0], "tuned_on": "vl.dbn", "tested_on": "ts.dbn"}
    recipe = recipe_file(tmp_path / "recipe.toml", steps=3, network={}, validation=looks, depths=[1], depth_shares=[1])
    recipe.write_text(recipe.read_text().replace('"msa"', '"sequence"'))
    words = ["--from", "bert", "--data", "seed.sto", "--out", "on", "--device", "cpu"]
    done = inside("pretrain", "recipe.toml", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "rnaexp run --model on" in done.stdout
    before, after = load(str(tmp_path / "bert"), device="cpu"), load(str(tmp_path / "on"), device="cpu")
    assert f"bert (sha256 {before.fingerprint})" in (tmp_path / "on" / "README.md").read_text()
    rna = Rna(id="x", sequence="ACGUACGUAC")
    assert not torch.equal(before.embed([rna])[0], after.embed([rna])[0])
    lines = [json.loads(line) for line in (tmp_path / "on" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "rnaexp/letters/loss" in line] == [0, 3]


def test_what_cannot_be_continued_is_refused(tmp_path):
    encoder = load(str(bert_folder(tmp_path / "bert")), device="cpu")
    with pytest.raises(InputError, match="sequence"):
        network_of(encoder, recipe_of(SINGLE | {"architecture": "msa"}))
    with pytest.raises(InputError, match="at most 64"):
        network_of(encoder, recipe_of(SINGLE | {"crops": CROPS | {"lengths": [80]}}))
    with pytest.raises(InputError, match="single letters"):
        network_of(load("stems", device="cpu"), recipe_of(SINGLE | {"crops": CROPS}))


WIDE = {
    "hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "local_width": 9,
    "row_positions": "none", "column_positions": "relative", "column_attention": False, "row_scores": "mean",
}  # fmt: skip


def test_the_initial_head_is_the_kernels_sum_over_the_stack_by_a_plain_loop():
    recipe = recipe_of({"title": "x", "architecture": "msa", "network": WIDE, "initial_head": "kernel-alignment"})
    network, kernel = new_network(recipe).eval(), shipped("kernel-alignment")
    rows = ["GGGCAAAAGCUC", "GGACAAAAGU-C", "GAGCAAGAGCUC"]
    tokens = [[None, *row] for row in rows]
    n, reach = len(rows[0]) + 1, reach_in(network, kernel)
    assert reach == 2
    worth = {"GC": 1.0, "AU": kernel.au, "GU": kernel.gu}

    def bond(row, i, j):
        if not (0 <= i < n and 0 <= j < n) or None in (one := (row[i], row[j])):
            return 0.0
        if "-" in one:
            return 0.0 if one == ("-", "-") else kernel.gap
        return worth.get("".join(sorted(one)), worth.get("".join(sorted(one, reverse=True)), kernel.mismatch))

    expected = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            total = [
                sum(kernel.decay ** abs(o) * bond(row, i + o, j - o) for o in range(-reach, reach + 1))
                for row in tokens
            ]
            expected[i, j] = (
                kernel.beta * np.mean(total) + (kernel.none if j == 0 else 0) - (30 if abs(i - j) < 4 else 0)
            )
    expected = np.exp(expected - expected.max(1, keepdims=True))
    expected /= expected.sum(1, keepdims=True)
    ids = torch.tensor([[LETTERS.first, *(LETTERS.letters["ACGUN-".index(x)] for x in row)] for row in rows])
    with torch.no_grad():
        found = network.row_attention_head(ids[None], 0, 0)[0].numpy()
    assert found == pytest.approx(expected, abs=1e-5)
    assert "kernel-alignment" in labels_seen(recipe)


def test_an_initial_head_needs_room():
    held = {"title": "x", "architecture": "msa", "network": WIDE}
    with pytest.raises(InputError, match="local_width"):
        new_network(recipe_of(held | {"network": WIDE | {"local_width": 0}, "initial_head": "kernel"}))
    with pytest.raises(ValueError, match="initial_head 'folding'"):
        recipe_of(held | {"initial_head": "folding"})
