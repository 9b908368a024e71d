"""Suites of assays: which tables they are, and their means, against plain loops."""

from itertools import pairwise, permutations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from rnaexp.data.assay_sets import load_assay
from rnaexp.data.suites import SUITES, members
from rnaexp.errors import InputError
from rnaexp.fitness.ranking import ranking
from rnaexp.fitness.suites import macro
from rnaexp.tasks.fitness.suite_means import suite_means
from tests.command import answer, inside
from tests.fitness.toy import WILD, library

SHEET = "DMS_ID,RNA_TYPE,TITLE\nfirst,Ribozyme,a\nsecond,Ribozyme,b\nthird,tRNA,c\nabsent,tRNA,d\n"
OTHER = "GGGAAAUCCA"


@pytest.fixture
def folder(tmp_path):
    """Three tables, two of one RNA, and a sheet that names a fourth."""
    for at, (name, wild) in enumerate((("first", WILD), ("second", WILD), ("third", OTHER))):
        variants = [one for one in library(seed=at, count=30) if one != wild]
        scores = np.random.default_rng(at).normal(size=len(variants)).round(3)
        lines = [f"{one},{score},{wild}" for one, score in zip(variants, scores, strict=True)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["sequence,DMS_score,wild_type", *lines]) + "\n")
    (tmp_path / "metadata.csv").write_text(SHEET)
    return tmp_path


def test_a_folder_is_the_assays_of_its_sheet(folder):
    found = members(str(folder))
    assert [(each.category, each.suite) for each in found] == [
        ("Ribozyme", folder.name),
        ("Ribozyme", folder.name),
        ("tRNA", folder.name),
    ]
    assert [load_assay(each.assay).name for each in found] == ["first.csv", "second.csv", "third.csv"]
    (only,) = members(str(folder), categories=["trna"])
    assert only.assay.endswith("third.csv")
    assert [each.assay for each in members(str(folder / "first.csv"))] == [str(folder / "first.csv")]


def test_a_sheet_may_lie_elsewhere(folder, tmp_path_factory):
    sheet = tmp_path_factory.mktemp("elsewhere") / "reference.csv"
    sheet.write_text('TITLE,RNA_TYPE,DMS_ID\n"two\nlines",Aptamer,second\n')
    (only,) = members(str(folder), sheet=str(sheet))
    assert (only.assay, only.category) == (str(folder / "second.csv"), "Aptamer")


@pytest.mark.parametrize(
    ("sheet", "complaint"),
    [
        ("DMS_ID,TITLE\nfirst,a\n", "a table with the columns DMS_ID and RNA_TYPE"),
        ("DMS_ID,RNA_TYPE\nfirst,\n", "row 1 has no DMS_ID or no RNA_TYPE"),
        ("DMS_ID,RNA_TYPE\nfirst,x\nfirst,y\n", "first stands in it twice"),
        ("DMS_ID,RNA_TYPE\nother,x\n", "none of the 1 assays of metadata.csv has a table"),
    ],
)
def test_a_sheet_that_says_nothing_is_refused(folder, sheet, complaint):
    (folder / "metadata.csv").write_text(sheet)
    with pytest.raises(InputError, match=complaint):
        members(str(folder))


def test_what_is_no_suite_has_no_categories(folder):
    with pytest.raises(InputError, match="has no category 'Aptamer'; it has Ribozyme, tRNA"):
        members(str(folder), categories=["Aptamer"])
    with pytest.raises(InputError, match="is one assay; --sheet and --category are for a suite"):
        members("dms_trna", categories=["tRNA"])
    with pytest.raises(InputError, match="has its own categories"):
        members("nabench-rna", sheet="metadata.csv")
    (folder / "metadata.csv").unlink()
    with pytest.raises(InputError, match=r"needs a sheet with DMS_ID and RNA_TYPE: metadata.csv, .* or --sheet"):
        members(str(folder))


