"""Nucleotide Transformer v2: against transformers' ESM with its authors' gated units put in, and its file's keys."""

import json
from itertools import product

import pytest
import torch

from rnaexp.errors import InputError
from rnaexp.models import load
from rnaexp.models.nucleotide_transformer import ADAPTER, NucleotideTransformer, NucleotideTransformerConfig

SIZES = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40}
ESM = {"position_embedding_type": "rotary", "token_dropout": False, "emb_layer_norm_before": False}
SPECIAL = ["<unk>", "<pad>", "<mask>", "<cls>", "<eos>", "<bos>"]
WORDS = [*map("".join, product("ATCG", repeat=6))]


class Gated(torch.nn.Module):
    """What the hub's class puts in the place of ESM's first linear layer and its GELU."""

    def __init__(self, width, inner):
        super().__init__()
        self.dense = torch.nn.Linear(width, 2 * inner, bias=False)

    def forward(self, hidden):
        both = self.dense(hidden)
        first, second = both[..., : both.shape[-1] // 2], both[..., both.shape[-1] // 2 :]
        return first / (1 + (-first).exp()) * second


@pytest.fixture(scope="module")
def reference():
    """transformers' ESM, changed as the authors' code is changed, with weights that make attention sharp."""
    from transformers import EsmConfig, EsmForMaskedLM

    config = EsmConfig(
        vocab_size=4107,
        pad_token_id=1,
        mask_token_id=2,
        layer_norm_eps=1e-12,
        max_position_embeddings=66,
        tie_word_embeddings=False,
        initializer_range=0.25,
        attn_implementation="eager",
        **SIZES,
        **ESM,
    )
    torch.manual_seed(2)
    model = EsmForMaskedLM(config).eval()
    for layer in model.esm.encoder.layer:
        layer.intermediate = Gated(24, 40)
        layer.output.dense = torch.nn.Linear(40, 24, bias=False)
    return model


@pytest.fixture(scope="module")
def folder(reference, tmp_path_factory):
    """As the hub has it; the vocabulary in an order of its own."""
    path = tmp_path_factory.mktemp("nt")
    torch.save(reference.state_dict(), path / "pytorch_model.bin")
    told = {**SIZES, **ESM, "model_type": "esm", "vocab_size": 4107, "layer_norm_eps": 1e-12, "add_bias_fnn": False}
    (path / "config.json").write_text(json.dumps({**told, "tie_word_embeddings": False}))
    (path / "vocab.txt").write_text("\n".join([*SPECIAL, *reversed(WORDS), *"NGCTA"]))
    return path


@pytest.fixture(scope="module")
def encoder(folder):
    return load("nt-v2-100m", weights=folder, device="cpu")


def test_attention_and_embedding_equal_esm_with_gated_units(encoder, reference, read_all, make_rna):
    rna = make_rna(41)  # six 6-mers and five letters
    encoding = encoder.tokens.encode(rna)
    assert len(encoding.ids) == 1 + 6 + 5
    with torch.inference_mode():
        out = reference.esm(torch.tensor([encoding.ids]), output_attentions=True)
    word = [at for at, span in enumerate(encoding.spans) if span is not None for _ in range(*span)]
    expected = torch.stack([maps[0] for maps in out.attentions])[..., word, :][..., word]
    assert expected.std() > 1e-2
    torch.testing.assert_close(read_all(encoder, rna)[0], expected, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(encoder.embed([rna])[0], out.last_hidden_state[0, word], atol=1e-5, rtol=1e-5)


def test_ids_are_those_of_the_vocabulary_beside_the_weights(encoder, make_rna):
    rna = make_rna(6)
    word = rna.sequence.replace("U", "T")
    assert encoder.tokens.encode(rna).ids == (3, 6 + WORDS[::-1].index(word))


def test_the_network_holds_as_many_numbers_as_the_published_file_of_50m():
    """55,904,972 parameters, of which 2,050 positions and a contact head of 193 are read by nothing.

    Source: model card of kurtvalcorza/nucleotide-transformer-genomics-pipeline.
    """
    with torch.device("meta"):
        network = NucleotideTransformer(NucleotideTransformerConfig())
    held = sum(parameter.numel() for parameter in network.parameters())
    assert held + 2050 * 512 + 193 == 55_904_972


def test_without_its_vocabulary_the_folder_is_refused(folder, tmp_path):
    for name in ("pytorch_model.bin", "config.json"):
        (tmp_path / name).symlink_to(folder / name)
    with pytest.raises(InputError, match=r"no vocab\.txt next to the weights"):
        load("nt-v2-50m", weights=tmp_path, device="cpu")
    (tmp_path / "vocab.txt").write_text("\n".join([*SPECIAL, *WORDS[1:], *"ACGTN"]))
    with pytest.raises(InputError, match="lacks AAAAAA"):
        load("nt-v2-50m", weights=tmp_path, device="cpu")


@pytest.mark.parametrize(("setting", "value"), [("position_embedding_type", "absolute"), ("token_dropout", True)])
def test_a_file_that_asks_for_another_network_is_refused(setting, value, folder, tmp_path):
    for name in ("pytorch_model.bin", "vocab.txt"):
        (tmp_path / name).symlink_to(folder / name)
    told = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**told, setting: value}))
    with pytest.raises(InputError, match=f"{setting} = {value!r}; only .* is read"):
        load("nt-v2-50m", weights=tmp_path, device="cpu")


def test_every_key_of_the_file_is_read_or_named_as_unread():
    assert {"esm.embeddings.position_embeddings.weight", "esm.contact_head.regression.*"} <= set(ADAPTER.leftovers)
