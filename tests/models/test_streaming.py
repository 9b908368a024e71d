"""Against transformers' own eager attention on the same weights."""

import copy
import math
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch.multiprocessing.reductions import StorageWeakRef

from rnaexp.errors import UnavailableError
from rnaexp.models import load, streaming
from rnaexp.models.encoder import TransformerEncoder
from rnaexp.reading.maps import Reader, batches_of
from rnaexp.reading.store import Store
from rnaexp.rna import Rna
from rnaexp.structure.protocol import ATTENTION, Scoring
from rnaexp.structure.reading import Reading


@pytest.fixture(scope="module", params=["bert", "esm"])
def folder(request):
    return request.getfixturevalue(f"{request.param}_folder")


@pytest.fixture(scope="module")
def encoder(folder):
    return load(str(folder), device="cpu")


@pytest.fixture(scope="module")
def eager(folder):
    from transformers import AutoModelForMaskedLM

    return AutoModelForMaskedLM.from_pretrained(folder, attn_implementation="eager").eval()


def ids_of(encoder, rna):
    return torch.tensor([encoder.tokens.encode(rna).ids])


def test_maps_equal_eager_attention_without_special_tokens(encoder, eager, make_rna, read_all):
    rna = make_rna(40)
    with torch.inference_mode():
        expected = torch.cat(eager(ids_of(encoder, rna), output_attentions=True).attentions)[:, :, 1:-1, 1:-1]
    assert expected.std() > 0.02  # sharp enough to tell a fault
    (maps,) = read_all(encoder, rna)
    torch.testing.assert_close(maps, expected, atol=1e-6, rtol=0)


def test_embeddings_and_logits_equal_eager(encoder, eager, make_rna):
    rna = make_rna(40)
    with torch.inference_mode():
        output = eager(ids_of(encoder, rna), output_hidden_states=True)
    torch.testing.assert_close(encoder.embed([rna])[0], output.hidden_states[-1][0, 1:-1], atol=1e-5, rtol=0)
    torch.testing.assert_close(encoder.logits(rna), output.logits[0, 1:-1], atol=1e-5, rtol=1e-5)


def test_masked_bases_are_hidden_together_and_the_four_letters_share_all(encoder, eager, make_rna):
    rna = Rna(id="r", sequence="GACUUGACCAGUAAGCGUGA")
    ids = ids_of(encoder, rna)
    letters = [int(ids[0, 1 + rna.sequence.index(letter)]) for letter in "ACGU"]
    ids[0, [4, 8]] = encoder.tokens.mask
    with torch.inference_mode():
        expected = torch.log_softmax(eager(ids).logits[0, [4, 8]][:, letters], -1)
    found = encoder.log_probabilities(rna, [3, 7])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.exp().sum(-1), torch.ones(2))


def test_a_padded_batch_equals_batches_of_one(encoder, make_rna, read_all):
    rnas = [make_rna(n, seed=n) for n in (9, 33, 50, 50)]
    for together, rna in zip(read_all(encoder, *rnas), rnas, strict=True):
        (alone,) = read_all(encoder, rna)
        torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)
    for together, rna in zip(encoder.embed(rnas), rnas, strict=True):
        torch.testing.assert_close(together, encoder.embed([rna])[0], atol=1e-5, rtol=0)


def test_padding_without_our_mask_function_would_be_seen(encoder, make_rna, monkeypatch):
    """The fault that the mask registration prevents: padding is attended to."""
    rnas = [make_rna(9), make_rna(50)]
    honest = encoder.embed(rnas)[0]
    batch = encoder._batch

    def unmasked(encodings):
        return {**batch(encodings), "attention_mask": None}

    monkeypatch.setattr(encoder, "_batch", unmasked)
    assert (encoder.embed(rnas)[0] - honest).abs().max() > 1e-2