def test_the_named_suite_is_29_pinned_files():
    tables = SUITES["nabench-rna"].tables
    assert len(tables) == len({table.file.sha256 for table in tables.values()}) == 29
    assert pd.Series([table.category for table in tables.values()]).value_counts().to_dict() == {
        "Ribozyme": 23,
        "Aptamer": 5,
        "tRNA": 1,
    }
    with pytest.raises(InputError, match="did you mean nabench-rna:Guy_2014_tRNA"):
        load_assay("nabench-rna:Guy_2014_tRNa")


@pytest.mark.mirror
def test_every_table_of_the_named_suite_reads(mirror):
    assays = {name: load_assay(name) for name in SUITES["nabench-rna"].tables}
    assert sum(len(assay.variants) for assay in assays.values()) == 215_171 - 24, "as many rows, less repeats"
    pitt = assays["nabench-rna:Pitt_2010_ribozyme"]
    assert pitt.caveats[0].startswith("left out: 24 rows; the first: its sequence was already in line")
    without = {name.removeprefix("nabench-rna:") for name, assay in assays.items() if assay.wild_type is None}
    assert without == {
        *("Kobori_2015_ribozyme_tw", "Kobori_2018_ribozyme", "Peri_2022_ribozyme"),
        *(f"Townshend_2015_{loop}nt_aptamer" for loop in (4, 5, 6, 7)),
    }, "whose mutations are of N"


def test_assays_of_an_rna_count_once_and_categories_alike():
    values = np.array([0.1, 0.3, 0.6, 0.2, 0.5, 0.9])
    rnas = np.array(["a", "a", "b", "c", "d", "e"])
    categories = np.array(["x", "x", "x", "x", "y", "y"])
    of_x, of_y = [0.2, 0.6, 0.2], [0.5, 0.9]
    found = macro(values, rnas, categories)
    assert found.value == pytest.approx((np.mean(of_x) + np.mean(of_y)) / 2)
    assert found.rnas == 5
    errors = [np.var(of_x, ddof=1) / 3, np.var(of_y, ddof=1) / 2]
    freedom = sum(errors) ** 2 / (errors[0] ** 2 / 2 + errors[1] ** 2 / 1)
    half = t.ppf(0.975, freedom) * np.sqrt(sum(errors)) / 2
    assert (found.low, found.high) == (pytest.approx(found.value - half), pytest.approx(found.value + half))


def test_one_category_has_students_interval():
    values = np.random.default_rng(0).normal(size=8)
    found = macro(values, np.arange(8), np.full(8, "x"))
    half = t.ppf(0.975, 7) * values.std(ddof=1) / np.sqrt(8)
    assert (found.low, found.high) == (pytest.approx(values.mean() - half), pytest.approx(values.mean() + half))


