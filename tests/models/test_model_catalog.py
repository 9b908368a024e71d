import importlib
import os
import shutil
from pathlib import Path

import pytest
import torch

from rnaexp.data.download import mirror_path
from rnaexp.errors import InputError, TooLongError, UnavailableError, UnsuitableError
from rnaexp.models import load, names, spec
from rnaexp.models.rnabert import LEFTOVERS
from rnaexp.rna import Rna


@pytest.mark.parametrize("name", names())
def test_each_entry_names_a_loader_that_exists(name):
    module, function = spec(name).loader.split(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_an_unknown_name_says_which_was_meant():
    with pytest.raises(InputError, match="no model 'rnabrt'; did you mean rnabert or"):
        load("rnabrt")
    with pytest.raises(InputError, match="did you mean rinalmo-micro or rinalmo-mega"):
        spec("rinalmo")
    with pytest.raises(InputError, match="no model 'zzz'; `rnaexp models list` shows all names"):
        spec("zzz")


@pytest.mark.parametrize("name", ["hf:nobody", "hf:org/name@main", "hf:../x/y"])
def test_a_hub_name_must_be_whole_and_its_revision_a_commit(name):
    with pytest.raises(InputError, match="hf:org/name@revision"):
        spec(name)


def test_a_hub_name_carries_its_revision():
    entry = spec("hf:org/name@" + "a1" * 20)
    assert (entry.source, entry.revision) == ("hf:org/name", "a1" * 20)


def test_a_model_that_cannot_be_had_says_why_and_what_to_do():
    with pytest.raises(UnavailableError, match=r"protrna: published for TensorFlow only .* rnaexp score --maps"):
        load("protrna")


def test_weights_that_are_not_there_are_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.pth: no such file"):
        load("rnabert", weights=tmp_path / "gone.pth")
    with pytest.raises(InputError, match=r"no weights here; expected bert_mul_2\.pth"):
        load("rnabert", weights=tmp_path)


def test_a_baseline_has_no_untrained_twin():
    with pytest.raises(InputError, match="no untrained control"):
        spec("untrained:viennarna")


@pytest.fixture(scope="module")
def untrained():
    return load("untrained:rnabert", device="cpu", seed=7)


def test_an_untrained_model_has_the_published_sizes_and_says_what_it_is(untrained):
    assert (untrained.layers, untrained.heads, untrained.spec.width) == (6, 12, 120)
    assert untrained.spec.name == "untrained:rnabert"
    assert "untrained" in untrained.spec.title
    assert untrained.spec.sha256 is None


def test_random_weights_follow_the_seed_and_leave_the_global_one_alone(untrained):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    again, other = (load("untrained:rnabert", device="cpu", seed=seed) for seed in (7, 8))
    assert torch.equal(torch.rand(3), expected)
    assert again.fingerprint == untrained.fingerprint != other.fingerprint


def test_rnabert_reads_440_bases_and_not_one_more(untrained, make_rna):
    assert untrained.embed([make_rna(440)])[0].shape == (440, 120)
    with pytest.raises(TooLongError, match="rna: 441 bases; untrained:rnabert reads at most 440"):
        untrained.check(make_rna(441))


def test_rnabert_refuses_a_letter_its_authors_drop():
    with pytest.raises(UnsuitableError, match="odd: rnabert does not know 'N' at position 2"):
        load("untrained:rnabert", device="cpu").check(Rna(id="odd", sequence="ANC"))


def test_rnabert_in_the_transformers_layout_is_the_same_model(untrained, tmp_path, make_rna, read_all):
    untrained.network.save_pretrained(tmp_path)
    saved = load("rnabert", weights=tmp_path, device="cpu")
    assert torch.equal(read_all(saved, make_rna(30))[0], read_all(untrained, make_rna(30))[0])
    assert torch.equal(saved.logits(make_rna(30)), untrained.logits(make_rna(30)))


def test_rnabert_leaves_only_other_tasks_unused():
    assert LEFTOVERS == ("bert.pooler.dense.*", "cls.predictions_ss.*", "cls.seq_relationship.*")


@pytest.fixture(scope="module")
def published():
    if not os.environ.get("RNAEXP_MIRROR"):
        pytest.skip("RNAEXP_MIRROR is not set: the published weights are not here to load")
    return load("rnabert", device="cpu")


@pytest.mark.mirror
def test_the_published_rnabert_loads_whole(published):
    assert (published.layers, published.heads) == (6, 12)
    total = sum(parameter.numel() for parameter in published.network.parameters())
    # 509,896 in the file; the leftovers are the pooler, the structure head and the next-sentence head.
    left_out = (120 * 120 + 120) + (8 + 120 * 120 + 120 + 2 * 120 + 8 * 120) + (2 * 120 + 2)
    assert total - 6 == 509_896 - left_out  # transformers counts the decoder's bias twice


@pytest.mark.mirror
def test_the_published_rnabert_attends_to_what_it_is_given(published, make_rna, read_all):
    (maps,) = read_all(published, make_rna(60))
    assert maps.shape == (6, 12, 60, 60)
    torch.testing.assert_close(maps.sum(-1), torch.ones(6, 12, 60), atol=1e-5, rtol=0)
    assert maps.std() > 1e-3


@pytest.mark.mirror
@pytest.mark.fault
def test_a_flipped_byte_in_published_weights_is_refused(tmp_path, monkeypatch, published):
    entry = spec("rnabert")
    for url in (entry.source, entry.sources[0].beside[0].address):
        there = mirror_path(url, tmp_path)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(mirror_path(url, Path(os.environ["RNAEXP_MIRROR"])), there)
    monkeypatch.setenv("RNAEXP_MIRROR", str(tmp_path))
    assert load("rnabert", device="cpu").fingerprint == published.fingerprint
    weights = mirror_path(entry.source, tmp_path)
    data = bytearray(weights.read_bytes())
    data[1_000_000] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(UnavailableError, match=r"bert_mul_2\.pth: refused"):
        load("rnabert", device="cpu")
