"""The authors' outputs, and the checkpoint that gave them, rebuilt once per session."""

import importlib.util
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from rnaexp.models import load


@dataclass(frozen=True)
class Golden:
    """One fixture: the rebuilt checkpoint, what fixture.json says, and the arrays of expected.npz."""

    weights: Path
    facts: dict
    expected: dict

    def sequence(self, name):
        return self.facts["inputs"][name].replace("T", "U")

    def array(self, key):
        return torch.from_numpy(self.expected[key])


@pytest.fixture(scope="session")
def golden(tmp_path_factory):
    """`golden(name)`; skips where RNAEXP_GOLDEN does not name the folder of fixtures."""
    root = os.environ.get("RNAEXP_GOLDEN")

    def build(name):
        if not root:
            pytest.skip("RNAEXP_GOLDEN is not set: the authors' outputs are not here to compare with")
        source = Path(root) / name
        facts = json.loads((source / "fixture.json").read_text())
        out = tmp_path_factory.mktemp(name)
        _make_weights(Path(root) / "make_weights.py").save(facts, str(source), str(out))
        with np.load(source / "expected.npz") as arrays:
            return Golden(weights=out, facts=facts, expected=dict(arrays))

    return build


def _make_weights(path):
    spec = importlib.util.spec_from_file_location("make_weights", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def maps_of():
    """All maps of one RNA [l h n n]."""

    def read(encoder, rna):
        maps = []
        encoder.read_attention([rna], lambda _index, _layer, layer_maps: maps.append(layer_maps.clone()))
        return torch.stack(maps)

    return read


@pytest.fixture(scope="session")
def load_golden():
    """The catalogue's model on the rebuilt weights, its sizes from the fixture."""

    def load_it(name, made):
        return load(name, weights=made.weights, config=made.facts["config"], device="cpu")

    return load_it
