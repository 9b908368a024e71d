import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnaexp.errors import UnsuitableError
from rnaexp.models import controls
from rnaexp.rna import Alignment, Rna

CANONICAL = {"AU", "UA", "GC", "CG", "GU", "UG"}


def alone(sequence):
    return Rna(id="x", sequence=sequence)


def aligned(rows):
    return Rna(id="x", sequence=rows[0], alignment=Alignment(names=tuple(map(str, range(len(rows)))), rows=tuple(rows)))


def random_rows(seed, depth=12, columns=30):
    rng = np.random.default_rng(seed)
    first = "".join(rng.choice(list("ACGU"), columns))
    # Rows that mostly agree with the first, or no two columns would be complementary in three rows of four.
    return [
        first,
        *("".join(rng.choice([c, "ACGUN-"[rng.integers(6)]], p=[0.85, 0.15]) for c in first) for _ in range(depth - 1)),
    ]


def plain_stack(share, i, j):
    """Walk outwards and inwards from (i, j) while the shares stay at three quarters or more."""
    if j - i <= 3 or share(i, j) < 0.75:
        return 0.0
    total, a, b = share(i, j), i - 1, j + 1
    while a >= 0 and b < share.n and share(a, b) >= 0.75:
        total, a, b = total + share(a, b), a - 1, b + 1
    a, b = i + 1, j - 1
    while b - a > 3 and share(a, b) >= 0.75:
        total, a, b = total + share(a, b), a + 1, b - 1
    return total


class Share:
    def __init__(self, rows):
        self.rows, self.n = rows, len(rows[0])

    def __call__(self, i, j):
        both = [row[i] + row[j] for row in self.rows if row[i] in "ACGU" and row[j] in "ACGU"]
        return sum(pair in CANONICAL for pair in both) / max(1, len(both))


@settings(max_examples=40, deadline=None)
@given(st.text("ACGUN", min_size=1, max_size=40))
def test_stems_agree_with_a_walk_along_each_stack(sequence):
    scores, share = controls.stem_scores(alone(sequence)), Share([sequence])
    for i in range(len(sequence)):
        for j in range(i + 1, len(sequence)):
            assert scores[i, j] == scores[j, i] == plain_stack(share, i, j)


@pytest.mark.parametrize("seed", range(4))
def test_alignment_stems_agree_with_a_walk_along_each_stack(seed):
    rows = random_rows(seed)
    scores, share = controls.alignment_stem_scores(aligned(rows)), Share(rows)
    assert scores.max() > 2
    for i in range(share.n):
        for j in range(i + 1, share.n):
            assert scores[i, j] == pytest.approx(plain_stack(share, i, j), abs=1e-5)


def test_an_alignment_of_one_row_gives_the_stems_of_the_sequence():
    rna = aligned(["GGGCAAAAGCCCAUUUAAGGGAAAU"])
    assert np.array_equal(controls.alignment_stem_scores(rna), controls.stem_scores(rna))


def test_alignment_stems_need_an_alignment():
    with pytest.raises(UnsuitableError, match="has no alignment"):
        controls.alignment_stem_scores(alone("GGGAAACCC"))


def test_canonical_ranks_pairs_by_hydrogen_bonds():
    scores = controls.canonical_scores(alone("GCAUN"))
    assert scores[0, 1] == 3
    assert scores[2, 3] == 2
    assert scores[0, 3] == 1
    assert scores[0, 2] == scores[0, 4] == scores[4, 4] == 0


def test_distance_knows_separation_alone():
    scores = controls.distance_scores(alone("GCAUNAAA"))
    assert scores[0, 4] == scores[3, 7] == 0.25


@pytest.mark.parametrize("seed", range(3))
def test_the_g_statistic_agrees_with_a_plain_loop(seed):
    rows = random_rows(seed, columns=10)
    alignment = aligned(rows).alignment
    weights = alignment.weights()
    statistic = controls.g_statistic(alignment.codes(), weights)
    for i in range(10):
        for j in range(10):
            assert statistic[i, j] == pytest.approx(0 if i == j else plain_g(rows, weights, i, j), abs=1e-8)


def plain_g(rows, weights, i, j):
    both = [(r[i], r[j], w) for r, w in zip(rows, weights, strict=True) if r[i] in "ACGU" and r[j] in "ACGU"]
    total, g = sum(w for *_, w in both), 0.0
    for a in "ACGU":
        for b in "ACGU":
            observed = sum(w for x, y, w in both if (x, y) == (a, b))
            expected = sum(w for x, _, w in both if x == a) * sum(w for _, y, w in both if y == b) / total
            g += 2 * observed * math.log(observed / expected) if observed else 0.0
    return g


def test_weights_share_what_near_copies_say():
    rows = ["ACGUACGUAC", "ACGUACGUAC", "ACGUACGUAG", "UGCAUGCAUG"]
    assert aligned(rows).alignment.weights() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1])
