"""The first words of the report: which model, how sure, against what; figures planted by hand."""

import numpy as np
import pandas as pd
import pytest

from rnaexp.report.answers import answer, title_of
from rnaexp.report.leaderboards import Comparison, Leaderboard

QUESTION = {"validation": "vl", "test": "ts", "protocol": "paper", "related": "drop"}


def board(*rows):
    names = ["model", "class", "f1", "f1_low", "f1_high", "clusters"]
    frame = pd.DataFrame(rows, columns=names)
    return Leaderboard(question=QUESTION, rows=frame.assign(label=frame["model"]), means=pd.DataFrame(), tables={})


def contrast(against, difference, low, high, p, **others):
    row = {"model": "good", "against": against, "test": "ts", "protocol": "paper", "difference": difference}
    return row | {"low": low, "high": high, "p_holm": p} | others


ROWS = (
    ("worse", "diverse-ncrna", 0.4, 0.3, 0.5, 20),
    ("good", "reference", 0.6, 0.5, 0.7, 20),
    ("kernel", "control", 0.3, 0.2, 0.4, 20),
    ("stems", "control", 0.2, 0.1, 0.3, 20),
    ("viennarna", "baseline", 0.7, 0.6, 0.8, 20),
)
STANDING = pd.DataFrame(
    [
        contrast("kernel", 0.3, 0.2, 0.4, 0.001),
        contrast("viennarna", -0.1, -0.2, -0.05, 0.01),
        contrast("stems", 0.4, 0.1, 0.7, 0.06),
        contrast("untrained:good", 0.5, 0.4, 0.6, 0.001, test="another"),
        contrast("random", 0.6, 0.5, 0.7, 0.001, model="worse"),
        contrast("alifold", 0.1, np.nan, np.nan, 0.001),
    ]
)


def test_the_best_of_each_kind_is_named_with_its_interval():
    text = answer(board(*ROWS), pd.DataFrame())
    assert "Of 2 language models, good has the highest F1: 0.600 [0.500, 0.700]." in text
    assert "Best of methods that learned nothing: kernel, 0.300 [0.200, 0.400]." in text
    assert "Best of folding and covariation: viennarna, 0.700" in text


def test_a_paired_difference_counts_if_it_survives_holm_and_belongs_to_this_table():
    text = answer(board(*ROWS), STANDING)
    assert "good is clearly above kernel (+0.300 [0.200, 0.400])." in text
    assert "good is clearly below viennarna" in text
    assert "good is not clearly different from stems" in text
    assert not {"untrained:good", "random", "alifold"} & set(text.replace(",", " ").split())


def test_without_an_interval_the_order_is_not_called_sure():
    few = [(*row[:3], np.nan, np.nan, 4) for row in ROWS]
    text = answer(board(*few), STANDING)
    assert text.endswith("4 families are too few for a claim.")
    assert "clearly" not in text


@pytest.mark.parametrize(
    ("tests", "words"), [(("a",), "on a"), (("a", "b"), "on a and b"), (("a", "b", "c"), "3 test sets")]
)
def test_the_title_says_how_many_models_and_on_what(tests, words):
    boards = tuple(
        Leaderboard(question=QUESTION | {"test": test}, rows=board(*ROWS).rows, means=pd.DataFrame(), tables={})
        for test in tests
    )
    none = pd.DataFrame()
    comparison = Comparison(
        experiment="e",
        leaderboards=boards,
        families=pd.DataFrame({"model": ["other"]}),
        fitness=none,
        tasks=(),
        standing=none,
        declared=none,
        published=none,
        searches=none,
        left_out={},
        not_installed={},
    )
    assert title_of(comparison).startswith("6 models compared on")
    assert words in title_of(comparison)
