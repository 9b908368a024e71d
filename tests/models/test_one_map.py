"""A model with one map of pair scores: what it hands over of several RNAs, and what it refuses."""

import pytest
import torch

from rnaexp.errors import UnavailableError
from rnaexp.models.one_map import OneMap
from rnaexp.models.spec import ModelSpec
from rnaexp.rna import Rna


class Lengths(OneMap):
    """Every score is the RNA's length."""

    spec = ModelSpec(name="lengths", title="Lengths", group="baseline", loader="")

    def read_head(self, rna, layer, head):
        return torch.full((len(rna), len(rna)), float(len(rna)))


RNAS = [Rna(id="a", sequence="GGG"), Rna(id="b", sequence="GGGAA")]


def test_each_rna_hands_over_its_map_as_the_only_layer():
    given = []
    Lengths().read_attention(RNAS, lambda index, layer, maps: given.append((index, layer, tuple(maps.shape))))
    assert given == [(0, 0, (1, 3, 3)), (1, 0, (1, 5, 5))]
    (layer,) = Lengths().attention(RNAS[1])
    assert layer.shape == (1, 5, 5)
    assert (layer == 5).all()
    assert (Lengths.layers, Lengths.heads) == (1, 1)


def test_it_has_neither_embeddings_nor_letters():
    with pytest.raises(UnavailableError, match="lengths holds pair scores only"):
        Lengths().embed(RNAS)
    with pytest.raises(UnavailableError, match="lengths holds pair scores only"):
        Lengths().log_probabilities(RNAS[0], [0])
