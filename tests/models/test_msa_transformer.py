import math

import pytest
import torch

from rnaexp.models.msa_transformer import MsaTransformer, MsaTransformerConfig

SMALL = {
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 3,
    "intermediate_size": 48,
    "max_position_embeddings": 40,
    "max_rows": 12,
}


def model(seed=0, **more):
    torch.manual_seed(seed)
    network = MsaTransformer(MsaTransformerConfig(**SMALL | more)).eval()
    for name, parameter in network.named_parameters():
        if "norm" not in name:
            torch.nn.init.normal_(parameter, std=0.3)  # attention that is far from flat
    return network


def alignment(rows, columns, seed=0):
    ids = torch.randint(4, 11, (1, rows, columns + 1), generator=torch.Generator().manual_seed(seed))
    ids[..., 0] = 0
    return ids


def padded(*alignments):
    batch = torch.full((len(alignments), max(a.shape[1] for a in alignments), max(a.shape[2] for a in alignments)), 1)
    for at, ids in enumerate(alignments):
        batch[at, : ids.shape[1], : ids.shape[2]] = ids[0]
    return batch


@torch.no_grad()
def maps_of(network, ids):
    return [maps.clone() for maps in network.row_attention(ids)]


def close(a, b):
    torch.testing.assert_close(a, b, atol=2e-5, rtol=1e-4)


@torch.no_grad()
def test_tied_row_attention_agrees_with_plain_loops():
    network, ids = model(), alignment(3, 5)
    hidden, _ = network._embed(ids)
    block = network.layers[0].row_self_attention
    normed = block.layer_norm(hidden)[0]
    query, key = block.layer.q_proj(normed), block.layer.k_proj(normed)
    maps, width = maps_of(network, ids)[0][0], 8
    for head in range(3):
        part = slice(head * width, (head + 1) * width)
        for i in range(6):
            scores = [sum(float(query[s, i, part] @ key[s, j, part]) for s in range(3)) for j in range(6)]
            weights = [math.exp(score / math.sqrt(width) / math.sqrt(3)) for score in scores]
            expected = torch.tensor([weight / sum(weights) for weight in weights])
            close(maps[head, i], expected)


@torch.no_grad()
def test_column_attention_agrees_with_plain_loops():
    network, width = model(), 8
    layer = network.layers[0].column_self_attention.layer
    hidden = torch.randn(1, 4, 3, 24)
    query, key, value = (project(hidden)[0] for project in (layer.q_proj, layer.k_proj, layer.v_proj))
    mixed = torch.zeros(4, 3, 24)
    for column in range(3):
        for start in range(0, 24, width):
            part = slice(start, start + width)
            for s in range(4):
                scores = [float(query[s, column, part] @ key[r, column, part]) / math.sqrt(width) for r in range(4)]
                total = sum(map(math.exp, scores))
                mixed[s, column, part] = sum(math.exp(x) / total * value[r, column, part] for r, x in enumerate(scores))
    close(layer(hidden, None)[0], layer.out_proj(mixed))


@torch.no_grad()
def test_a_padded_batch_equals_its_alignments_one_by_one():
    network = model()
    singles = [alignment(4, 9, 1), alignment(1, 12, 2), alignment(7, 5, 3)]
    together = network(padded(*singles))
    batched = maps_of(network, padded(*singles))
    for at, ids in enumerate(singles):
        _, rows, tokens = ids.shape
        alone = network(ids)
        close(together.logits[at, :rows, :tokens], alone.logits[0])
        close(together.last_hidden_state[at, :rows, :tokens], alone.last_hidden_state[0])
        for layer, maps in enumerate(maps_of(network, ids)):
            close(batched[layer][at, :, :tokens, :tokens], maps[0])


@torch.no_grad()
def test_padding_inside_an_alignment_is_refused():
    ids = alignment(3, 6)
    ids[0, 1, 3] = 1
    with pytest.raises(ValueError, match="whole rows and whole columns"):
        model()(ids)


@torch.no_grad()
def test_the_reader_sees_every_layer_and_changes_nothing():
    network, ids = model(), alignment(4, 9)
    seen = []
    read = network(ids, reader=lambda layer, maps: seen.append((layer, maps.clone())))
    assert [layer for layer, _ in seen] == [0, 1, 2]
    assert all(maps.dtype == torch.float32 for _, maps in seen)
    for (_, maps), other in zip(seen, maps_of(network, ids), strict=True):
        assert torch.equal(maps, other)
        close(maps.sum(-1), torch.ones(1, 3, 10))
    assert torch.equal(read.logits, network(ids).logits)


