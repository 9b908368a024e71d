import numpy as np
import pytest

from rnaexp.data.alter import altered, altered_set
from rnaexp.data.dataset import DataSet
from rnaexp.data.realign import realigned
from rnaexp.rna import Alignment, Rna


def homologs(seed, depth=12, columns=60):
    """Rows that differ from the first by substitutions and a few deletions, in their true columns."""
    rng = np.random.default_rng(seed)
    first = rng.choice(list("ACGU"), columns)
    rows = [first]
    for _ in range(depth - 1):
        row = np.where(rng.random(columns) < 0.15, rng.choice(list("ACGU"), columns), first)
        gap = int(rng.integers(10, 45))
        row[gap : gap + int(rng.integers(0, 4))] = "-"
        rows.append(row)
    return ["".join(row) for row in rows]


def alignment_of(rows):
    return Alignment(names=tuple(map(str, range(len(rows)))), rows=tuple(rows), structure_aware=True)


@pytest.mark.parametrize("seed", range(3))
def test_homologs_come_back_to_the_columns_they_belong_to(seed):
    rows = homologs(seed)
    got = realigned(alignment_of(rows))
    assert got.rows[0] == rows[0]
    assert got.depth == len(rows)
    same = [
        a == b for true, new in zip(rows, got.rows, strict=True) for a, b in zip(true, new, strict=True) if a != "-"
    ]
    assert np.mean(same) > 0.9
    assert got.structure_aware is False


def test_a_wrong_alignment_does_not_survive():
    """Rows pushed three columns aside, as no aligner would leave them, are put back."""
    rows = homologs(0)
    pushed = [rows[0], *("---" + row.replace("-", "A")[:-3] for row in rows[1:])]
    got = realigned(alignment_of(pushed))
    agree = [np.mean([a == b for a, b in zip(rows[0], row, strict=True)]) for row in got.rows[1:]]
    before = [np.mean([a == b for a, b in zip(rows[0], row, strict=True)]) for row in pushed[1:]]
    assert min(agree) > 0.6 > max(before)


@pytest.mark.parametrize("seed", range(3))
def test_no_letter_is_invented_and_the_order_of_bases_is_kept(seed):
    rows = homologs(seed)
    got = realigned(alignment_of(rows))
    for true, new in zip(rows, got.rows, strict=True):
        bases, rest = iter(true.replace("-", "")), new.replace("-", "")
        assert all(letter in bases for letter in rest), "not a subsequence of the row's own bases"


def test_an_alteration_changes_the_hash_of_the_set_and_nothing_else_about_the_rna():
    rows = homologs(0)
    rna = Rna(id="a", sequence=rows[0], pairs=((0, 9),), alignment=alignment_of(rows), family="F", cluster="c")
    data = DataSet(name="s", rnas=(rna, Rna(id="b", sequence="ACGU")), sha256="x", split="test")
    for how in ("shuffled", "depth-1", "realigned"):
        new = altered_set(data, how)
        assert new.sha256 != data.sha256
        assert new.rnas[1] == data.rnas[1]
        assert new.rnas[0].alignment == altered(rna.alignment, how)
        assert (new.rnas[0].pairs, new.rnas[0].family, new.rnas[0].cluster) == (rna.pairs, "F", "c")
    assert altered_set(data, "intact") is data


def test_an_alteration_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"upside-down.*must be one of"):
        altered(alignment_of(homologs(0)), "upside-down")
