"""MP-RNA and OmniGenome: against transformers' ESM on the same weights, under another name and in another order."""

import json

import pytest
import torch

from rnaexp.errors import InputError
from rnaexp.models import load

SIZES = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40}
TOLD = {
    **SIZES,
    "model_type": "omnigenome",
    "emb_layer_norm_before": False,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-05,
    "mask_token_id": 11,
    "max_position_embeddings": 1026,
    "pad_token_id": 1,
    "position_embedding_type": "rotary",
    "token_dropout": True,
    "vocab_size": 12,
}
WORDS = ["<cls>", "<pad>", "<eos>", "<unk>", "N", "U", "G", "C", "A", "(", ")", "<mask>"]


@pytest.fixture(scope="module")
def reference():
    from transformers import EsmConfig, EsmForMaskedLM

    told = {key: value for key, value in TOLD.items() if key != "model_type"}
    torch.manual_seed(2)
    return EsmForMaskedLM(EsmConfig(**told, initializer_range=0.25, attn_implementation="eager")).eval()


def write(folder, reference, *, body="OmniGenome", **config):
    state = {key.replace("esm.", f"{body}.", 1): tensor for key, tensor in reference.state_dict().items()}
    torch.save(state, folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps({**TOLD, **config}))
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    return folder


@pytest.mark.parametrize("body", ["OmniGenome", "esm"])
def test_attention_embedding_and_letters_equal_esm(reference, tmp_path, body, read_all, make_rna):
    encoder = load("omnigenome-186m", weights=write(tmp_path, reference, body=body), device="cpu")
    rna = make_rna(41)
    ids = [WORDS.index(token) for token in ("<cls>", *rna.sequence, "<eos>")]
    assert list(encoder.tokens.encode(rna).ids) == ids
    with torch.inference_mode():
        out = reference(torch.tensor([ids]), output_attentions=True, output_hidden_states=True)
    expected = torch.cat(out.attentions)[..., 1:-1, 1:-1]
    assert expected.std() > 1e-2
    torch.testing.assert_close(read_all(encoder, rna)[0], expected, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(encoder.embed([rna])[0], out.hidden_states[-1][0, 1:-1], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(encoder.logits(rna), out.logits[0, 1:-1], atol=1e-5, rtol=1e-5)


def test_a_renamed_key_is_refused_under_both_its_names(reference, tmp_path):
    write(tmp_path, reference)
    state = torch.load(tmp_path / "pytorch_model.bin", weights_only=True)
    state["lm_head.dense.weight_"] = state.pop("lm_head.dense.weight")
    torch.save(state, tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"missing: lm_head\.dense\.weight; unexpected: lm_head\.dense\.weight_"):
        load("mp-rna", weights=tmp_path, device="cpu")


@pytest.mark.parametrize(
    ("setting", "value"), [("position_embedding_type", "absolute"), ("emb_layer_norm_before", True)]
)
def test_a_file_that_asks_for_another_network_is_refused(reference, tmp_path, setting, value):
    write(tmp_path, reference, **{setting: value})
    with pytest.raises(InputError, match=f"{setting} = {value!r}; only .* is read"):
        load("mp-rna", weights=tmp_path, device="cpu")


def test_without_its_vocabulary_the_folder_is_refused(reference, tmp_path):
    write(tmp_path, reference)
    (tmp_path / "vocab.txt").write_text("\n".join(word for word in WORDS if word not in ("G", "<eos>")))
    with pytest.raises(InputError, match="lacks <eos>, G"):
        load("mp-rna", weights=tmp_path, device="cpu")
    (tmp_path / "vocab.txt").unlink()
    with pytest.raises(InputError, match=r"no vocab\.txt next to the weights"):
        load("mp-rna", weights=tmp_path, device="cpu")
