"""What a suite's assays say together: each model's mean over a category, and over all categories alike."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rnaexp.fitness.suites import Mean, macro

MACRO = "macro"
_PLAIN = ("auc", "mcc", "ndcg", "within_mutations")


class _Scored(NamedTuple):
    """One model under one convention (several where assays without a wild type are scored by another)."""

    model: str
    rows: pd.DataFrame

    @property
    def assays(self) -> frozenset[str]:
        return frozenset(self.rows["set"])


def suite_means(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """For each suite a table of means with the columns of `table`, best first; `set` names what they are of.

    A convention that cannot score an assay has no row there: then the others are averaged over the assays that it
    could score as well, so that equal names are means of equal assays.
    """
    for suite, of_suite in table.groupby("suite", sort=False):
        scored = [each for model, rows in of_suite.groupby("model", sort=False) for each in _scored(str(model), rows)]
        found = []
        for assays in sorted({each.assays for each in scored}, key=len, reverse=True):
            for each in scored:
                if assays <= each.assays:
                    own = each.rows[each.rows["set"].isin(assays)]
                    found += [_mean(each.model, f"{suite}: {name}", part) for name, part in _parts(own)]
        rows = pd.DataFrame(found, columns=table.columns).drop_duplicates()
        yield rows.sort_values(["set", "spearman"], ascending=[True, False], kind="stable")


def _scored(model: str, rows: pd.DataFrame) -> Iterator[_Scored]:
    """Without rows that have no correlation; by convention where an assay was scored by several."""
    known = rows[rows["spearman"].notna()]
    if not known["set"].duplicated().any():
        yield from [_Scored(model, known)] if len(known) else []
        return
    for _, some in known.groupby("convention", sort=False):
        if not some["set"].duplicated().any():
            yield _Scored(model, some)


def _parts(rows: pd.DataFrame) -> Sequence[tuple[str, pd.DataFrame]]:
    """Each category, then all of them; the name says how many assays there are."""
    parts = [(str(category), part) for category, part in rows.groupby("category", sort=True)]
    if len(parts) > 1:
        parts.append((MACRO, rows))
    return [(f"{name}, {len(part)} assay{'s' if len(part) > 1 else ''}", part) for name, part in parts]


def _mean(model: str, name: str, rows: pd.DataFrame) -> dict[str, Any]:
    """Assays of one RNA count once, RNAs of a category alike, categories alike; intervals are over RNAs."""
    spearman = _over(rows, "spearman")
    over = _over(rows, "over_mutations")
    found: dict[str, Any] = {
        "model": model,
        "set": name,
        "convention": " / ".join(dict.fromkeys(rows["convention"])),
        "spearman": spearman and spearman.value,
        "low": spearman and spearman.low,
        "high": spearman and spearman.high,
        "no_interval": spearman and (spearman.why_no_interval or None),
        "variants": rows["variants"].sum(),
        "of": rows["of"].sum(),
        "coverage": float(np.average(rows["coverage"], weights=rows["variants"])),
    }
    for column in _PLAIN:
        found[column] = None if (part := _over(rows, column)) is None else part.value
    if over is not None:
        found |= {"over_mutations": over.value, "over_mutations_low": over.low, "over_mutations_high": over.high}
    return found


def _over(rows: pd.DataFrame, column: str) -> Mean | None:
    """None where not every assay has the figure: a mean of some would pass for one of all."""
    if rows[column].isna().any():
        return None
    categories = rows["category"].to_numpy(str)
    return macro(rows[column].to_numpy(float), rows["rna"].to_numpy(str), categories)
