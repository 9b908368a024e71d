import numpy as np
import pandas as pd
import pytest

from rnaexp.rna import Alignment
from rnaexp.structure.breakdown import breakdown
from rnaexp.structure.evaluate import evaluate_head
from rnaexp.structure.kinds import pair_kinds
from tests.structure.examples import PAPER, random_attention, random_rna, scores_of, table_of

THRESHOLD = 0.02


def aligned(rna, depth):
    rows = (rna.sequence,) * depth
    return rna.__class__(
        id=rna.id,
        sequence=rna.sequence,
        pairs=rna.pairs,
        cluster=rna.cluster,
        family=f"F{int(rna.id) % 2}",
        alignment=Alignment(names=tuple(map(str, range(depth))), rows=rows),
    )


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(0)
    rnas = [aligned(random_rna(rng, int(rng.integers(30, 130)), id=str(at)), (1, 5, 120)[at % 3]) for at in range(7)]
    tables = [table_of(rna, [random_attention(rng, 1, len(rna), rna, 3.0)]) for rna in rnas]
    scores = scores_of(tables, heads=1)
    per_rna = evaluate_head(scores, layer=0, head=0, threshold=THRESHOLD).per_rna
    per_rna = per_rna.assign(depth=[rna.alignment.depth for rna in rnas], neff=1.0)
    evidence = {rna.id: "published" if int(rna.id) < 3 else "predicted" for rna in rnas}
    return rnas, scores, per_rna, breakdown(rnas, scores, per_rna, threshold=THRESHOLD, evidence=evidence)


def called(scores, at):
    rna = scores.rnas[at]
    chosen = rna.indices[0][rna.scores[0].astype(float) >= THRESHOLD]
    return {(int(index) // rna.bases, int(index) % rna.bases) for index in chosen}


def group(table, by, name):
    return table[(table["by"] == by) & (table["group"] == name)].iloc[0]


def test_recall_of_each_kind_is_counted_pair_by_pair(case):
    rnas, scores, _, table = case
    for kind in table.loc[table["by"] == "kind of pair", "group"]:
        known = [(at, p) for at, rna in enumerate(rnas) for p, k in pair_kinds(rna, PAPER).items() if k == kind]
        right = sum(pair in called(scores, at) for at, pair in known)
        row = group(table, "kind of pair", kind)
        assert (row["references"], row["right"]) == (len(known), right)
        assert row["recall"] == pytest.approx(right / len(known))
        assert pd.isna(row["precision"])
    total = table.loc[table["by"] == "kind of pair", "references"].sum()
    assert total == sum(len(rna.pairs) for rna in rnas), "every reference pair has one kind"


@pytest.mark.parametrize(
    ("name", "low", "high"), [("1 to 3", 1, 3), ("4 to 15", 4, 15), ("16 to 63", 16, 63), ("64 or more", 64, 999)]
)
def test_distances_pool_the_pairs_of_all_rnas(case, name, low, high):
    rnas, scores, _, table = case
    calls = {(at, p) for at in range(len(rnas)) for p in called(scores, at) if low <= p[1] - p[0] <= high}
    known = {(at, p) for at, rna in enumerate(rnas) for p in rna.pairs if low <= p[1] - p[0] <= high}
    row = group(table, "distance", name)
    assert (row["calls"], row["references"], row["right"]) == (len(calls), len(known), len(calls & known))
    assert row["f1"] == pytest.approx(2 * len(calls & known) / (len(calls) + len(known)))


def test_groups_of_rnas_are_means_over_their_rnas(case):
    rnas, _, per_rna, table = case
    f1 = dict(zip(per_rna["rna"], per_rna["f1"], strict=True))
    for by, name, members in (
        ("alignment depth", "1", [r for r in rnas if r.alignment.depth == 1]),
        ("alignment depth", "2 to 9", [r for r in rnas if r.alignment.depth == 5]),
        ("alignment depth", "101 or more", [r for r in rnas if r.alignment.depth == 120]),
        ("family", "F0", [r for r in rnas if r.family == "F0"]),
        ("evidence", "published", rnas[:3]),
        ("length", "50 to 99", [r for r in rnas if 50 <= len(r) < 100]),
    ):
        row = group(table, by, name)
        assert row["rnas"] == len(members) > 0
        assert row["f1"] == pytest.approx(np.mean([f1[r.id] for r in members]))


def test_every_rna_stands_once_under_each_heading(case):
    rnas, _, _, table = case
    for by in ("length", "alignment depth", "Neff", "family", "evidence"):
        assert table.loc[table["by"] == by, "rnas"].sum() == len(rnas)
