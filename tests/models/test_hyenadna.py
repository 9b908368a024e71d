"""HyenaDNA against its operator written out: every sum a loop, from the tensors of a file in its authors' layout."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from tests.command import answer, inside

from rnaexp.errors import InputError, TooLongError, UnavailableError
from rnaexp.models import load
from rnaexp.models.hyenadna import HyenaDna, HyenaDnaConfig, convolved, waves
from rnaexp.rna import Rna

WIDTH, INNER, ORDER, TOKENS = 12, 20, 7, 40
LAYER = "hyena.backbone.layers.{}."
CONFIG = {
    "model_type": "hyenadna",
    "d_model": WIDTH,
    "d_inner": INNER,
    "n_layer": 2,
    "filter_order": ORDER,
    "emb_dim": 5,
    "max_seq_len": TOKENS,
    "hyena_order": 2,
    "short_filter_order": 3,
    "num_inner_mlps": 2,
    "activation_freq": 10,
    "train_freq": True,
    "layer_norm_epsilon": 1e-05,
    "vocab_size": 12,
    "pad_vocab_size_multiple": 8,
    "tie_word_embeddings": False,
}


def shapes():
    """As LongSafari's modeling_hyena.py names them."""
    held = {
        "hyena.backbone.embeddings.word_embeddings.weight": (16, WIDTH),
        "hyena.backbone.ln_f.weight": (WIDTH,),
        "hyena.backbone.ln_f.bias": (WIDTH,),
        "lm_head.weight": (16, WIDTH),
    }
    for layer in range(2):
        of_layer = {
            "mixer.in_proj.weight": (3 * WIDTH, WIDTH),
            "mixer.in_proj.bias": (3 * WIDTH,),
            "mixer.out_proj.weight": (WIDTH, WIDTH),
            "mixer.out_proj.bias": (WIDTH,),
            "mixer.short_filter.weight": (3 * WIDTH, 1, 3),
            "mixer.short_filter.bias": (3 * WIDTH,),
            "mixer.filter_fn.bias": (WIDTH,),
            "mixer.filter_fn.pos_emb.z": (1, TOKENS, 5),
            "mixer.filter_fn.pos_emb.t": (1, TOKENS, 1),
            "mixer.filter_fn.implicit_filter.0.weight": (ORDER, 5),
            "mixer.filter_fn.implicit_filter.0.bias": (ORDER,),
            "mixer.filter_fn.implicit_filter.1.freq": (1, ORDER),
            "mixer.filter_fn.implicit_filter.2.weight": (ORDER, ORDER),
            "mixer.filter_fn.implicit_filter.2.bias": (ORDER,),
            "mixer.filter_fn.implicit_filter.4.weight": (ORDER, ORDER),
            "mixer.filter_fn.implicit_filter.4.bias": (ORDER,),
            "mixer.filter_fn.implicit_filter.6.weight": (WIDTH, ORDER),
            "mixer.filter_fn.modulation.deltas": (1, 1, WIDTH),
            "norm1.weight": (WIDTH,),
            "norm1.bias": (WIDTH,),
            "norm2.weight": (WIDTH,),
            "norm2.bias": (WIDTH,),
            "mlp.fc1.weight": (INNER, WIDTH),
            "mlp.fc1.bias": (INNER,),
            "mlp.fc2.weight": (WIDTH, INNER),
            "mlp.fc2.bias": (WIDTH,),
        }
        held |= {LAYER.format(layer) + name: shape for name, shape in of_layer.items()}
    return held


def random_state(seed=3):
    """Every tensor random, those that the authors compute too: what stands in the file is what counts."""
    generator = torch.Generator().manual_seed(seed)
    state = {name: 0.5 * torch.randn(shape, generator=generator) for name, shape in shapes().items()}
    for key in state:
        if key.endswith("pos_emb.t"):
            state[key] = torch.linspace(0, 1, TOKENS)[None, :, None]
    return state


def write(folder, state, **config):
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({**CONFIG, **config}))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("hyenadna"), random_state())


@pytest.fixture(scope="module")
def encoder(folder):
    return load("hyenadna-tiny", weights=folder, device="cpu")


def normed(rows, weight, bias):
    centred = rows - rows.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * weight + bias


