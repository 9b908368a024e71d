"""The models that ship with the package."""

import json
import shutil

import pytest
import torch
from tests.pretrain.seeds import family_of

from rnaexp import models
from rnaexp.data.download import file_sha256
from rnaexp.data.rfam_split import side
from rnaexp.errors import InputError
from rnaexp.models.nano import SHIPPED
from rnaexp.pretrain.families import excluded_clans
from rnaexp.rna import Alignment, Rna

NAMES = ("nano", "msm-nano", "lm-nano")
LIMITS = {"nano": 1_000_000, "msm-nano": 3_000_000, "lm-nano": 4_000_000}
ROWS = ("GGGACUUCGGUCCC", "GAGACUUCGGUCUC", "GCGACUACGGUCGC", "GGCACUUCGGUGCC")


def aligned():
    return Rna(id="a", sequence=ROWS[0], alignment=Alignment(names=("a", "b", "c", "d"), rows=ROWS))


def maps_of(encoder, rna):
    return torch.stack(list(encoder.attention(rna)))


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_model_is_small_and_what_the_catalogue_says(name):
    weights = SHIPPED / name / "model.safetensors"
    assert file_sha256(weights) == models.spec(name).sha256
    assert weights.stat().st_size <= 4 * 2**20
    encoder = models.load(name)
    assert sum(p.numel() for p in encoder.parameters()) <= LIMITS[name]
    maps = maps_of(encoder, aligned())
    assert maps.shape == (encoder.layers, encoder.heads, 14, 14)
    assert torch.isfinite(maps).all()
    assert (maps >= 0).all()
    assert (maps.sum(-1) <= 1 + 1e-5).all()  # the special token's share was cut


@pytest.mark.parametrize("name", NAMES)
def test_one_flipped_byte_is_refused_by_name(name, tmp_path, monkeypatch):
    copy = tmp_path / name
    shutil.copytree(SHIPPED / name, copy)
    data = bytearray((copy / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (copy / "model.safetensors").write_bytes(data)
    monkeypatch.setattr("rnaexp.models.nano.SHIPPED", tmp_path)
    with pytest.raises(InputError, match="altered or truncated"):
        models.load(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_card_lists_what_was_never_trained_on(name, request):
    card = (SHIPPED / name / "README.md").read_text()
    excluded = excluded_clans(request.config.rootpath / "experiments" / "pretrain" / "excluded_rfam.tsv")
    assert len(excluded) > 50
    assert all(f"- {clan} " in card for clan in excluded)
    for word in ("tokens/s", "MFLOP", "steps ="):
        assert word in card


@pytest.mark.parametrize("name", NAMES)
def test_the_families_trained_on_are_of_the_training_side(name, request):
    families = (SHIPPED / name / "families.txt").read_text().split()
    assert len(families) > 2000
    # The clan is not in the list; a family whose own hash says otherwise must then belong to a clan.
    alone = [accession for accession in families if side(family_of(accession, ["A"])) == "train"]
    assert len(alone) > 0.8 * len(families)
    path = request.config.rootpath / "experiments" / "pretrain" / "excluded_rfam.tsv"
    excluded = {line.split("\t")[1] for line in path.read_text().splitlines() if line.startswith(("CL", "RF"))}
    assert not excluded & set(families)
    assert models.spec(name).trained_families == f"models/shipped/{name}/families.txt"


def test_the_sequence_model_reads_no_alignment():
    encoder = models.load("lm-nano")
    alone = Rna(id="a", sequence=ROWS[0])
    assert torch.equal(maps_of(encoder, aligned()), maps_of(encoder, alone))
    assert encoder.spec.reads == "sequence"


def test_the_alignment_model_reads_every_row():
    encoder = models.load("msm-nano")
    shallow = models.load("msm-nano", config={"max_rows": 2})
    alone, whole = Rna(id="a", sequence=ROWS[0]), aligned()
    assert not torch.allclose(maps_of(encoder, whole), maps_of(encoder, alone), atol=1e-3)
    assert not torch.allclose(maps_of(encoder, whole), maps_of(shallow, whole), atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_the_untrained_twin_is_the_same_network_with_other_weights(name):
    trained, twin = models.load(name), models.load(f"untrained:{name}", seed=1)
    shapes = [{key: value.shape for key, value in each.network.state_dict().items()} for each in (trained, twin)]
    assert shapes[0] == shapes[1]
    assert not torch.allclose(maps_of(trained, aligned()), maps_of(twin, aligned()), atol=1e-2)
    assert torch.equal(maps_of(twin, aligned()), maps_of(models.load(f"untrained:{name}", seed=1), aligned()))
    assert twin.spec.reads == trained.spec.reads


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_setting_is_refused(name):
    with pytest.raises(InputError, match="depth"):
        models.load(name, config={"depth": 3})


def test_a_folder_of_pretrain_is_a_model_by_its_own_word(tmp_path):
    shutil.copytree(SHIPPED / "lm-nano", tmp_path / "mine")
    encoder = models.load(str(tmp_path / "mine"))
    assert encoder.spec.reads == "sequence"
    assert torch.equal(maps_of(encoder, aligned()), maps_of(models.load("lm-nano"), aligned()))
    twin = models.load(f"untrained:{tmp_path / 'mine'}")
    assert twin.spec.reads == "sequence"


@pytest.mark.parametrize("name", NAMES)
def test_tokens_on_disk_are_those_of_the_encoder(name):
    held = json.loads((SHIPPED / name / "tokenizer.json").read_text())
    letters = models.load(name).letters
    assert [held[letter] for letter in "ACGUN-"] == list(letters.letters)
    assert (held["<cls>"], held["<pad>"], held["<mask>"]) == (letters.first, letters.pad, letters.mask)
