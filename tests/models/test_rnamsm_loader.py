import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rnaexp.errors import InputError, TooLongError, UnavailableError
from rnaexp.models import rnamsm
from rnaexp.models.msa_encoder import MsaEncoder
from rnaexp.models.msa_transformer import MsaTransformer, MsaTransformerConfig
from rnaexp.models.rows import select_rows
from rnaexp.models.spec import ModelSpec
from rnaexp.rna import Alignment, Rna

SPEC = ModelSpec(
    name="rna-msm", title="RNA-MSM", group="diverse-ncrna", loader="rnaexp.models.rnamsm:load", unavailable="not seen"
)
SIZES = {"embed_dim": 16, "num_attention_heads": 2, "num_layers": 2, "max_seqlen": 32}
ROWS = ("GGGAAACUCGAUUGCA", "GGGA-ACUCGAUUGCA", "GCGAAACUCG--UGNA", "GGCAAACUAGAUUGCC")
ALIGNED = Rna(id="aligned", sequence=ROWS[0], alignment=Alignment(names=tuple("abcd"), rows=ROWS))
SHORT = Rna(id="short", sequence="GGNAAACC")


def load(weights=None, config=None, seed=None):
    return rnamsm.load(SPEC, weights=weights, config=SIZES if config is None else config, device="cpu", seed=seed)


@pytest.fixture(scope="module")
def encoder():
    return load(seed=0)


def published(folder: Path, state, name="RNA_MSM_pretrained.ckpt"):
    """A file in the authors' layout: a Lightning checkpoint, its contact head included."""
    head = {"contact_head.regression.weight": torch.zeros(1, 4), "contact_head.regression.bias": torch.zeros(1)}
    torch.save({"state_dict": {**state, **head}, "epoch": 3}, folder / name)
    return folder / name


@pytest.fixture
def state(encoder):
    return {key: value.clone() for key, value in encoder.network.state_dict().items()}


def test_a_published_checkpoint_loads_key_by_key_from_file_or_folder(tmp_path, encoder, state):
    path = published(tmp_path, state)
    for weights in (path, tmp_path):
        loaded = load(weights)
        assert torch.equal(loaded.read_head(ALIGNED, 1, 1), encoder.read_head(ALIGNED, 1, 1))
        assert loaded.fingerprint == encoder.fingerprint


@pytest.mark.parametrize(
    "key", ["layers.1.row_self_attention.layer.q_proj.weight", "lm_head.bias", "embed_tokens.weight"]
)
def test_a_renamed_key_is_refused_under_both_its_names(tmp_path, state, key):
    state[key + "_"] = state.pop(key)
    with pytest.raises(InputError, match=rf"missing: {key}; unexpected: {key}_"):
        load(published(tmp_path, state))


def test_sizes_that_do_not_fit_the_file_are_refused(tmp_path, state):
    with pytest.raises(InputError, match=r"wrong shape: emb_layer_norm_after.bias \(16,\), expected \(32,\)"):
        load(published(tmp_path, state), config=SIZES | {"embed_dim": 32})


def test_a_letter_table_that_is_two_tables_is_refused(tmp_path, state):
    state["lm_head.weight"][4, 0] += 1
    with pytest.raises(InputError, match="are one table"):
        load(published(tmp_path, state))


def test_a_checkpoint_that_runs_code_is_refused(tmp_path):
    class Malicious:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "touched",))

    torch.save({"state_dict": Malicious()}, tmp_path / "RNA_MSM_pretrained.ckpt")
    with pytest.raises(InputError, match="not opened"):
        load(tmp_path)
    assert not (tmp_path / "touched").exists()


def test_a_folder_of_ours_opens_too_and_its_own_sizes_hold(tmp_path, encoder):
    encoder.network.save_pretrained(tmp_path)
    loaded = load(tmp_path, config={})
    assert torch.equal(loaded.read_head(ALIGNED, 1, 1), encoder.read_head(ALIGNED, 1, 1))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(InputError, match="model_type 'bert'"):
        load(tmp_path)


def test_without_weights_or_with_unknown_settings_nothing_is_loaded():
    with pytest.raises(UnavailableError, match="not seen"):
        load()
    with pytest.raises(InputError, match="'embed_dims'"):
        load(config={"embed_dims": 3}, seed=0)
    with pytest.raises(ValueError, match="max_rows 0"):
        load(config=SIZES | {"max_rows": 0}, seed=0)


def test_random_weights_follow_their_seed():
    before = torch.random.get_rng_state()
    first, again, other = load(seed=1), load(seed=1), load(seed=2)
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert not torch.equal(first.read_head(SHORT, 0, 0), other.read_head(SHORT, 0, 0))
    assert torch.equal(before, torch.random.get_rng_state())


def test_sizes_of_the_published_model_hold_where_none_are_given():
    sizes = rnamsm._sizes({})
    assert (sizes.hidden_size, sizes.num_hidden_layers, sizes.num_attention_heads) == (768, 10, 12)
    assert (sizes.intermediate_size, sizes.max_position_embeddings, sizes.row_positions) == (3072, 1024, "scalar")