def written_out(ids, state):
    """The paper's formulas in float64: y = x0 * (h conv (x1 v) + D x1 v), h a small network of time under a window."""
    held = {key: tensor.double().numpy() for key, tensor in state.items()}
    hidden = held["hyena.backbone.embeddings.word_embeddings.weight"][list(ids)]
    tokens = len(hidden)
    for layer in range(2):
        of = {key.removeprefix(LAYER.format(layer)): value for key, value in held.items()}
        rows = normed(hidden, of["norm1.weight"], of["norm1.bias"])
        rows = rows @ of["mixer.in_proj.weight"].T + of["mixer.in_proj.bias"]
        smooth = np.zeros_like(rows)
        for t in range(tokens):
            smooth[t] = of["mixer.short_filter.bias"]
            for back in range(3):
                if t >= back:
                    smooth[t] += of["mixer.short_filter.weight"][:, 0, 2 - back] * rows[t - back]
        last, first, value = np.split(smooth, 3, axis=1)
        wave, freq = of["mixer.filter_fn.pos_emb.z"][0, :tokens], of["mixer.filter_fn.implicit_filter.1.freq"][0]
        for at in (0, 2, 4):
            weight, bias = (of[f"mixer.filter_fn.implicit_filter.{at}.{kind}"] for kind in ("weight", "bias"))
            wave = np.sin(freq * (wave @ weight.T + bias))
        taken = wave @ of["mixer.filter_fn.implicit_filter.6.weight"].T
        rates = np.abs(of["mixer.filter_fn.modulation.deltas"][0, 0])
        for t in range(tokens):
            taken[t] *= np.exp(-of["mixer.filter_fn.pos_emb.t"][0, t, 0] * rates) + 0.05
        inner, mixed = value * first, np.zeros((tokens, WIDTH))
        for t in range(tokens):
            for s in range(t + 1):
                mixed[t] += taken[t - s] * inner[s]
            mixed[t] += of["mixer.filter_fn.bias"] * inner[t]
        hidden = hidden + (last * mixed) @ of["mixer.out_proj.weight"].T + of["mixer.out_proj.bias"]
        units = normed(hidden, of["norm2.weight"], of["norm2.bias"]) @ of["mlp.fc1.weight"].T + of["mlp.fc1.bias"]
        units = 0.5 * units * (1 + np.tanh(math.sqrt(2 / math.pi) * (units + 0.044715 * units**3)))
        hidden = hidden + units @ of["mlp.fc2.weight"].T + of["mlp.fc2.bias"]
    return normed(hidden, held["hyena.backbone.ln_f.weight"], held["hyena.backbone.ln_f.bias"])


def test_embeddings_and_next_letters_equal_the_operator_written_out(encoder, make_rna):
    rna, state = make_rna(31), random_state()
    ids = encoder.tokens.encode(rna).ids
    expected = torch.from_numpy(written_out(ids, state))
    assert expected.std() > 0.1
    torch.testing.assert_close(encoder.embed([rna])[0], expected[:-1].float(), atol=1e-5, rtol=1e-4)
    with torch.inference_mode():
        logits = encoder.network(torch.tensor([ids])).logits[0]
    torch.testing.assert_close(logits, (expected @ state["lm_head.weight"].double().T).float(), atol=1e-4, rtol=1e-4)


def test_letters_are_their_authors_and_end_with_sep(encoder):
    assert encoder.tokens.encode(Rna(id="r", sequence="ACGUN")).ids == (7, 8, 9, 10, 11, 1)


def test_no_base_sees_a_later_one_and_the_last_sees_the_first(encoder, make_rna):
    rna = make_rna(30, seed=2)
    before = encoder.embed([rna])[0]
    for at in (0, 7, 29):
        other = rna.sequence[:at] + {"A": "C", "C": "A", "G": "U", "U": "G"}[rna.sequence[at]] + rna.sequence[at + 1 :]
        after = encoder.embed([Rna(id="r", sequence=other)])[0]
        moved = (after - before).abs().amax(-1)
        assert (moved[:at] < 1e-5).all()
        assert (moved[at:] > 1e-4).all()


def test_a_padded_batch_equals_batches_of_one(encoder, make_rna):
    rnas = [make_rna(bases, seed=bases) for bases in (5, 39, 22, 22)]
    for together, states, rna in zip(encoder.embed(rnas), encoder.embed_layers(rnas), rnas, strict=True):
        torch.testing.assert_close(together, encoder.embed([rna])[0], atol=1e-5, rtol=1e-4)
        assert states.shape == (3, len(rna), WIDTH)
        torch.testing.assert_close(states[-1], together, atol=1e-6, rtol=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(0, 10**6))
def test_the_fast_convolution_is_the_sum_over_what_stands_before(tokens, seed):
    generator = torch.Generator().manual_seed(seed)
    signal = torch.randn(2, 3, tokens, generator=generator)
    taken = torch.randn(3, tokens, generator=generator)
    expected = torch.zeros(2, 3, tokens, dtype=torch.float64)
    for t in range(tokens):
        for s in range(t + 1):
            expected[:, :, t] += (taken[:, t - s] * signal[:, :, s]).double()
    torch.testing.assert_close(convolved(signal, taken), expected.float(), atol=1e-4, rtol=1e-4)


def test_random_weights_have_the_authors_waves_and_window():
    found = waves(9, 5)
    for t in range(9):
        turns = [2 * math.pi * t / 9 * band for band in (1e-4, 1.0)]
        expected = [t / 8, *map(math.cos, turns), *(-math.sin(turn) for turn in turns)]
        assert found[t].tolist() == pytest.approx(expected, abs=1e-5)
    rates = HyenaDna(HyenaDnaConfig(hidden_size=4)).layers[0].operator.filter.rates
    assert rates.tolist() == pytest.approx(np.linspace(math.log(0.01) / 1.5, math.log(0.01) / 0.3, 4), abs=1e-5)


