"""CaLM's file against its authors' attention written out: neighbouring coordinates turned by one angle."""

import pytest
import torch
from safetensors.torch import save_file

from rnaexp.errors import InputError
from rnaexp.models import load
from rnaexp.models.fair_esm import CALM

SIZES = {"num_layers": 2, "embed_dim": 24, "attention_heads": 3}
WIDTH, HEADS, SIZE = 24, 3, 8


@pytest.fixture(scope="module")
def state():
    """As oxpig/CaLM names its tensors, from a network whose names the adapter turns into theirs."""
    ours = CALM.build(
        CALM.completed({"num_hidden_layers": 2, "hidden_size": WIDTH, "num_attention_heads": HEADS}), seed=1
    )
    generator = torch.Generator().manual_seed(4)
    held = {CALM.named(key): tensor.clone() for key, tensor in ours.state_dict().items()}
    held = {key: torch.randn(tensor.shape, generator=generator) * 0.4 for key, tensor in held.items()}
    held["lm_head.weight"] = held["embed_tokens.weight"].clone()
    held.pop("layers.0.self_attn.rot_emb.inv_freq")
    angles = 1 / 10000 ** (torch.arange(0, SIZE, 2) / SIZE)
    return {**held, **{f"layers.{at}.self_attn.rope.freqs": angles.clone() for at in range(2)}}


def turned(states, angles):
    """[h t e]: coordinates 2i and 2i + 1 turned by angle i times the position."""
    out = states.clone()
    for position in range(states.shape[1]):
        for at, angle in enumerate(angles):
            cosine, sine = torch.cos(position * angle), torch.sin(position * angle)
            x, y = states[:, position, 2 * at], states[:, position, 2 * at + 1]
            out[:, position, 2 * at], out[:, position, 2 * at + 1] = x * cosine - y * sine, x * sine + y * cosine
    return out


def test_the_first_layer_attends_as_written_out(state, tmp_path, read_all, make_rna):
    save_file(state, tmp_path / "calm_weights.safetensors")
    encoder = load("calm", weights=tmp_path / "calm_weights.safetensors", config=SIZES, device="cpu")
    rna = make_rna(24)
    hidden = state["embed_tokens.weight"][list(encoder.tokens.encode(rna).ids)]  # no share for masks is taken off
    ids = torch.tensor([encoder.tokens.encode(rna).ids])
    torch.testing.assert_close(encoder.network.esm.embeddings(ids)[0], hidden)  # the norm below hides any scale
    one = "layers.0.self_attn"
    hidden = torch.nn.functional.layer_norm(
        hidden, (WIDTH,), state[f"{one}_layer_norm.weight"], state[f"{one}_layer_norm.bias"], 1e-5
    )
    query, key = (
        (hidden @ state[f"{one}.{name}.weight"].T + state[f"{one}.{name}.bias"]).view(-1, HEADS, SIZE).transpose(0, 1)
        for name in ("q_proj", "k_proj")
    )
    angles = state[f"{one}.rope.freqs"]
    scores = turned(query, angles) @ turned(key, angles).transpose(1, 2) / SIZE**0.5
    expected = torch.softmax(scores, -1)[:, 1:-1, 1:-1].repeat_interleave(3, 1).repeat_interleave(3, 2)
    assert expected.std() > 1e-2
    torch.testing.assert_close(read_all(encoder, rna)[0][0], expected, atol=1e-6, rtol=1e-4)


def test_a_file_without_its_angles_is_refused(state, tmp_path):
    save_file({key: tensor for key, tensor in state.items() if "rope" not in key}, tmp_path / "calm.safetensors")
    with pytest.raises(InputError, match="holds the angles of its positions"):
        load("calm", weights=tmp_path / "calm.safetensors", config=SIZES, device="cpu")