@torch.no_grad()
@pytest.mark.parametrize("layer", range(3))
def test_one_head_alone_equals_the_same_head_among_all(layer):
    network, ids = model(), padded(alignment(4, 9, 1), alignment(2, 6, 2))
    for head in range(3):
        close(network.row_attention_head(ids, layer, head), maps_of(network, ids)[layer][:, head])


@torch.no_grad()
def test_nothing_runs_after_the_head_that_is_wanted():
    network, ids = model(), alignment(4, 9)
    ran = []
    for index, layer in enumerate(network.layers):
        for name in ("column_self_attention", "feed_forward_layer"):
            getattr(layer, name).layer.register_forward_hook(lambda *_, at=(index, name): ran.append(at))
    network.row_attention_head(ids, 1, 0)
    assert {index for index, _ in ran} == {0}
    ran.clear()
    maps_of(network, ids)
    assert {index for index, _ in ran} == {0, 1}
    ran.clear()
    next(iter(network.row_attention(ids)))
    assert not ran


@torch.no_grad()
def test_chunks_change_nothing_but_rounding():
    ids = padded(alignment(9, 14, 1), alignment(4, 6, 2))
    whole, cut = model(), model(tokens_per_chunk=25)
    close(cut(ids).logits, whole(ids).logits)
    for a, b in zip(maps_of(cut, ids), maps_of(whole, ids), strict=True):
        close(a, b)


@torch.no_grad()
def test_only_the_wanted_rows_are_predicted():
    network, ids = model(), alignment(4, 9)
    close(network(ids, keep_rows=1).logits, network(ids).logits[:, :1])
    assert network(ids, labels=ids, keep_rows=1).loss != network(ids, labels=ids).loss


@pytest.mark.parametrize("chunk", [2**14, 20])
def test_gradients_reach_every_parameter_and_equal_those_without_chunks(chunk):
    network, ids = model(tokens_per_chunk=chunk), padded(alignment(4, 9, 1), alignment(3, 6, 2))
    labels = ids.masked_fill(torch.rand(ids.shape, generator=torch.Generator().manual_seed(0)) > 0.3, -100)
    network(ids, labels=labels.masked_fill(ids == 1, -100)).loss.backward()
    without = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert without == []
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())
    reference = model()
    reference(ids, labels=labels.masked_fill(ids == 1, -100)).loss.backward()
    close(
        network.layers[0].row_self_attention.layer.q_proj.weight.grad,
        reference.layers[0].row_self_attention.layer.q_proj.weight.grad,
    )


def test_a_few_steps_lower_the_loss_in_bfloat16():
    network, ids = model().train(), alignment(4, 20)
    network.apply(network._init_weights)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(10):
        with torch.autocast("cpu", torch.bfloat16):
            output = network(ids, labels=ids, reader=lambda _, maps: check_float32(maps))
        output.loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(output.loss.item())
    assert losses[-1] < 0.7 * losses[0]


def check_float32(maps):
    assert maps.dtype == torch.float32
    close(maps.sum(-1), torch.ones(maps.shape[:3]))


@torch.no_grad()
@pytest.mark.parametrize("row_positions", ["scalar", "vector", "none"])
def test_a_saved_model_opens_as_the_same_model(tmp_path, row_positions):
    network, ids = model(row_positions=row_positions), alignment(4, 9)
    network.save_pretrained(tmp_path)
    again, report = MsaTransformer.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert again.config.to_dict()["row_positions"] == row_positions
    assert again.lm_head.weight is again.embed_tokens.weight
    assert torch.equal(again.eval()(ids).logits, network(ids).logits)


@torch.no_grad()
@pytest.mark.parametrize(("row_positions", "matters"), [("vector", True), ("scalar", False), ("none", False)])
def test_only_vector_row_positions_tell_rows_apart(row_positions, matters):
    # RNA-MSM's one number per row is taken out again by the layer norm that follows it.
    network, ids = model(row_positions=row_positions), alignment(4, 9)
    logits, swapped = (network(x, keep_rows=1).logits for x in (ids, ids[:, [0, 2, 1, 3]]))
    assert torch.allclose(logits, swapped, atol=2e-5) != matters


@torch.no_grad()
def test_what_is_too_large_for_the_position_tables_is_refused():
    with pytest.raises(ValueError, match="at most 12 x 40"):
        model()(alignment(13, 9))
    with pytest.raises(ValueError, match="at most 12 x 40"):
        model()(alignment(2, 40))
    model()(alignment(12, 39))


@pytest.mark.parametrize("wrong", [{"num_attention_heads": 5}, {"row_positions": "both"}])
def test_sizes_that_do_not_fit_are_refused(wrong):
    with pytest.raises(ValueError, match=r"no multiple|must be scalar"):
        MsaTransformerConfig(**SMALL | wrong)
