"""Tracked searches: what more than one head gained over the single head of the same model, on the same RNAs."""

import pandas as pd

from rnaexp.report.table import Table, table_of_words
from rnaexp.tasks.metric import number

_NAMES = {
    "params.model": "model",
    "params.chosen.which_heads": "heads",
    "params.validation": "validation",
    "params.test": "test",
    "params.protocol": "protocol",
    "metrics.search.single_f1": "single_f1",
    "metrics.search.f1": "f1",
    "metrics.search.difference": "difference",
    "metrics.search.difference_low": "low",
    "metrics.search.difference_high": "high",
    "tags.rnaexp.verdict": "verdict",
    "run_id": "run_id",
}
_SAME = ["model", "validation", "test", "protocol"]


def search_rows(runs: pd.DataFrame) -> pd.DataFrame:
    """A row for each model, sets and protocol, from its newest search; by model, the largest gain first."""
    table = runs.reindex(columns=list(_NAMES)).rename(columns=_NAMES).drop_duplicates(_SAME)
    order = table.assign(gain=-pd.to_numeric(table["difference"]))
    return table.loc[order.sort_values(["test", "model", "gain"], kind="stable").index].reset_index(drop=True)


def search_table(rows: pd.DataFrame) -> Table:
    """With the sentence that the search itself ended with."""
    headings = ("model", "heads", "tuned on", "test", "protocol", "single head F1", "F1", "verdict", "run")
    lines = []
    for row in rows.fillna("").to_dict("records"):
        words = [str(row[name]) for name in ("model", "heads", "validation", "test", "protocol")]
        figures = [number(row[name]) if row[name] != "" else "" for name in ("single_f1", "f1")]
        lines.append([*words, *figures, str(row["verdict"]), str(row["run_id"])[:8]])
    return table_of_words(headings, lines)
