"""What a probe says of a model, by plain loops: the head that was kept, intervals, and the lines of the controls."""

from collections import Counter

import lightning as L
import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

import rnaexp
from rnaexp.callbacks import Probe
from rnaexp.callbacks.letters import hidden_letters
from rnaexp.callbacks.lightning import LightningProbe
from rnaexp.callbacks.transformers import TrainerProbe
from rnaexp.data.sets import load_set
from rnaexp.models.msa_transformer import MsaTransformer, MsaTransformerConfig
from rnaexp.models.planted import stems
from rnaexp.models.rnamsm import random_network
from rnaexp.rna import Alignment, Rna
from rnaexp.stats.intervals import cluster_interval
from rnaexp.structure.protocol import scoring
from tests.callbacks.test_probe import LETTERS, Module, batches, network
from tests.planted_sets import write_set


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    return {
        "validation": str(write_set(folder / "vl.dbn", 1, 6, "v")),
        "test": str(write_set(folder / "ts.dbn", 2, 6, "t")),
    }


def changed(model):
    """The same network after a training that has moved its weights a little."""
    with torch.no_grad():
        for each in model.parameters():
            each += 0.05 * torch.randn(each.shape, generator=torch.Generator().manual_seed(each.numel()))
    return model


def f1_and_p_at_n(maps, rna, threshold):
    """By hand: symmetrise, take off what rows and columns predict, call, count."""
    n, apart = len(rna), scoring("paper").min_separation
    both = (maps + maps.T).astype(np.float64)
    scores = both - np.outer(both.sum(1), both.sum(0)) / both.sum()
    places = [(i, j) for i in range(n) for j in range(i + apart, n)]
    known = {pair for pair in rna.pairs if pair[1] - pair[0] >= apart}
    called = {(i, j) for i, j in places if np.float32(scores[i, j]) >= threshold}
    best = set(sorted(places, key=lambda pair: -scores[pair])[: len(known)])
    return 2 * len(called & known) / (len(called) + len(known)), len(best & known) / len(known)


def test_the_first_probes_head_is_kept_and_tested_on_later_weights(sets):
    model, probe = network(), Probe(LETTERS, strict=True, log=False, **sets)
    first = probe(model, 0)
    assert first["rnaexp/pairs/first_head_f1"] == first["rnaexp/pairs/f1"]
    later = probe(changed(model), 1)
    encoder = rnaexp.wrap(model, LETTERS, name="later")

    def by_hand(figures):
        at, threshold = (
            [int(figures[f"rnaexp/pairs/{name}"]) for name in ("layer", "head")],
            figures["rnaexp/pairs/threshold"],
        )
        maps = [list(encoder.attention(rna))[at[0]][at[1]].numpy() for rna in load_set(sets["test"]).rnas]
        return np.array(
            [f1_and_p_at_n(*each, threshold) for each in zip(maps, load_set(sets["test"]).rnas, strict=True)]
        )

    assert later["rnaexp/pairs/first_head_f1"] == pytest.approx(by_hand(first)[:, 0].mean(), abs=1e-6)
    ours = by_hand(later)
    assert later["rnaexp/pairs/f1"] == pytest.approx(ours[:, 0].mean(), abs=1e-6)
    interval = cluster_interval(ours[:, 1], np.arange(6), of="shares")
    for name, value in (("p_at_n", interval.mean), ("p_at_n_low", interval.low), ("p_at_n_high", interval.high)):
        assert later[f"rnaexp/pairs/{name}"] == pytest.approx(value, abs=1e-6)
    assert later["rnaexp/pairs/first_head_f1"] != later["rnaexp/pairs/f1"]


def test_every_figure_with_a_control_has_its_line(sets):
    model, probe = network(), Probe(LETTERS, strict=True, log=False, **sets)
    before, after = probe(model, 0), probe(changed(model), 4)
    for name in ("stems", "kernel"):
        frame = rnaexp.evaluate(name, **sets).frame
        assert after[f"rnaexp/pairs/{name}_f1"] == frame.loc[name, "structure.f1"]
        assert after[f"rnaexp/pairs/{name}_p_at_n"] == frame.loc[name, "structure.p_at_n"]
    counts = Counter("".join(rna.sequence for rna in load_set(sets["validation"]).rnas))
    share = {letter: counts[letter] / sum(counts[known] for known in "ACGU") for letter in "ACGU"}
    losses = [-np.log(share[rna.sequence[at]]) for rna in load_set(sets["test"]).rnas for at in hidden_letters(rna)]
    assert after["rnaexp/letters/1-mer_loss"] == pytest.approx(np.mean(losses))
    for kind, figure in (("pairs", "f1"), ("pairs", "p_at_n"), ("letters", "loss")):
        assert after[f"rnaexp/{kind}/untrained_{figure}"] == before[f"rnaexp/{kind}/{figure}"]
    assert after["rnaexp/letters/loss"] != before["rnaexp/letters/loss"]
    later_begun = Probe(LETTERS, strict=True, log=False, **sets)
    assert not [name for name in later_begun(model, 4) if "untrained" in name]


