"""The generic loader: which checkpoints it opens, and which it refuses and why."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from rnaexp.data.download import file_sha256
from rnaexp.errors import InputError, TooLongError, UnavailableError, UnsuitableError
from rnaexp.models import load
from rnaexp.rna import Rna


@pytest.fixture
def copied(tmp_path):
    def copy(folder):
        return shutil.copytree(folder, tmp_path / "model")

    return copy


def change_keys(folder, change):
    state = load_file(folder / "model.safetensors")
    change(state)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


def rename(old, new):
    def change(state):
        state[new] = state.pop(old)

    return change


def test_a_folder_describes_itself(bert_folder, esm_folder):
    spec = load(str(bert_folder), device="cpu").spec
    assert (spec.layers, spec.heads, spec.width, spec.max_bases, spec.resolution) == (3, 4, 24, 64, "base")
    # ESM numbers positions from behind the padding id 1: 68 - 2 tokens, two of them special.
    assert load(str(esm_folder), device="cpu").spec.max_bases == 64


def test_the_last_base_that_fits_is_read_and_one_more_is_too_long(bert_folder, make_rna):
    encoder = load(str(bert_folder), device="cpu")
    assert encoder.embed([make_rna(64)])[0].shape == (64, 24)
    with pytest.raises(TooLongError, match=r"rna: 65 bases; .* reads at most 64"):
        encoder.check(make_rna(65))


def test_t_form_and_u_form_give_identical_output(bert_folder, dna_folder, make_rna, read_all):
    rna = make_rna(30)
    u_form, t_form = load(str(bert_folder), device="cpu"), load(str(dna_folder), device="cpu")
    assert torch.equal(read_all(u_form, rna)[0], read_all(t_form, rna)[0])
    assert torch.equal(u_form.embed([rna])[0], t_form.embed([rna])[0])


def test_n_is_read_where_the_model_has_it_and_refused_where_not(bert_folder, headless_folder):
    rna = Rna(id="odd", sequence="GGNCC")
    load(str(bert_folder), device="cpu").check(rna)
    with pytest.raises(UnsuitableError, match=r"odd: .* does not know 'N' at position 3"):
        load(str(headless_folder), device="cpu").check(rna)


def test_a_checkpoint_without_a_head_gives_attention_but_no_probabilities(headless_folder, make_rna, read_all):
    encoder = load(str(headless_folder), device="cpu")
    assert read_all(encoder, make_rna(9))[0].shape == (3, 4, 9, 9)
    with pytest.raises(UnavailableError, match="no masked-LM head"):
        encoder.log_probabilities(make_rna(9), [2])


@pytest.mark.parametrize("name", ["kmer", "bpe"])
def test_tokens_of_several_bases_are_spread_over_bases(name, request, make_rna, read_all):
    folder = request.getfixturevalue(f"{name}_folder")
    encoder, rna = load(str(folder), device="cpu"), make_rna(30)
    from transformers import AutoModelForMaskedLM

    eager = AutoModelForMaskedLM.from_pretrained(folder, attn_implementation="eager").eval()
    encoding = encoder.tokens.encode(rna)
    with torch.inference_mode():
        raw = torch.cat(eager(torch.tensor([encoding.ids]), output_attentions=True).attentions)
    covers = [[t for t, span in enumerate(encoding.spans) if span and span[0] <= i < span[1]] for i in range(30)]
    expected = torch.stack(
        [torch.stack([raw[:, :, si][..., sj].mean((-1, -2)) for sj in covers], -1) for si in covers], -2
    )
    torch.testing.assert_close(read_all(encoder, rna)[0], expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(encoder.read_head(rna, 2, 1), expected[2, 1], atol=1e-6, rtol=0)
    assert encoder.embed([rna])[0].shape == (30, 24)
    with pytest.raises(UnavailableError, match="not single bases"):
        encoder.log_probabilities(rna, [0])


def test_kmers_of_a_padded_batch_equal_batches_of_one(kmer_folder, make_rna, read_all):
    encoder = load(str(kmer_folder), device="cpu")
    rnas = [make_rna(12), make_rna(40, seed=2)]
    for together, rna in zip(read_all(encoder, *rnas), rnas, strict=True):
        torch.testing.assert_close(together, read_all(encoder, rna)[0], atol=1e-6, rtol=0)


def test_joined_tokens_know_their_true_spans(bpe_folder):
    tokens = load(str(bpe_folder), device="cpu").tokens
    encoding = tokens.encode(Rna(id="r", sequence="UACGGGC"))
    assert encoding.spans == (None, (0, 1), (1, 3), (3, 6), (6, 7), None)
    with pytest.raises(UnsuitableError, match=r"r: .* does not know 'N' at position 2"):
        tokens.encode(Rna(id="r", sequence="UNCG"))


@pytest.mark.fault
@pytest.mark.parametrize(
    "change",
    [
        rename("bert.encoder.layer.1.attention.self.key.weight", "bert.encoder.layer.1.attention.self.kay.weight"),
        lambda state: state.pop("bert.encoder.layer.1.attention.self.key.weight"),
    ],
)
def test_a_renamed_or_missing_key_is_refused_and_named(bert_folder, copied, change):
    folder = copied(bert_folder)
    change_keys(folder, change)
    with pytest.raises(InputError, match=r"missing: bert\.encoder\.layer\.1\.attention\.self\.key\.weight"):
        load(str(folder), device="cpu")


@pytest.mark.fault
@pytest.mark.parametrize(
    "change",
    [
        rename("cls.predictions.transform.dense.weight", "cls.predictions.transform.dance.weight"),
        lambda state: state.pop("cls.predictions.transform.dense.weight"),
    ],
)
def test_a_damaged_head_is_not_taken_for_an_absent_one(bert_folder, copied, change):
    folder = copied(bert_folder)
    change_keys(folder, change)
    with pytest.raises(InputError, match=r"cls\.predictions\.transform\.dense\.weight"):
        load(str(folder), device="cpu")


@pytest.mark.fault
def test_a_leftover_key_that_nobody_named_is_refused(bert_folder, copied):
    folder = copied(bert_folder)
    change_keys(folder, lambda state: state.update({"bert.secret.weight": torch.ones(2)}))
    with pytest.raises(InputError, match=r"unexpected: bert\.secret\.weight"):
        load(str(folder), device="cpu")


def test_a_pooler_is_a_named_leftover(bert_folder, copied):
    folder = copied(bert_folder)
    change_keys(folder, lambda state: state.update({"bert.pooler.dense.weight": torch.ones(24, 24)}))
    load(str(folder), device="cpu")


@pytest.mark.fault
def test_a_malicious_pickle_in_a_folder_is_refused(bert_folder, copied, tmp_path):
    folder = copied(bert_folder)
    (folder / "model.safetensors").unlink()

    class Runs:
        def __reduce__(self):
            import os

            return os.mkdir, (str(tmp_path / "touched"),)

    torch.save({"bert.embeddings.word_embeddings.weight": Runs()}, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="cannot be loaded"):
        load(str(folder), device="cpu")
    assert not (tmp_path / "touched").exists()


@pytest.mark.fault
def test_a_flipped_byte_in_the_hubs_cache_is_refused(bert_folder, copied, tmp_path):
    """The cache keeps a file under its sha256 and links to it."""
    folder = copied(bert_folder)
    blob = tmp_path / file_sha256(folder / "model.safetensors")
    shutil.move(folder / "model.safetensors", blob)
    (folder / "model.safetensors").symlink_to(blob)
    load(str(folder), device="cpu")
    data = bytearray(blob.read_bytes())
    data[-1] ^= 1
    blob.write_bytes(bytes(data))
    with pytest.raises(InputError, match="altered or truncated"):
        load(str(folder), device="cpu")


def test_the_fingerprint_follows_weights_settings_and_tokenizer(bert_folder, copied):
    before = load(str(bert_folder), device="cpu").fingerprint
    folder = copied(bert_folder)
    assert load(str(folder), device="cpu").fingerprint == before
    assert load(str(folder), device="cpu", config={"layer_norm_eps": 1e-5}).fingerprint != before
    (folder / "vocab.txt").write_text((folder / "vocab.txt").read_text().replace("A\nC", "C\nA"))
    assert load(str(folder), device="cpu").fingerprint != before
    change_keys(
        copied_again := shutil.copytree(bert_folder, folder.parent / "two"),
        lambda state: state["bert.embeddings.LayerNorm.bias"].add_(1e-6),
    )
    assert load(str(copied_again), device="cpu").fingerprint != before


def test_code_from_a_checkpoint_is_never_run(bert_folder, copied):
    folder = copied(bert_folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "unheard-of", "auto_map": {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text("raise SystemExit('it ran')")
    with pytest.raises(UnavailableError, match="without running its code"):
        load(str(folder), device="cpu")


def test_a_bert_that_is_set_up_as_a_decoder_looks_only_backwards(bert_folder, make_rna, read_all):
    encoder = load(str(bert_folder), device="cpu", config={"is_decoder": True})
    (maps,) = read_all(encoder, make_rna(20))
    assert maps.triu(1).abs().max() == 0
    assert maps.tril(-1).std() > 1e-3
    with pytest.raises(UnavailableError, match="reads from left to right and hides no base"):
        encoder.predict_letters([make_rna(20)], [[3]])


def test_a_folder_without_a_checkpoint_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no config\.json"):
        load(str(tmp_path))


def test_an_untrained_twin_of_a_folder_has_its_sizes_and_other_weights(bert_folder, make_rna, read_all):
    twin, again = (load(f"untrained:{bert_folder}", device="cpu", seed=3) for _ in range(2))
    trained = load(str(bert_folder), device="cpu")
    assert twin.fingerprint == again.fingerprint != trained.fingerprint
    assert (twin.layers, twin.heads) == (trained.layers, trained.heads)
    assert not torch.allclose(read_all(twin, make_rna(9))[0], read_all(trained, make_rna(9))[0])


def test_a_file_counts_more_than_its_row_and_the_caller_more_than_both(tmp_path):
    """The row of AIDO.RNA 25M says LayerNorm; this file says RMSNorm, and has no biases of a LayerNorm."""
    from rnaexp.models.aido_rna import ADAPTER

    sizes = {"hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 3, "normalization_type": "RMSNorm"}
    network = ADAPTER.build({**sizes, "intermediate_size": 32}, seed=1)
    state = {ADAPTER.named(key): tensor for key, tensor in network.state_dict().items()}
    torch.save(state, tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text(json.dumps(sizes))
    assert load("aido-rna-25m", weights=tmp_path, device="cpu").spec.width == 24
    with pytest.raises(InputError, match=r"missing: bert\.encoder\.layer\.0\.attention\.ln\.bias"):
        load("aido-rna-25m", weights=tmp_path, config={"normalization_type": "LayerNorm"}, device="cpu")