def test_a_category_of_one_rna_leaves_no_interval():
    found = macro(np.array([0.1, 0.3, 0.4, 0.5]), np.array(list("aabc")), np.array(list("xxyy")))
    assert found.value == pytest.approx((0.2 + 0.45) / 2)
    assert (found.low, found.high, found.why_no_interval) == (None, None, "one RNA in x")


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Two categories of eight and five RNAs, the second three times as spread."""
    rng, held = np.random.default_rng(1), 0
    categories, rnas = np.array(["x"] * 8 + ["y"] * 5), np.arange(13)
    for _ in range(1000):
        values = np.concatenate([rng.normal(0.2, 0.1, 8), rng.normal(0.4, 0.3, 5)])
        found = macro(values, rnas, categories)
        held += found.low <= 0.3 <= found.high
    assert 0.93 <= held / 1000 <= 0.97


def by_every_order(scores, measured):
    """NDCG of the best tenth, averaged over every order of equal scores."""
    gains = (measured - measured.min()) / np.ptp(measured)
    best, weights = max(1, len(scores) // 10), 1 / np.log2(np.arange(len(scores)) + 2)
    found = []
    for order in permutations(range(len(scores))):
        if all(scores[a] >= scores[b] for a, b in pairwise(order)):
            found.append(sum(gains[at] * weights[place] for place, at in enumerate(order[:best])))
    return np.mean(found) / sum(sorted(gains)[::-1][place] * weights[place] for place in range(best))


def test_the_other_figures_are_what_they_say():
    rng = np.random.default_rng(2)
    scores, measured = rng.integers(0, 4, 7).astype(float), rng.normal(size=7)
    found = ranking(scores, measured)
    fit, called = measured > np.median(measured), scores > np.median(scores)
    pairs = [
        (scores[a] > scores[b]) + 0.5 * (scores[a] == scores[b]) for a in range(7) for b in range(7) if fit[a] > fit[b]
    ]
    assert found.auc == pytest.approx(np.mean(pairs))
    counts = [(fit & called).sum(), (~fit & ~called).sum(), (~fit & called).sum(), (fit & ~called).sum()]
    tp, tn, fp, fn = (int(count) for count in counts)
    expected = (tp * tn - fp * fn) / np.sqrt(float((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))
    assert found.mcc == pytest.approx(expected)
    assert found.ndcg == pytest.approx(by_every_order(scores, measured))
    turned = ranking(-scores, measured)
    assert turned.auc == pytest.approx(1 - found.auc), "signed: a wrong order is not turned round"
    assert ranking(np.ones(7), measured) == (None, None, None)


def rows(model, convention, figures):
    wanted = {"a": "x", "b": "x", "c": "y", "d": "y"}
    return [
        {
            **{"suite": "s", "model": model, "convention": convention, "set": name, "category": wanted[name]},
            **{"rna": name, "spearman": value, "variants": 10, "of": 10, "coverage": 1.0},
            **dict.fromkeys(("auc", "mcc", "ndcg", "within_mutations", "over_mutations")),
            **dict.fromkeys(("low", "high", "no_interval", "over_mutations_low", "over_mutations_high")),
        }
        for name, value in figures.items()
    ]


def test_equal_names_are_means_of_equal_assays():
    """A fill that cannot score one assay is compared on the others."""
    table = pd.DataFrame(
        [
            *rows("gc", "baseline", {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}),
            *rows("m", "masked-marginal", {"a": 0.5, "b": 0.6, "c": 0.7}),
            *rows("m", "mutant-marginal", {"a": 0.2, "b": 0.4, "c": None}),
        ]
    )
    (found,) = suite_means(table)
    known = {(row.set, row.model, row.convention): row.spearman for row in found.itertuples()}
    assert known == {
        ("s: x, 2 assays", "gc", "baseline"): pytest.approx(0.15),
        ("s: y, 2 assays", "gc", "baseline"): pytest.approx(0.35),
        ("s: macro, 4 assays", "gc", "baseline"): pytest.approx(0.25),
        ("s: y, 1 assay", "gc", "baseline"): pytest.approx(0.3),
        ("s: macro, 3 assays", "gc", "baseline"): pytest.approx((0.15 + 0.3) / 2),
        ("s: x, 2 assays", "m", "masked-marginal"): pytest.approx(0.55),
        ("s: y, 1 assay", "m", "masked-marginal"): pytest.approx(0.7),
        ("s: macro, 3 assays", "m", "masked-marginal"): pytest.approx((0.55 + 0.7) / 2),
        ("s: x, 2 assays", "m", "mutant-marginal"): pytest.approx(0.3),
    }


def test_a_suite_is_one_command_and_one_table(folder):
    words = ("fitness", "--model", "gc", "--model", "mutations", "--set", folder, "--csv", "out.csv", "--json")
    found = answer(inside(*words, cwd=folder))
    table = pd.read_csv(folder / "out.csv")
    assert len(found["runs"]) == 6
    one = table[(table["model"] == "gc") & table["rna"].notna()].set_index("set")["spearman"]
    means = table[table["model"] == "gc"].set_index("set")["spearman"]
    ribozymes = means[f"{folder.name}: Ribozyme, 2 assays"]
    assert ribozymes == pytest.approx((one["first.csv"] + one["second.csv"]) / 2, abs=1e-6), "two assays of one RNA"
    expected = (ribozymes + one["third.csv"]) / 2
    assert means[f"{folder.name}: macro, 3 assays"] == pytest.approx(expected, abs=1e-6)
    why = table.set_index(["model", "set"])["no_interval"]
    assert why["gc", f"{folder.name}: macro, 3 assays"] == "one RNA in Ribozyme, tRNA"
