"""RNAs longer than a model: cut into overlapping windows, against the same in plain loops."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnaexp.errors import InputError
from rnaexp.models import load
from rnaexp.models.encoder import TransformerEncoder
from rnaexp.reading.keys import key_of_entry
from rnaexp.reading.read import read_set
from rnaexp.reading.store import Store
from rnaexp.rna import Alignment, Rna
from rnaexp.structure.pairs import pair_scores
from rnaexp.structure.protocol import ATTENTION, ReadOut, Scoring
from rnaexp.structure.reading import Reading
from rnaexp.structure.windows import Windows, averaged, windows_of

SIZES = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 16, "max_position_embeddings": 42}
SIZES |= {"initializer_range": 0.4}  # 40 bases and two special tokens
LONG = Rna(
    id="long",
    sequence="".join(np.random.default_rng(3).choice(list("ACGU"), 90)),
    pairs=((0, 89), (2, 30), (35, 60), (44, 50), (50, 88)),
)
READING = Reading(read_out=ATTENTION, scoring=Scoring(min_separation=4), depth=float("inf"), long="window")


@pytest.fixture(scope="module")
def encoder():
    return load("untrained:splicebert", config=SIZES, device="cpu", seed=2)


def by_loops(encoder, rna, layer, head, length, starts):
    """Each pair's mean over the windows that hold both bases; None where none does."""
    n = len(rna)
    total, times = np.zeros((n, n)), np.zeros((n, n), int)
    for start in starts:
        part = Rna(id="part", sequence=rna.sequence[start : start + length])
        maps = [layer_maps.clone() for layer_maps in encoder.attention(part)]
        a = (maps[layer][head] + maps[layer][head].T).double().numpy()
        for i in range(len(part)):
            for j in range(len(part)):
                total[start + i, start + j] += a[i, j] - a[i].sum() * a[:, j].sum() / a.sum()
                times[start + i, start + j] += 1
    return {
        i * n + j: total[i, j] / times[i, j] for i in range(n) for j in range(i + 4, n) if times[i, j]
    }  # candidates are 4 apart


@settings(max_examples=40, deadline=None)
@given(st.integers(4, 12), st.integers(1, 50), st.sampled_from([1, 3, 6]))
def test_windows_overlap_by_half_begin_with_whole_words_and_end_the_rna(words, more, word):
    length = words * word
    windows = Windows.over(length + more, length, word)
    cuts = windows.cuts()
    assert cuts[0].start == 0
    assert cuts[-1].stop == length + more
    assert all(cut.start % word == 0 and cut.stop - cut.start <= length for cut in cuts)
    assert all(later.start - cut.start <= max(word, length // 2) for cut, later in pairwise(cuts))
    held = windows.covered()
    n = length + more
    reach = length // 2 - word
    assert all(held[i, j] for i in range(n) for j in range(i, min(n, i + reach)))
    assert held.sum() == sum(
        any(cut.start <= min(i, j) and max(i, j) < cut.stop for cut in cuts) for i in range(n) for j in range(n)
    )


def test_a_long_rna_has_the_mean_of_its_windows_scores_and_none_beyond(encoder, tmp_path):
    assert encoder.longest == 40
    scores, skipped = read_set(encoder, [LONG], READING, Store(tmp_path), data=("x", ""))
    assert skipped == []
    (rna,) = scores.rnas
    for row, (layer, head) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        expected = by_loops(encoder, LONG, layer, head, 40, (0, 20, 40, 50))
        found = dict(zip(rna.indices[row].tolist(), rna.scores[row].tolist(), strict=True))
        assert found.keys() == expected.keys()
        assert all(found[pair] == pytest.approx(expected[pair], abs=1e-5) for pair in found)
    assert rna.candidates == len(expected)


def test_a_pair_too_far_apart_stays_in_the_reference_and_is_missed(encoder, tmp_path):
    scores, _ = read_set(encoder, [LONG], READING, Store(tmp_path), data=("x", ""))
    (rna,) = scores.rnas
    assert rna.references == 5
    assert rna.complete
    # Windows from 0, 20, 40 and 50: (0, 89) is longer than one, (35, 60) falls between two, (50, 88) is in the last.
    assert rna.hits.sum(1).tolist() == [3, 3, 3, 3]


def test_one_head_alone_is_the_same_row(encoder, tmp_path):
    every, _ = read_set(encoder, [LONG], READING, Store(tmp_path / "a"), data=("x", ""))
    one, _ = read_set(encoder, [LONG], replace(READING, head=(1, 0)), Store(tmp_path / "b"), data=("x", ""))
    np.testing.assert_allclose(one.rnas[0].scores[0], every.rnas[0].scores[2], atol=1e-6)
    also, _ = read_set(encoder, [LONG], READING, Store(tmp_path / "c"), data=("x", ""), whole=(1, 0))
    np.testing.assert_array_equal(also.rnas[0].scores, every.rnas[0].scores)
    kept = Store(tmp_path / "c").get(key_of_entry(encoder, LONG, replace(READING, head=(1, 0))))
    np.testing.assert_allclose(kept["scores"][0], every.rnas[0].scores[2], atol=1e-6)


def test_skip_counts_it_and_error_ends_the_run(encoder, tmp_path):
    _, skipped = read_set(encoder, [LONG], replace(READING, long="skip"), Store(tmp_path), data=("x", ""))
    assert [(one.id, one.failed) for one in skipped] == [("long", False)]
    with pytest.raises(InputError, match=r"long: 92 tokens; .* reads at most 42; --long skip leaves such RNAs out"):
        read_set(encoder, [LONG], replace(READING, long="error"), Store(tmp_path), data=("x", ""))


def test_only_a_windowed_result_depends_on_the_policy(encoder):
    short = Rna(id="short", sequence=LONG.sequence[:40], pairs=((0, 39),))
    skip = replace(READING, long="skip")
    assert key_of_entry(encoder, short, READING) == key_of_entry(encoder, short, skip)
    assert key_of_entry(encoder, LONG, READING) != key_of_entry(encoder, LONG, skip)
    # A list of a fixed length hides how many pairs there were to choose from.
    listed = replace(READING, depth=8.0)
    assert key_of_entry(encoder, LONG, listed) != key_of_entry(encoder, LONG, replace(listed, long="skip"))
    assert windows_of(encoder, short, "window") is None
    assert windows_of(encoder, LONG, "skip") is None


def test_what_a_window_cannot_read_is_said(encoder, tmp_path):
    strange = load("untrained:rnaernie", config={"num_hidden_layers": 1, "hidden_size": 12, "num_attention_heads": 1})
    rna = Rna(id="odd", sequence="ACGU" * 150 + "N", pairs=((0, 9),))
    assert isinstance(strange, TransformerEncoder)
    _, skipped = read_set(strange, [rna], READING, Store(tmp_path), data=("x", ""))
    assert "does not know 'N'" in skipped[0].reason


def test_alignments_are_cut_with_their_rna():
    rows = ("A" * 10, "-" * 6 + "CCCC", "G" * 10)
    rna = Rna(id="r", sequence=rows[0], alignment=Alignment(names=("r", "b", "c"), rows=rows))
    first, last = Windows(bases=10, length=6, starts=(0, 4)).parts(rna)
    assert first.alignment.names == ("r", "c")
    assert last.alignment.rows == ("AAAAAA", "--CCCC", "GGGGGG")


def test_one_window_over_all_is_the_rna_as_it_is():
    maps = torch.rand(3, 7, 7)
    whole = averaged([maps], Windows(bases=7, length=7, starts=(0,)), ReadOut())
    torch.testing.assert_close(whole, pair_scores(maps, ReadOut()))
