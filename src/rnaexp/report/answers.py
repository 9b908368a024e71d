"""What a reader of the comparison wants to know first: which model, how sure, against what."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from rnaexp.report.classes import LANGUAGE_MODELS
from rnaexp.report.leaderboards import Comparison, Leaderboard
from rnaexp.stats.verdict import too_few
from rnaexp.tasks.metric import Row, known, with_ends

_SIGNIFICANT = 0.05


def title_of(comparison: Comparison) -> str:
    """How many models were compared, and on what."""
    tables = comparison.leaderboards
    models = {model for table in tables for model in table.rows["model"]}
    models |= {model for table in (comparison.families, comparison.fitness) for model in table.get("model", ())}
    tests = sorted({table.question["test"] for table in tables})
    where = f" on {' and '.join(tests)}" if 0 < len(tests) <= 2 else f" on {len(tests)} test sets" if tests else ""
    return f"{len(models)} {'model' if len(models) == 1 else 'models'} compared{where}"


def answer(leaderboard: Leaderboard, standing: pd.DataFrame) -> str:
    """The best language model with its F1, the best method of each other kind, and how the paired tests end.

    `standing`: the contrasts of all leaderboards.
    """
    rows = leaderboard.rows.dropna(subset=["f1"])
    models = rows[rows["class"].isin(LANGUAGE_MODELS)]
    parts = []
    if len(models):
        best = _best(models)
        among = "The language model" if len(models) == 1 else f"Of {len(models)} language models,"
        parts.append(f"{among} {best['label']} has {'F1' if len(models) == 1 else 'the highest F1:'} {_f1(best)}.")
    for kind, words in (("control", "methods that learned nothing"), ("baseline", "folding and covariation")):
        some = rows[rows["class"] == kind]
        if len(some):
            first = _best(some)
            parts.append(f"Best of {words}: {first['label']}, {_f1(first)}.")
    if not rows["f1_low"].notna().any():
        few = too_few(int(clusters)) if (clusters := rows["clusters"].max()) == clusters else ""
        parts.append(f"{few or 'No interval is known'}.")
    elif len(models):
        parts += _paired(str(best["model"]), leaderboard, standing)
    return " ".join(parts)


def _paired(model: str, leaderboard: Leaderboard, standing: pd.DataFrame) -> Iterator[str]:
    """In words, those contrasts of the model that have an interval."""
    if standing.empty:
        return
    here = standing["model"].eq(model) & standing["test"].eq(leaderboard.question["test"])
    some = standing[here & standing["protocol"].eq(leaderboard.question["protocol"])].to_dict("records")
    tested = [row for row in some if known(row["low"])]
    sure = [row for row in tested if row["p_holm"] < _SIGNIFICANT]
    for words, found in (
        ("clearly above", [row for row in sure if row["low"] > 0]),
        ("clearly below", [row for row in sure if row["high"] < 0]),
        ("not clearly different from", [row for row in tested if row not in sure or row["low"] <= 0 <= row["high"]]),
    ):
        if found:
            against = (f"{row['against']} ({with_ends(row, 'difference', 'low', 'high', sign='+')})" for row in found)
            yield f"Compared RNA by RNA, {model} is {words} {', '.join(against)}."


def _best(rows: pd.DataFrame) -> dict[Any, Any]:
    return rows.sort_values("f1", kind="stable").to_dict("records")[-1]


def _f1(row: Row) -> str:
    return with_ends(row, "f1", "f1_low", "f1_high")
