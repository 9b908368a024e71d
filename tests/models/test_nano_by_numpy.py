"""nano's maps and embeddings worked out anew by plain NumPy from the file of its weights."""

import json
import math
import random

import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy.special import erf

from rnaexp import models
from rnaexp.models.nano_catalog import SHIPPED
from rnaexp.rna import Alignment, Rna

LETTERS = {"A": 4, "G": 5, "C": 6, "U": 7, "N": 9, "-": 10}
STEPS = [*range(1, 10), *(math.ceil(8 * 1.25**k - 1e-9) for k in range(1, 19))]  # first distance of each step


class Plain:
    """One forward pass, a layer at a time; rows [s t d]."""

    def __init__(self, folder):
        self.sizes = json.loads((folder / "config.json").read_text())
        self.held = {name: value.astype(np.float64) for name, value in load_file(folder / "model.safetensors").items()}
        self.maps = []

    def norm(self, name, x):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + self.sizes["layer_norm_eps"])
        return scaled * self.held[f"{name}.weight"] + self.held[f"{name}.bias"]

    def linear(self, name, x):
        return x @ self.held[f"{name}.weight"].T + self.held[f"{name}.bias"]

    def neighbours(self, name, x):
        taps = self.held[f"{name}.convolution.weight"][:, 0]
        reach, tokens = taps.shape[1] // 2, x.shape[1]
        found = np.tile(self.held[f"{name}.convolution.bias"], (*x.shape[:2], 1))
        for step in range(-reach, reach + 1):
            for t in range(max(0, -step), min(tokens, tokens - step)):
                found[:, t] += x[:, t + step] * taps[:, step + reach]
        return found

    def row_maps(self, name, x):
        rows, tokens, width = x.shape
        heads = self.sizes["num_attention_heads"]
        each = width // heads
        mixed = self.neighbours(f"{name}.layer.neighbours", self.norm(f"{name}.layer_norm", x))
        query, key = (self.linear(f"{name}.layer.{kind}_proj", mixed) for kind in "qk")
        bias, maps = self.held[f"{name}.separation.bias"], []
        apart = np.arange(tokens)[None] - np.arange(tokens)[:, None]
        step = np.searchsorted(STEPS, np.abs(apart), side="right") + (len(STEPS) + 1) * (apart < 0)
        for head in range(heads):
            part = slice(head * each, (head + 1) * each)
            scores = sum(query[s, :, part] @ key[s, :, part].T for s in range(rows)) / (rows * math.sqrt(each))
            scores = np.exp((scores := scores + bias[head][step]) - scores.max(1, keepdims=True))
            maps.append(scores / scores.sum(1, keepdims=True))
        return maps

    def read(self, rows):
        ids = np.array([[0, *(LETTERS[letter] for letter in row)] for row in rows])
        x = self.norm("emb_layer_norm_before", self.held["embed_tokens.weight"][ids])
        for layer in range(self.sizes["num_hidden_layers"]):
            name = f"layers.{layer}.row_self_attention"
            maps = self.row_maps(name, x)
            self.maps.append(np.stack(maps))
            value = self.linear(f"{name}.layer.v_proj", self.norm(f"{name}.layer_norm", x))
            parts = np.split(value, len(maps), axis=-1)
            mixed = np.concatenate([one @ part for one, part in zip(maps, parts, strict=True)], -1)
            x = x + self.linear(f"{name}.layer.out_proj", mixed)
            name = f"layers.{layer}.feed_forward_layer"
            inner = self.neighbours(f"{name}.layer.neighbours", self.norm(f"{name}.layer_norm", x))
            inner = self.linear(f"{name}.layer.fc1", inner)
            x = x + self.linear(f"{name}.layer.fc2", inner * (1 + erf(inner / math.sqrt(2))) / 2)
        return self.norm("emb_layer_norm_after", x)[0, 1:]


@pytest.mark.parametrize("depth", [1, 5])
def test_maps_and_embeddings_are_those_of_plain_numpy(depth):
    rng = random.Random(depth)
    first = [rng.choice("ACGU") for _ in range(60)]
    others = [[letter if rng.random() < 0.7 else rng.choice("ACGUN-") for letter in first] for _ in range(depth - 1)]
    rows = tuple("".join(row) for row in (first, *others))
    rna = Rna(id="a", sequence=rows[0], alignment=Alignment(names=tuple(map(str, range(depth))), rows=rows))
    encoder, plain = models.load("nano", device="cpu"), Plain(SHIPPED / "nano")
    embedding = plain.read(rows)
    for found, expected in zip(encoder.attention(rna), plain.maps, strict=True):
        assert np.abs(found.numpy() - expected[:, 1:, 1:]).max() < 1e-4
    assert np.abs(encoder.embed([rna])[0].numpy() - embedding).max() < 1e-4
