"""ESM-2 against its authors' code, on proteins, and as a reader of RNA letters."""

import pytest
import torch

from rnaexp.models.spread import Spread
from rnaexp.models.streaming import EveryHead
from rnaexp.rna import Protein, Rna

pytestmark = pytest.mark.golden


@pytest.fixture(scope="module")
def made(golden):
    return golden("esm2")


@pytest.fixture(scope="module")
def encoder(made, load_golden):
    return load_golden("esm2-8m", made)


@pytest.mark.parametrize("which", ["short", "long"])
def test_attention_embedding_and_logits_equal_the_authors(made, encoder, which):
    ids, maps = made.array(f"ids_{which}").reshape(1, -1), []
    inner = Spread(slice(1, -1), None)
    reading = EveryHead(encoder._layer_of, [inner], [ids.shape[1]], lambda _r, _l, layer: maps.append(layer.clone()))
    with torch.inference_mode():
        hidden = encoder._body()(ids, reading=reading).last_hidden_state[0, 1:-1]
        logits = encoder.network(ids).logits[0, 1:-1]
    torch.testing.assert_close(torch.stack(maps), made.array(f"attn_{which}"), atol=1e-5, rtol=0)
    torch.testing.assert_close(hidden, made.array(f"emb_{which}"), atol=1e-5, rtol=0)
    torch.testing.assert_close(logits, made.array(f"logits_{which}"), atol=1e-5, rtol=0)


@pytest.mark.parametrize("which", ["short", "long"])
def test_a_protein_is_read_by_the_way_of_every_run_as_the_authors_read_it(made, encoder, which):
    protein = Protein(id=which, sequence=made.facts["inputs"][which])
    assert list(encoder.tokens.encode(protein).ids) == made.array(f"ids_{which}").flatten().tolist()
    maps = []
    encoder.read_attention([protein], lambda _rna, _layer, layer: maps.append(layer.clone()))
    torch.testing.assert_close(torch.stack(maps), made.array(f"attn_{which}"), atol=1e-5, rtol=0)


def test_rna_letters_are_read_as_the_amino_acids_of_that_name(made, encoder):
    vocabulary = made.facts["tokenizer"]["vocab"]
    encoding = encoder.tokens.encode(Rna(id="rna", sequence="ACGUN"))
    assert [vocabulary[token] for token in encoding.ids] == ["<cls>", "A", "C", "G", "U", "N", "<eos>"]


def test_sizes_stand_in_the_file_itself(made):
    from rnaexp.models import load

    found = load("esm2-8m", weights=made.weights, device="cpu")
    assert (found.layers, found.heads, found.spec.width) == (3, 4, 48)
