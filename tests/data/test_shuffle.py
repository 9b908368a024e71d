from collections import Counter
from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from rnaexp.data.shuffle import dinucleotide_shuffle, first_rows, sampled_rows, shuffle_columns, shuffled_columns
from rnaexp.models.covariation import mutual_information
from rnaexp.rna import Alignment, Rna


@settings(max_examples=100, deadline=None)
@given(st.text("ACGUN", min_size=1, max_size=60), st.integers(0, 5))
def test_every_dinucleotide_is_kept(sequence, seed):
    shuffled = dinucleotide_shuffle(sequence, seed)
    assert Counter(pairwise(shuffled)) == Counter(pairwise(sequence))
    assert (shuffled[0], shuffled[-1], len(shuffled)) == (sequence[0], sequence[-1], len(sequence))


def test_every_sequence_with_the_same_dinucleotides_is_equally_likely():
    sequence = "ACGACUAGA"
    wanted = Counter(pairwise(sequence))
    middle = sequence[1:-1]
    possible = {"A" + "".join(p) + "A" for p in permutations(middle)}
    possible = sorted(s for s in possible if Counter(pairwise(s)) == wanted)
    assert len(possible) > 5
    drawn = Counter(dinucleotide_shuffle(sequence, seed) for seed in range(200 * len(possible)))
    assert set(drawn) == set(possible)
    assert chisquare([drawn[s] for s in possible]).pvalue > 0.001


def test_a_seed_gives_one_shuffle_and_another_seed_another():
    sequence = "GGGAAACCCUUUGCGCAUAUGGCC"
    assert dinucleotide_shuffle(sequence, 1) == dinucleotide_shuffle(sequence, 1) != dinucleotide_shuffle(sequence, 2)


def test_a_shuffled_columns_is_known_to_have_no_pairs():
    twin = shuffled_columns(Rna(id="x", sequence="GGGAAACCC", pairs=((0, 8),), family="F"), 0)
    assert (twin.pairs, twin.family, twin.alignment) == ((), None, None)


def rows(columns, depth):
    names = tuple(map(str, range(depth)))
    return Alignment(names=names, rows=tuple("".join(column[at] for column in columns) for at in range(depth)))


def test_shuffled_columns_keep_conservation_and_lose_covariation():
    depth = 400
    left = ["ACGU"[at % 4] for at in range(depth)]
    right = [{"A": "U", "C": "G", "G": "C", "U": "A"}[letter] for letter in left]
    alignment = rows([left, right, ["-" if at % 7 == 3 else "A" for at in range(depth)]], depth)
    shuffled = shuffle_columns(alignment, 0)
    assert shuffled.rows[0] == alignment.rows[0]
    for before, after in zip(zip(*alignment.rows, strict=True), zip(*shuffled.rows, strict=True), strict=True):
        assert Counter(before) == Counter(after)
    assert mutual_information(alignment.codes())[0, 1] > 1.3
    assert mutual_information(shuffled.codes())[0, 1] < 0.05


@pytest.mark.parametrize("depth", [1, 2, 9])
def test_first_rows_keep_the_rna_first(depth):
    alignment = rows([list("ACGU"), list("GGCA")], 4)
    assert first_rows(alignment, depth).rows == alignment.rows[:depth]


def test_samples_of_rows_hold_the_rna_and_lie_in_one_another():
    rows = tuple("ACGU"[at % 4] * 3 + f"{'ACGU'[at // 4 % 4]}" for at in range(16))
    alignment = Alignment(names=tuple(f"r{at}" for at in range(16)), rows=rows)
    samples = [sampled_rows(alignment, depth, 0) for depth in (1, 2, 4, 8, 16, 64)]
    assert [sample.depth for sample in samples] == [1, 2, 4, 8, 16, 16]
    for smaller, larger in pairwise(samples):
        assert smaller.names[0] == "r0"
        assert set(smaller.names) <= set(larger.names)
        assert all(dict(zip(alignment.names, alignment.rows, strict=True))[n] == r
                   for n, r in zip(smaller.names, smaller.rows, strict=True))  # fmt: skip
    assert samples[-1] == alignment
    assert sampled_rows(alignment, 4, 1).names != samples[2].names