def test_every_letter_has_its_own_id_behind_the_special_token(encoder):
    rna = Rna(id="x", sequence="ACGUN", alignment=Alignment(names=("x", "y"), rows=("ACGUN", "-GC-A")))
    assert encoder.encode(rna).tolist() == [[0, 4, 6, 5, 7, 9], [0, 10, 5, 6, 10, 4]]


def test_maps_and_embeddings_are_the_networks_without_the_special_token(encoder):
    ids = encoder.encode(ALIGNED)[None]
    with torch.no_grad():
        raw = [maps.clone() for maps in encoder.network.row_attention(ids)]
        output = encoder.network(ids)
    for layer, maps in enumerate(encoder.attention(ALIGNED)):
        assert torch.equal(maps, raw[layer][0, :, 1:, 1:])
        for head in range(2):
            torch.testing.assert_close(encoder.read_head(ALIGNED, layer, head), maps[head])
    assert torch.equal(encoder.embed([ALIGNED])[0], output.last_hidden_state[0, 0, 1:])


@pytest.mark.parametrize("tokens", [2**16, 70, 1])
def test_a_batch_equals_its_rnas_one_by_one(encoder, monkeypatch, tokens):
    monkeypatch.setattr("rnaexp.models.msa_encoder.TOKENS_PER_BATCH", tokens)
    rnas, seen = [ALIGNED, SHORT, ALIGNED, SHORT], {}
    encoder.read_attention(rnas, lambda index, layer, maps: seen.update({(index, layer): maps.clone()}))
    assert len(seen) == 8
    for index, rna in enumerate(rnas):
        for layer, maps in enumerate(encoder.attention(rna)):
            torch.testing.assert_close(seen[index, layer], maps, atol=1e-6, rtol=1e-5)
    for one, rna in zip(encoder.embed(rnas), rnas, strict=True):
        torch.testing.assert_close(one, encoder.embed([rna])[0], atol=1e-5, rtol=1e-5)


def test_an_error_of_the_reader_ends_the_pass_and_comes_out_unchanged(encoder):
    class StopError(Exception):
        pass

    def stop(index, layer, maps):
        raise StopError

    with pytest.raises(StopError):
        encoder.read_attention([SHORT], stop)


def test_masked_bases_do_not_show_through(encoder):
    other = Rna(id="x", sequence="GGCAAACC")
    assert torch.equal(encoder.log_probabilities(SHORT, [2]), encoder.log_probabilities(other, [2]))
    assert not torch.equal(encoder.log_probabilities(SHORT, [3]), encoder.log_probabilities(other, [3]))
    torch.testing.assert_close(encoder.log_probabilities(SHORT, [2, 5]).exp().sum(1), torch.ones(2))
    with pytest.raises(ValueError, match=r"outside 0\.\.7"):
        encoder.log_probabilities(SHORT, [8])


def test_a_deep_alignment_is_read_through_its_chosen_rows():
    shallow, whole = load(config=SIZES | {"max_rows": 2}, seed=0), load(seed=0)
    chosen = select_rows(ALIGNED.alignment, 2)
    rows = tuple(ROWS[at] for at in chosen)
    cut = Rna(id="cut", sequence=ROWS[0], alignment=Alignment(names=("a", "b"), rows=rows))
    assert shallow.encode(ALIGNED).shape == (2, 17)
    assert torch.equal(shallow.read_head(ALIGNED, 1, 0), whole.read_head(cut, 1, 0))
    assert shallow.fingerprint != whole.fingerprint


@pytest.mark.fault
def test_one_base_too_many_is_refused_and_never_cut(encoder):
    encoder.check(Rna(id="fits", sequence="A" * 31))
    encoder.read_head(Rna(id="fits", sequence="A" * 31), 0, 0)
    for call in (encoder.check, encoder.encode):
        with pytest.raises(TooLongError, match="long: 32 bases; rna-msm reads at most 31"):
            call(Rna(id="long", sequence="A" * 32))


def test_a_model_left_in_training_mode_is_refused(encoder):
    network = MsaTransformer(MsaTransformerConfig(**encoder.network.config.to_diff_dict()))
    fresh = MsaEncoder(network, spec=SPEC, letters=rnamsm.LETTERS, max_rows=4, fingerprint="")
    fresh.train()
    with pytest.raises(RuntimeError, match="eval"):
        fresh.read_head(SHORT, 0, 0)


def test_the_fingerprint_follows_the_letters(encoder):
    swapped = replace(rnamsm.LETTERS, letters=(5, 6, 4, 7, 9, 10))
    other = MsaEncoder(encoder.network, spec=SPEC, letters=swapped, max_rows=512, fingerprint="")
    same = MsaEncoder(encoder.network, spec=SPEC, letters=rnamsm.LETTERS, max_rows=512, fingerprint="")
    assert other.fingerprint != same.fingerprint
