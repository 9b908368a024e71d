import argparse
import os

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from transformers import BertConfig, PreTrainedConfig

from rnaexp.data.download import file_sha256
from rnaexp.errors import InputError
from rnaexp.models import load, weights
from rnaexp.structure.shipped_heads import shipped_head


class _RunsOnOpening:
    """Pickled, this is a call that writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def flip_one_byte(path, at=-1):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.fault
@pytest.mark.parametrize("damage", [flip_one_byte, lambda path: path.write_bytes(path.read_bytes()[:-3])])
def test_altered_or_truncated_weights_are_refused_by_name(tmp_path, damage):
    path = tmp_path / "model.safetensors"
    save_file({"w": torch.rand(3)}, path)
    published = file_sha256(path)
    weights.verify(path, published)
    damage(path)
    with pytest.raises(InputError, match=r"model\.safetensors: altered or truncated"):
        weights.verify(path, published)


@pytest.mark.fault
def test_a_malicious_pickle_is_refused_and_not_run(tmp_path):
    path, touched = tmp_path / "evil.pth", tmp_path / "touched"
    torch.save({"w": torch.rand(2), "x": _RunsOnOpening(touched)}, path)
    with pytest.raises(InputError, match=r"evil\.pth: not a plain set of weights"):
        weights.read_checkpoint(path)
    assert not touched.exists()


def test_a_namespace_of_settings_is_data_and_opens(tmp_path):
    torch.save({"args": argparse.Namespace(layers=3), "model": {"w": torch.ones(2)}}, tmp_path / "a.pt")
    assert torch.equal(weights.read_state(tmp_path / "a.pt", inside="model")["w"], torch.ones(2))


@pytest.mark.parametrize("name", ["a.safetensors", "a.pth"])
def test_a_file_that_is_no_checkpoint_is_refused_by_name(tmp_path, name):
    (tmp_path / name).write_bytes(b"not weights at all")
    with pytest.raises(InputError, match=name):
        weights.read_checkpoint(tmp_path / name)


def test_a_checkpoint_without_tensors_is_refused(tmp_path):
    torch.save({"epoch": 3}, tmp_path / "a.pt")
    with pytest.raises(InputError, match="no tensors by name"):
        weights.read_state(tmp_path / "a.pt")


@pytest.mark.fault
@pytest.mark.parametrize(
    ("fault", "named"),
    [
        (lambda state: state.pop("weight"), "missing: weight"),
        (lambda state: state.update(extra=torch.ones(1)), "unexpected: extra"),
        (lambda state: state.update(bias=torch.ones(3)), r"wrong shape: bias \(3,\), expected \(2,\)"),
        (lambda state: state.update(wieght=state.pop("weight")), "missing: weight; unexpected: wieght"),
    ],
)
def test_each_key_that_does_not_fit_is_named(fault, named):
    module = nn.Linear(4, 2)
    state = dict(module.state_dict())
    fault(state)
    with pytest.raises(InputError, match=named):
        weights.load_strictly(module, state)


def test_only_named_leftovers_may_stay():
    module = nn.Linear(4, 2)
    state = {**nn.Linear(4, 2).state_dict(), "pooler.weight": torch.ones(1)}
    weights.load_strictly(module, state, allowed_leftovers=("pooler.*",))
    assert torch.equal(module.weight, state["weight"])
    with pytest.raises(InputError, match=r"pooler\.weight"):
        weights.load_strictly(module, state, allowed_leftovers=("pooled.*",))


def test_the_fingerprint_of_a_state_follows_every_number():
    state = {"a": torch.zeros(3), "b": torch.zeros(())}
    other = {"b": torch.zeros(()), "a": torch.tensor([0.0, 0.0, 1e-30])}
    assert weights.fingerprint_of_state(state) == weights.fingerprint_of_state(dict(reversed(state.items())))
    assert weights.fingerprint_of_state(state) != weights.fingerprint_of_state(other)


@pytest.mark.parametrize("name", ["lm-nano", "msm-nano"])
def test_another_release_of_transformers_leaves_the_fingerprint_that_a_shipped_head_was_tuned_on(name, monkeypatch):
    written = PreTrainedConfig.to_dict
    monkeypatch.setattr("transformers.configuration_utils.__version__", "9.9.9")
    monkeypatch.setattr(PreTrainedConfig, "to_dict", lambda self: written(self) | {"came_later": 7})
    assert load(name, device="cpu").fingerprint == shipped_head(name).tuned.weights


@pytest.mark.parametrize("changed", [{"hidden_dropout_prob": 0.2}, {"is_encoder_decoder": True}, {"of_the_users": 1}])
def test_settings_are_part_of_what_is_hashed(changed):
    assert weights.settings_text(BertConfig(**changed)) != weights.settings_text(BertConfig())
    assert weights.settings_text(BertConfig(**changed)) == weights.settings_text(BertConfig(**changed))
