"""RNA-MSM against its authors' own code on deterministic weights."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rnaexp.errors import InputError
from rnaexp.models import load
from rnaexp.models.msa_encoder import MsaEncoder
from rnaexp.rna import Alignment, Rna

FOLDER = os.environ.get("RNAEXP_GOLDEN")
pytestmark = [
    pytest.mark.golden,
    pytest.mark.skipif(FOLDER is None, reason="RNAEXP_GOLDEN is not set: the authors' outputs are not at hand"),
]
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def fixture():
    return json.loads((Path(FOLDER) / "rnamsm" / "fixture.json").read_text())


@pytest.fixture(scope="module")
def expected():
    return np.load(Path(FOLDER) / "rnamsm" / "expected.npz")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    out = tmp_path_factory.mktemp("rnamsm")
    make = [sys.executable, Path(FOLDER) / "make_weights.py", Path(FOLDER) / "rnamsm", out]
    return Path(subprocess.run(make, check=True, capture_output=True, text=True).stdout.strip())


@pytest.fixture(scope="module")
def encoder(checkpoint, fixture):
    return load("rna-msm", weights=checkpoint, config=fixture["config"], device="cpu")


@pytest.fixture(params=["msa", "single"])
def case(request, fixture):
    """An RNA with its alignment, or alone, and the name its outputs are stored under."""
    rows = tuple(fixture["inputs"]["alignment"])
    alignment = Alignment(names=tuple(f"row {at}" for at in range(len(rows))), rows=rows)
    return Rna(id=request.param, sequence=rows[0], alignment=alignment if request.param == "msa" else None)


def attention(encoder, rna):
    return np.stack([maps.numpy() for maps in encoder.attention(rna)])


def difference(found, reference):
    return float(np.abs(np.asarray(found) - reference).max())


def test_tokens_are_the_authors(encoder, case, expected):
    assert np.array_equal(encoder.encode(case).numpy(), expected[f"ids_{case.id}"])


def test_attention_is_the_authors(encoder, case, expected):
    assert difference(attention(encoder, case), expected[f"attn_{case.id}"]) < TOLERANCE


def test_each_head_alone_is_the_authors(encoder, case, expected):
    heads = [[encoder.read_head(case, layer, head).numpy() for head in range(4)] for layer in range(3)]
    assert difference(heads, expected[f"attn_{case.id}"]) < TOLERANCE


def test_embedding_is_the_authors(encoder, case, expected):
    assert difference(encoder.embed([case])[0], expected[f"emb_{case.id}"]) < TOLERANCE


def test_logits_are_the_authors(encoder, case, expected):
    assert difference(encoder.logits(case), expected[f"logits_{case.id}"]) < TOLERANCE


def test_embeddings_of_all_rows_are_the_authors(encoder, case, expected):
    if case.id == "msa":
        with torch.no_grad():
            hidden = encoder.network(encoder.encode(case)[None]).last_hidden_state
        assert difference(hidden[0, :, 1:], expected["emb_all_rows"]) < TOLERANCE


def test_a_padded_batch_is_the_authors_too(encoder, case, expected):
    seen = {}
    rnas = [case, Rna(id="other", sequence="GGGAAACCC"), case]
    encoder.read_attention(rnas, lambda index, layer, maps: seen.update({(index, layer): maps.numpy().copy()}))
    for index in (0, 2):
        found = np.stack([seen[index, layer] for layer in range(3)])
        assert difference(found, expected[f"attn_{case.id}"]) < TOLERANCE


def test_a_renamed_key_is_refused_by_name(checkpoint, fixture, tmp_path):
    held = torch.load(checkpoint, weights_only=True)
    key = "layers.2.column_self_attention.layer.k_proj.bias"
    held["state_dict"]["layers.2.column_self_attention.layer.key.bias"] = held["state_dict"].pop(key)
    torch.save(held, tmp_path / checkpoint.name)
    with pytest.raises(InputError, match=key):
        load("rna-msm", weights=tmp_path, config=fixture["config"], device="cpu")


def test_a_strip_off_by_one_shows(encoder, case, expected, monkeypatch):
    monkeypatch.setattr(MsaEncoder, "_bases", lambda self, maps, tokens: maps[..., : tokens - 1, : tokens - 1])
    assert difference(attention(encoder, case), expected[f"attn_{case.id}"]) > 10 * TOLERANCE


def test_swapped_letters_show(encoder, case, expected, monkeypatch):
    a, c, g, u, n, gap = encoder.letters.letters
    for swapped in ((g, c, a, u, n, gap), (a, u, g, c, n, gap)):
        monkeypatch.setattr(encoder, "letters", replace(encoder.letters, letters=swapped))
        assert difference(attention(encoder, case), expected[f"attn_{case.id}"]) > 10 * TOLERANCE
        assert difference(encoder.embed([case])[0], expected[f"emb_{case.id}"]) > 10 * TOLERANCE