def test_no_mask_is_built_where_nothing_is_padded(encoder, make_rna, monkeypatch):
    masks = []
    attention = torch.nn.functional.scaled_dot_product_attention

    def spy(*args, attn_mask=None, **kwargs):
        masks.append(attn_mask)
        return attention(*args, attn_mask=attn_mask, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", spy)
    encoder.embed([make_rna(20), make_rna(20, seed=1)])
    assert masks == [None] * encoder.layers


def test_one_head_equals_the_full_read_and_stops_at_its_layer(encoder, make_rna, read_all):
    rna = make_rna(40)
    (maps,) = read_all(encoder, rna)
    called = []
    hooks = [
        module.register_forward_pre_hook(lambda *_, layer=layer: called.append(layer))
        for module, layer in encoder._layer_of.items()
    ]
    for layer in range(encoder.layers):
        for head in range(encoder.heads):
            called.clear()
            torch.testing.assert_close(encoder.read_head(rna, layer, head), maps[layer, head], atol=1e-6, rtol=0)
            assert called == list(range(layer + 1))
    for hook in hooks:
        hook.remove()


def test_one_head_of_a_batch_equals_that_of_each_rna(encoder, make_rna, monkeypatch):
    rnas, passes = [make_rna(30, seed=seed) for seed in range(4)], []
    alone = [encoder.read_head(rna, 1, 2) for rna in rnas]
    batch = encoder._batch
    monkeypatch.setattr(encoder, "_batch", lambda encodings: passes.append(len(encodings)) or batch(encodings))
    for given, counts in ((rnas, [4]), ([*rnas, make_rna(9)], [1] * 5)):
        passes.clear()
        found = encoder.read_heads(given, 1, 2)
        assert passes == counts, "without padding, or one by one"
        for one, together in zip(alone, found, strict=False):
            torch.testing.assert_close(together, one, atol=1e-7, rtol=0)


def test_on_a_cpu_only_rnas_of_one_length_are_read_at_once(encoder, make_rna, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    rnas = [make_rna(bases, seed=seed) for seed, bases in enumerate([300, 50, 300, 60, 300, 50, 300])]
    lengths = [[len(rna) for rna in batch] for batch in batches_of(rnas, encoder, (1, 2))]
    assert lengths == [[300, 300, 300], [300], [60], [50, 50]]
    assert {len(batch) for batch in batches_of(rnas, encoder)} == {1}, "of all heads the maps are what costs"
    assert {len(batch) for batch in batches_of(rnas, load("planted"), (1, 2))} == {1}


def test_a_readers_batch_leaves_what_each_rna_would(encoder, make_rna, tmp_path):
    reading = Reading(read_out=ATTENTION, scoring=Scoring(), depth=math.inf, head=(1, 2))
    rnas = [make_rna(30, seed=seed) for seed in range(3)]
    reader = Reader(encoder, reading, Store(tmp_path), {}, None)
    together = reader.read(rnas)
    for rna, (read, (entry, _)) in zip(rnas, together, strict=True):
        [(_, (alone, _))] = reader.read([rna])
        assert read is rna
        assert (entry["indices"] == alone["indices"]).all()
        torch.testing.assert_close(torch.tensor(entry["scores"]), torch.tensor(alone["scores"]), atol=1e-7, rtol=0)


def test_a_head_that_the_model_lacks_is_refused(encoder, make_rna):
    with pytest.raises(ValueError, match=r"layers 0\.\.2 of heads 0\.\.3: no 0\.4"):
        encoder.read_head(make_rna(9), 0, 4)


def test_after_an_early_exit_the_next_pass_is_bit_equal(encoder, make_rna, read_all):
    rna = make_rna(40)
    embedding, (maps,) = encoder.embed([rna])[0], read_all(encoder, rna)
    encoder.read_head(rna, 1, 2)
    next(encoder.attention(rna))
    assert torch.equal(encoder.embed([rna])[0], embedding)
    assert torch.equal(read_all(encoder, rna)[0], maps)


def test_eight_threads_equal_one(encoder, make_rna, read_all):
    rnas = [make_rna(10 + 5 * seed, seed=seed) for seed in range(8)]

    def work(rna):
        return read_all(encoder, rna)[0], encoder.read_head(rna, 2, 1), encoder.embed([rna])[0]

    alone = [work(rna) for rna in rnas]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            for found, expected in zip(pool.map(work, rnas), alone, strict=True):
                assert all(torch.equal(ours, theirs) for ours, theirs in zip(found, expected, strict=True))


class Watch:
    """Counts the layers whose maps over tokens are in memory, whenever another layer's are made."""

    def __init__(self):
        self.made, self.peaks, self.real = [], [], streaming.probabilities

    def __call__(self, *args):
        maps = self.real(*args)
        self.made.append(StorageWeakRef(maps.untyped_storage()))
        self.peaks.append(self.alive())
        return maps

    def alive(self):
        return sum(not storage.expired() for storage in self.made)


@pytest.fixture
def watch(monkeypatch):
    watch = Watch()
    monkeypatch.setattr(streaming, "probabilities", watch)
    return watch


def test_one_layer_of_maps_is_alive_at_most(encoder, make_rna, watch):
    seen = []
    encoder.read_attention([make_rna(30), make_rna(20)], lambda rna, layer, maps: seen.append(watch.alive()))
    assert seen == [1] * 2 * encoder.layers
    assert watch.peaks == [1] * encoder.layers
    assert watch.alive() == 0


def test_the_iterator_keeps_one_layer_too(encoder, make_rna, watch):
    layers = encoder.attention(make_rna(30))
    for _ in range(encoder.layers):
        maps = next(layers)
        assert watch.alive() == 1
        del maps
    assert next(layers, None) is None
    assert watch.peaks == [1] * encoder.layers
    assert watch.alive() == 0


def test_the_iterator_gives_what_the_reader_gets(encoder, make_rna, read_all):
    rna = make_rna(30)
    assert torch.equal(torch.stack([maps.clone() for maps in encoder.attention(rna)]), read_all(encoder, rna)[0])


def test_leaving_the_iterator_ends_its_thread(encoder, make_rna):
    layers = encoder.attention(make_rna(30))
    next(layers)
    assert any("attention of" in thread.name for thread in threading.enumerate())
    layers.close()
    assert not any("attention of" in thread.name for thread in threading.enumerate())


def test_errors_reach_the_caller_unchanged(encoder, make_rna):
    class OwnError(Exception):
        pass

    def reader(_rna, layer, _maps):
        if layer == 1:
            raise OwnError("here")

    with pytest.raises(OwnError, match="here"):
        encoder.read_attention([make_rna(9)], reader)
    with pytest.raises(ValueError, match="rna: 500 bases"):
        next(encoder.attention(make_rna(500)))


def test_a_copy_of_an_encoder_reads_its_own_layers(encoder, make_rna, read_all):
    rna = make_rna(20)
    assert torch.equal(read_all(copy.deepcopy(encoder), rna)[0], read_all(encoder, rna)[0])


def test_dropout_left_on_is_refused(encoder, make_rna):
    encoder.train()
    try:
        with pytest.raises(RuntimeError, match="training mode"):
            encoder.embed([make_rna(9)])
    finally:
        encoder.eval()


def test_a_class_whose_attention_never_reaches_us_is_refused_by_name(encoder, folder):
    from transformers import AutoModelForMaskedLM

    deaf = AutoModelForMaskedLM.from_pretrained(folder, attn_implementation="sdpa")
    deaf.base_model.set_attn_implementation = lambda name: None
    with pytest.raises(UnavailableError, match="toy: 0 layers"):
        TransformerEncoder(deaf, spec=copy_named(encoder.spec), tokens=encoder.tokens, fingerprint="", max_tokens=64)


def test_a_layer_that_goes_unread_is_an_error(encoder, make_rna):
    layers = encoder._layer_of
    encoder._layer_of = {**layers, torch.nn.Identity(): len(layers)}
    try:
        with pytest.raises(UnavailableError, match=r"layers \[0, 1, 2\], not from each of its 4"):
            encoder.read_attention([make_rna(9)], lambda *_: None)
    finally:
        encoder._layer_of = layers


def copy_named(spec):
    from dataclasses import replace

    return replace(spec, name="toy")
