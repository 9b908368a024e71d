"""The generic loader on BERT folders of published models, against the outputs stored for them."""

import pytest
import torch

from rnaexp.errors import UnsuitableError
from rnaexp.models import load
from rnaexp.models.spread import Spread, to_bases
from rnaexp.rna import Rna

pytestmark = pytest.mark.golden


@pytest.fixture(scope="module", params=["splicebert", "dnabert", "utrbert"])
def made(request, golden):
    return golden(request.param)


@pytest.fixture(scope="module")
def single_base(golden):
    return golden("splicebert")


@pytest.fixture(scope="module")
def encoder(made):
    return load(str(made.weights), device="cpu")


def inputs(made, encoder):
    for name in ("short", "long"):
        rna = Rna(id=name, sequence=made.sequence(name))
        if "N" in rna.sequence and encoder.tokens.k > 1:
            with pytest.raises(UnsuitableError, match="does not know 'N' at position 50"):
                encoder.check(rna)
        else:
            yield name, rna


def whole(tokens_maps):
    """Maps of the inner tokens with a row and a column of zeros for each special token."""
    return torch.nn.functional.pad(tokens_maps, (1, 1, 1, 1))


def test_ids_attention_and_embedding_equal_the_stored(made, encoder, maps_of):
    for name, rna in inputs(made, encoder):
        encoding = encoder.tokens.encode(rna)
        assert list(encoding.ids) == made.array(f"ids_{name}").tolist()
        expected = to_bases(whole(made.array(f"attn_{name}")), encoding)
        torch.testing.assert_close(maps_of(encoder, rna), expected, atol=1e-5, rtol=0)
        rows = torch.nn.functional.pad(made.array(f"emb_{name}"), (0, 0, 1, 1))
        torch.testing.assert_close(encoder.embed([rna])[0], Spread.of(encoding).rows(rows), atol=1e-5, rtol=0)


def test_logits_equal_the_stored_where_a_token_is_a_base(single_base):
    encoder = load(str(single_base.weights), device="cpu")
    for name, rna in inputs(single_base, encoder):
        torch.testing.assert_close(encoder.logits(rna), single_base.array(f"logits_{name}"), atol=1e-5, rtol=0)


@pytest.mark.fault
def test_a_strip_off_by_one_would_be_seen(single_base, maps_of, monkeypatch):
    encoder, honest = load(str(single_base.weights), device="cpu"), Spread.of
    monkeypatch.setattr(Spread, "of", lambda encoding, *_: Spread(slice(0, encoding.bases), honest(encoding).shares))
    rna = Rna(id="short", sequence=single_base.sequence("short"))
    assert (maps_of(encoder, rna) - single_base.array("attn_short")).abs().max() > 1e-4
