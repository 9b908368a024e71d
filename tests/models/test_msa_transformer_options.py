"""What our own models have beyond RNA-MSM: neighbours in query and key, distances in scores, no column attention."""

import math
from fractions import Fraction

import pytest
import torch
from tests.models.test_msa_transformer import SMALL, alignment, close, maps_of, model, padded

OURS = {"row_positions": "none", "column_positions": "relative", "local_width": 3, "column_attention": False}
LATER = {"local_feed_forward": 5, "row_scores": "mean"}


@torch.no_grad()
def test_scores_with_neighbours_and_distances_agree_with_plain_loops():
    network, ids = model(**OURS), alignment(3, 5)
    hidden, _ = network._embed(ids)
    block = network.layers[0].row_self_attention
    normed, taps = block.layer_norm(hidden)[0], block.layer.neighbours.convolution
    tokens, width = 6, 8
    mixed = torch.zeros_like(normed)
    for s in range(3):
        for i in range(tokens):
            mixed[s, i] = taps.bias
            for step in (-1, 0, 1):
                if 0 <= i + step < tokens:
                    mixed[s, i] += normed[s, i + step] * taps.weight[:, 0, step + 1]
    query, key = block.layer.q_proj(mixed), block.layer.k_proj(mixed)
    maps = maps_of(network, ids)[0][0]
    for head in range(3):
        part = slice(head * width, (head + 1) * width)
        for i in range(tokens):
            scores = [sum(float(query[s, i, part] @ key[s, j, part]) for s in range(3)) for j in range(tokens)]
            # Up to eight apart every distance has its own number, those to the left behind those to the right.
            numbers = [
                block.separation.bias[head, abs(j - i) + (block.separation.steps if j < i else 0)] for j in range(6)
            ]
            scores = torch.tensor(scores) / math.sqrt(3 * width) + torch.tensor(numbers)
            close(maps[head, i], torch.softmax(scores, 0))


@torch.no_grad()
def test_a_feed_forward_layer_of_neighbours_agrees_with_plain_loops():
    network = model(**OURS | LATER)
    layer, hidden = network.layers[0].feed_forward_layer.layer, torch.randn(2, 3, 7, 24)
    taps, mixed = layer.neighbours.convolution, torch.zeros_like(hidden)
    for i in range(7):
        mixed[:, :, i] = taps.bias
        for step in range(-2, 3):
            if 0 <= i + step < 7:
                mixed[:, :, i] += hidden[:, :, i + step] * taps.weight[:, 0, step + 2]
    close(layer(hidden, None), layer.fc2(torch.nn.functional.gelu(layer.fc1(mixed))))


@torch.no_grad()
def test_averaged_scores_of_equal_rows_are_those_of_one_row():
    network, row = model(**OURS | LATER), alignment(1, 9)
    for one, many in zip(maps_of(network, row), maps_of(network, row.expand(-1, 5, -1)), strict=True):
        close(one, many)
    one, many = (maps_of(model(**OURS), row.expand(-1, rows, -1))[0] for rows in (1, 5))
    assert float((many - one).abs().max()) > 1e-3  # as published, summed: the deeper, the sharper


@torch.no_grad()
def test_every_distance_has_a_step_and_steps_never_fall():
    separation = model(**OURS).layers[0].row_self_attention.separation
    separation.bias.copy_(torch.arange(separation.bias.shape[1]).expand_as(separation.bias))
    found = separation(1000, None)[0]
    right = found[0]
    assert right[:9].tolist() == list(range(9))
    assert (right[1:] >= right[:-1]).all()
    assert right[-1] == separation.steps - 1
    assert torch.equal(found[:, 0][1:], right[1:] + separation.steps)


@torch.no_grad()
def test_a_distance_on_an_edge_belongs_to_the_longer_step_on_every_machine():
    separation = model(**OURS).layers[0].row_self_attention.separation
    separation.bias.copy_(torch.arange(separation.bias.shape[1]).expand_as(separation.bias))
    found = separation(600, None)[0, 0].long().tolist()
    edge, step = Fraction(8), 8
    for distance in range(9, 600):
        if distance == 9 or (distance >= edge * Fraction(5, 4) and step < separation.steps - 1):
            step, edge = step + 1, edge if distance == 9 else edge * Fraction(5, 4)
        assert found[distance] == step, distance
    assert (found[9], found[10], found[12], found[13]) == (9, 10, 10, 11)


@pytest.mark.parametrize("more", [OURS, OURS | {"column_attention": True}, {"local_width": 5}, OURS | LATER])
def test_a_padded_batch_equals_single_alignments(more):
    network = model(**more)
    small, large = alignment(2, 4, seed=1), alignment(5, 9, seed=2)
    together = maps_of(network, padded(small, large))
    for at, ids in enumerate((small, large)):
        tokens = ids.shape[2]
        for layer, maps in enumerate(maps_of(network, ids)):
            close(together[layer][at, :, :tokens, :tokens], maps[0])


@torch.no_grad()
@pytest.mark.parametrize("head", [0, 2])
def test_one_head_alone_equals_that_head_of_all(head):
    network, ids = model(**OURS), alignment(3, 7)
    for layer in range(3):
        close(network.row_attention_head(ids, layer, head)[0], maps_of(network, ids)[layer][0, head])


@torch.no_grad()
def test_without_column_attention_rows_meet_only_in_the_maps():
    network, ids = model(**OURS), alignment(3, 6)
    maps = maps_of(network, ids)[0]
    hidden, _ = network._embed(ids)
    whole = network.layers[0](hidden.clone(), maps, None)
    for row in range(3):
        close(network.layers[0](hidden[:, row : row + 1].clone(), maps, None), whole[:, row : row + 1])


@torch.no_grad()
def test_relative_positions_make_a_shifted_row_look_the_same():
    network = model(**OURS | {"num_hidden_layers": 1})
    ids = alignment(2, 20)
    same = ids.clone()
    same[..., 1:11], same[..., 11:] = ids[..., 3:13], ids[..., 13:14].expand(-1, -1, 10)
    scores = [network.layers[0].row_self_attention.maps(network._embed(x)[0], None).log() for x in (ids, same)]
    first, second = (x[0, :, 5, 6:9] - x[0, :, 5, 6:7] for x in (scores[0].roll((-2, -2), (2, 3)), scores[1]))
    close(first, second)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("local_width", 4),
        ("local_width", -1),
        ("column_positions", "rotary"),
        ("local_feed_forward", 2),
        ("row_scores", "most"),
    ],
)
def test_an_impossible_option_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=field):
        model(**{field: value})


def test_the_options_are_off_by_default():
    network = model()
    names = {name for name, _ in network.named_parameters()}
    assert not any("neighbours" in name or "separation" in name for name in names)
    assert any("column_self_attention" in name for name in names)
    assert not {"local_feed_forward", "row_scores"} & network.config.to_dict().keys()  # fingerprints stay
    assert model(**LATER).config.to_dict()["row_scores"] == "mean"
    assert network.embed_positions.weight.shape[0] == SMALL["max_position_embeddings"] + 2
