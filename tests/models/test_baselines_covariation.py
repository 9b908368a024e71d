import math

import numpy as np
import pytest

from rnaexp.errors import UnsuitableError
from rnaexp.models.covariation import covariation_scores, mutual_information, require_covariation
from rnaexp.models.rows import select_rows
from rnaexp.rna import Alignment, Rna


def aligned(rows):
    return Rna(id="x", sequence=rows[0], alignment=Alignment(names=tuple(map(str, range(len(rows)))), rows=tuple(rows)))


def random_rows(seed, depth=20, columns=12, letters="ACGUN-"):
    rng = np.random.default_rng(seed)
    rows = ["".join(rng.choice(list(letters), columns)) for _ in range(depth - 1)]
    return ["".join(rng.choice(list("ACGU"), columns)), *rows]


def plain_information(rows, i, j):
    """Sum of p ln(p / p_i p_j), gap and N as one letter."""
    pairs = [tuple("-" if letter == "N" else letter for letter in (row[i], row[j])) for row in rows]
    total = 0.0
    for a, b in set(pairs):
        joint = pairs.count((a, b)) / len(pairs)
        first = sum(pair[0] == a for pair in pairs) / len(pairs)
        second = sum(pair[1] == b for pair in pairs) / len(pairs)
        total += joint * math.log(joint / (first * second))
    return total


@pytest.mark.parametrize("seed", range(5))
def test_scores_agree_with_plain_loops(seed):
    rows = random_rows(seed, columns=70 if seed == 0 else 12)
    n = len(rows[0])
    information = [[0.0 if i == j else plain_information(rows, i, j) for j in range(n)] for i in range(n)]
    means = [sum(row) / (n - 1) for row in information]
    overall = sum(means) / n
    expected = [[information[i][j] - means[i] * means[j] / overall for j in range(n)] for i in range(n)]
    np.fill_diagonal(expected := np.array(expected), 0)
    np.testing.assert_allclose(covariation_scores(aligned(rows)), expected, atol=1e-6)


def test_two_columns_that_always_agree_share_their_entropy():
    letters = np.array([[0, 3], [1, 2], [2, 1], [3, 0]], dtype=np.uint8)
    assert mutual_information(letters)[0, 1] == pytest.approx(math.log(4))


def test_a_compensated_pair_outranks_all_others():
    rng = np.random.default_rng(0)
    rows = []
    for row in random_rows(1, depth=60, letters="ACGU"):
        base = rng.integers(4)
        rows.append(f"{'ACGU'[base]}{row}{'UGCA'[base]}")
    scores = covariation_scores(aligned(rows))
    assert np.unravel_index(scores.argmax(), scores.shape) in ((0, 13), (13, 0))


def test_an_alignment_without_covariation_is_refused():
    for rows, reason in (
        (["ACGU"], "depth-1"),
        (["ACGU", "ACGU"], "fewer than two variable"),
        (["ACGU", "ACGG"], "fewer than two variable"),
    ):
        with pytest.raises(UnsuitableError, match=reason):
            require_covariation(aligned(rows))
    independent = aligned([a + b for a in "AC" for b in "GU"])
    require_covariation(independent)
    with pytest.raises(UnsuitableError, match="no two columns"):
        covariation_scores(independent)


def test_constant_columns_share_exactly_nothing():
    rows = [f"A{row}C" for row in random_rows(2, depth=37)]
    information = mutual_information(np.array([["ACGU".find(x) % 5 for x in row] for row in rows], dtype=np.uint8))
    assert not information[0].any()
    assert not information[:, -1].any()


def test_rows_are_chosen_as_the_plain_greedy_rule_says():
    rows = random_rows(4, depth=30)
    rows.insert(3, rows[0])  # a copy of the query is the last thing wanted
    alignment = aligned(rows).alignment
    chosen = [0]
    while len(chosen) < 8:
        rest = [k for k in range(len(rows)) if k not in chosen]
        chosen.append(max(rest, key=lambda k: (sum(differences(rows[k], rows[c]) for c in chosen), -k)))
    assert select_rows(alignment, 8) == tuple(sorted(chosen))
    assert select_rows(alignment, 1) == (0,)
    assert select_rows(alignment, 31) == tuple(range(31))
    assert len(set(select_rows(alignment, 30))) == 30


def differences(a, b):
    return sum(x != y for x, y in zip(a, b, strict=True))