def test_the_medium_network_is_as_large_as_its_published_file():
    """57 MB: the hub's list of files of LongSafari/hyenadna-medium-160k-seqlen-hf at 4611c373."""
    sizes = {"hidden_size": 256, "num_hidden_layers": 8, "intermediate_size": 1024, "max_position_embeddings": 160002}
    network = HyenaDna(HyenaDnaConfig(**sizes))
    assert sum(4 * tensor.numel() for tensor in network.state_dict().values()) == pytest.approx(57e6, abs=0.5e6)


@pytest.mark.parametrize(
    "key", ["hyena.backbone.layers.1.mixer.filter_fn.pos_emb.z", "hyena.backbone.ln_f.bias", "lm_head.weight"]
)
def test_a_renamed_key_is_refused_under_both_its_names(key, tmp_path):
    state = random_state()
    state[key + "_"] = state.pop(key)
    with pytest.raises(InputError, match=rf"missing: {key}; unexpected: {key}_"):
        load("hyenadna-tiny", weights=write(tmp_path, state), device="cpu")


def test_frequencies_held_once_a_layer_must_be_the_same(tmp_path, encoder, make_rna):
    state, rna = random_state(), make_rna(20)
    first = "hyena.backbone.layers.{}.mixer.filter_fn.implicit_filter.{}.freq"
    for layer in range(2):
        for at in (3, 5):
            state[first.format(layer, at)] = state[first.format(layer, 1)].clone()
    again = load("hyenadna-tiny", weights=write(tmp_path, state), device="cpu")
    assert torch.equal(again.embed([rna])[0], encoder.embed([rna])[0])
    state[first.format(1, 5)] += 1
    with pytest.raises(InputError, match=r"1\.freq and .*5\.freq differ"):
        load("hyenadna-tiny", weights=write(tmp_path, state), device="cpu")


@pytest.mark.parametrize(
    ("setting", "value"), [("hyena_order", 3), ("short_filter_order", 5), ("num_inner_mlps", 1), ("train_freq", False)]
)
def test_a_file_that_asks_for_another_network_is_refused(setting, value, tmp_path):
    write(tmp_path, random_state(), **{setting: value})
    with pytest.raises(InputError, match=f"{setting} = {value!r}; only .* is read"):
        load("hyenadna-tiny", weights=tmp_path, device="cpu")


def test_what_is_longer_than_its_filters_is_refused_not_cut(encoder, make_rna):
    assert encoder.longest == TOKENS - 1
    encoder.check(make_rna(TOKENS - 1))
    with pytest.raises(TooLongError, match="41 tokens; hyenadna-tiny reads at most 40"):
        encoder.embed([make_rna(TOKENS)])


def test_whoever_asks_for_a_map_or_a_hidden_letter_is_told_what_to_do(encoder, make_rna):
    rna = make_rna(9)
    for ask in (
        lambda: encoder.read_attention([rna], lambda *_: None),
        lambda: encoder.read_head(rna, 0, 0),
        lambda: next(encoder.attention(rna)),
    ):
        with pytest.raises(UnavailableError, match="has no attention map of pairs to read; rnaexp embed and rnaexp"):
            ask()
    with pytest.raises(UnavailableError, match="reads from left to right and hides no base"):
        encoder.log_probabilities(rna, [3])


def test_a_letter_is_said_from_those_before_it(encoder, make_rna):
    rnas = [make_rna(9, seed=1), make_rna(20, seed=2)]
    found = encoder.predict_letters(rnas, [(), ()])
    for rna, table in zip(rnas, found, strict=True):
        ids = torch.tensor([encoder.tokens.encode(rna).ids])
        logits = encoder.network(ids).logits[0, : len(rna) - 1, list(encoder.tokens.base_ids())]
        assert (table[1:] - torch.log_softmax(logits, -1)).abs().max() < 1e-5
        assert table[0].exp().tolist() == pytest.approx([0.25] * 4), "nothing stands before the first base"


def test_checked_converted_and_opened_again_it_is_the_same(folder, tmp_path, make_rna):
    told = answer(inside("models", "check", "hyenadna-tiny", "--weights", folder, "--json", cwd=tmp_path))
    assert told["embedding_finite"] is True
    assert (told["layers"], told["heads"], told["width"]) == (2, 0, WIDTH)
    out = tmp_path / "converted"
    assert answer(
        inside("models", "convert", "hyenadna-tiny", "--weights", folder, "--out", out, "--json", cwd=tmp_path)
    )["outputs_equal"]
    rna = make_rna(30)
    one, other = (load("hyenadna-tiny", weights=path, device="cpu").embed([rna])[0] for path in (folder, out))
    assert torch.equal(one, other)