class Known:
    """Attends to each base's partner, or to all bases alike."""

    def __init__(self, share):
        self.share = share

    def attention(self, rna):
        maps = np.full((1, 1, len(rna), len(rna)), 1e-4, np.float32)
        for i, j in stems(rna.sequence):
            maps[0, 0, i, j] = self.share
        return maps + 1e-6 * np.random.default_rng(len(rna)).random(maps.shape, np.float32)


def test_controls_are_cleared_by_who_knows_the_pairs_and_by_no_other(sets):
    found = [Probe(None, strict=True, log=False, **sets)(Known(share), 0) for share in (1.0, 0.0)]
    assert [each["rnaexp/pairs/clears_controls"] for each in found] == [1.0, 0.0]
    assert found[0]["rnaexp/pairs/f1"] == 1.0
    assert found[0]["rnaexp/pairs/kernel_f1"] < 1.0


@pytest.mark.slow
def test_families_have_their_interval_and_the_line_of_letter_counts(sets):
    model = BertForMaskedLM(BertConfig(vocab_size=10, max_position_embeddings=500, **SIZES))
    found = Probe(LETTERS, strict=True, log=False, families="builtin", **sets)(model, 0)
    options = {"tasks": ["families"], "families": "builtin"}
    frame = rnaexp.evaluate([rnaexp.wrap(model, LETTERS, name="again"), "1-mer"], **options).frame
    assert found["rnaexp/families/overlap_ratio"] == frame.loc["again", "classify.overlap_ratio"]
    assert found["rnaexp/families/1-mer_overlap_ratio"] == frame.loc["1-mer", "classify.overlap_ratio"]
    ends = [found[f"rnaexp/families/overlap_{end}"] for end in ("low", "high")]
    assert ends[0] < found["rnaexp/families/overlap_ratio"] < ends[1]
    assert found["rnaexp/families/clears_controls"] == (ends[1] < frame.loc["1-mer", "classify.overlap_low"])


def test_a_resumed_training_knows_its_first_probe(sets, tmp_path):
    first = {"step": 0, "rnaexp/pairs/f1": 0.125, "rnaexp/seconds": 1.0}
    callback = LightningProbe(Probe(LETTERS, log=False, **sets))
    callback.probe.first = first
    kept = tmp_path / "kept.ckpt"
    quiet = {"accelerator": "cpu", "logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    loader = torch.utils.data.DataLoader(batches()[:1], batch_size=None)
    callback.probe.due = lambda step: False
    trainer = L.Trainer(
        max_epochs=1, default_root_dir=tmp_path, enable_checkpointing=False, callbacks=[callback], **quiet
    )
    trainer.fit(Module(), loader)
    trainer.save_checkpoint(kept)
    again = LightningProbe(Probe(LETTERS, log=False, **sets))
    again.probe.due = lambda step: False
    trainer = L.Trainer(max_epochs=2, default_root_dir=tmp_path, enable_checkpointing=False, callbacks=[again], **quiet)
    trainer.fit(Module(), loader, ckpt_path=kept)
    assert again.probe.first == first

    class State:
        global_step, log_history = 7, [{"step": 5, "loss": 1.0}, first, {"step": 6, "rnaexp/seconds": 2.0}]

    third = TrainerProbe(Probe(LETTERS, log=False, **sets))
    third.on_train_begin(None, State, None)
    assert third.probe.first == first


SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}


@pytest.mark.parametrize(("reads", "rows"), [("alignment", 3), ("sequence", 1)])
def test_an_msa_transformer_in_memory_reads_as_its_checkpoint_would(tmp_path, reads, rows):
    model: MsaTransformer = random_network(MsaTransformerConfig(**SIZES, max_rows=8), 0).train()
    model.config.rnaexp_reads = reads
    alignment = Alignment(names=("a", "b", "c"), rows=("GGGGAAAACCCC", "GCGGAAAACCGC", "GCGG--AACCGC"))
    rna = Rna(id="a", sequence=alignment.rows[0], alignment=alignment)
    encoder = rnaexp.wrap(model, name="in memory")
    cut = Rna(
        id="a", sequence=rna.sequence, alignment=Alignment(names=alignment.names[:rows], rows=alignment.rows[:rows])
    )
    ids = encoder.letters.encode(cut.alignment, range(rows))
    with torch.no_grad():
        expected = [maps[0, :, 1:, 1:] for maps in model.eval().row_attention(ids[None])]
    model.train()
    for one, other in zip(encoder.attention(rna), expected, strict=True):
        assert torch.equal(one, other)
    assert model.training
    assert encoder.spec.reads == reads
    before = encoder.fingerprint
    with torch.no_grad():
        model.embed_tokens.weight[4] += 1
    assert rnaexp.wrap(model, name="in memory").fingerprint != before
