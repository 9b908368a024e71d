"""What heads attend to: a plain loop over every number of every map."""

import math

import numpy as np
import pytest
import torch

from rnaexp.rna import Rna
from rnaexp.structure.atlas import COLUMNS, Places, attended, heads_atlas, loops_of

SEQUENCE = "GGGACCAGNUCGGUACCAGAUCCC"
PAIRS = ((0, 23), (1, 22), (2, 21), (3, 17), (4, 16), (5, 15), (6, 9), (11, 14), (18, 20))


def maps_of(heads=3, special=0.2, seed=0):
    """Rows that sum to less than 1: the rest went to special tokens."""
    drawn = torch.Generator().manual_seed(seed)
    n = len(SEQUENCE)
    whole = torch.softmax(3 * torch.randn(heads, n, n + 2, generator=drawn), -1)
    return whole[:, :, 1:-1] * (1 - special)


def plain(one, loops):
    """One head, in Python numbers."""
    n, a = len(SEQUENCE), one.double().tolist()
    found = {"itself": sum(a[i][i] for i in range(n)) / n}
    found["neighbours"] = sum(a[i][j] for i in range(n) for j in range(n) if abs(i - j) == 1) / n
    rest = [1 - sum(row) for row in a]
    found["special"] = sum(rest) / n
    for letter in "ACGU":
        found[letter] = sum(a[i][j] for i in range(n) for j in range(n) if SEQUENCE[j] == letter) / n
    parts = [[*row, left] for row, left in zip(a, rest, strict=True)]
    found["entropy_bits"] = sum(-p * math.log2(p) for row in parts for p in row if p > 0) / n
    for name in ("partner", "stacked", "hairpin", "interior", "multiloop", "crossing"):
        both = [(a[i][j] + a[j][i]) / 2 for (i, j), loop in loops.items() if name in ("partner", loop)]
        found[name] = sum(both) / len(both) if both else math.nan
    return [found[name] for name in COLUMNS]


LOOPS = {
    (0, 23): "stacked",
    (1, 22): "stacked",
    (2, 21): "multiloop",
    (3, 17): "stacked",
    (4, 16): "stacked",
    (5, 15): "multiloop",
    (6, 9): "hairpin",
    (11, 14): "hairpin",
    (18, 20): "hairpin",
}


def test_the_loop_that_a_pair_closes():
    assert loops_of(PAIRS, 24) == LOOPS
    assert loops_of(((0, 20), (2, 18), (5, 12)), 24) == {(0, 20): "interior", (2, 18): "interior", (5, 12): "hairpin"}
    assert loops_of(((0, 9), (1, 8), (2, 7), (4, 15)), 24)[4, 15] == "crossing"
    assert sorted(loops_of(((0, 9), (0, 12)), 24).values()) == ["crossing", "hairpin"], "a base with two partners"


@pytest.mark.parametrize("pairs", [PAIRS, None])
def test_every_share_is_that_of_a_plain_loop(pairs):
    rna = Rna(id="x", sequence=SEQUENCE, pairs=pairs)
    maps = maps_of()
    found = attended(maps, Places.of(rna))
    wanted = [plain(one, LOOPS if pairs else {}) for one in maps]
    assert found == pytest.approx(np.array(wanted), abs=2e-6, nan_ok=True)


def test_a_table_is_the_mean_over_the_rnas_that_have_what_a_column_is_about():
    one, other = np.full((4, len(COLUMNS)), 0.2), np.full((4, len(COLUMNS)), 0.4)
    other[2, 0] = np.nan
    one[3, 1] = other[3, 1] = np.nan
    table = heads_atlas([one, other], 2)
    assert table[["layer", "head"]].to_numpy().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert table["partner"].tolist() == pytest.approx([0.3, 0.3, 0.2, 0.3])
    assert np.isnan(table["stacked"][3])
    assert set(table["rnas"]) == {2}
