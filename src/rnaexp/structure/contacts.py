"""Contacts of proteins, as their papers report them: precision of the L, L/2 and L/5 best pairs by separation."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from rnaexp.structure.breakdown import COLUMNS
from rnaexp.structure.heads import HeadScores, RnaScores
from rnaexp.structure.ranking import precision_at

# j - i from the first to below the second. Source: Rao et al. 2021, doi:10.1101/2020.12.15.422761, after CASP.
RANGES: Mapping[str, tuple[float, float]] = {"long": (24, np.inf), "medium": (12, 24), "short": (6, 12)}
PARTS: Mapping[str, int] = {"l": 1, "l2": 2, "l5": 5}  # L, L/2, L/5


def precision_by_range(scores: HeadScores) -> pd.DataFrame:
    """One row a chain: `rna`, then for each range `long_p_at_l`, `long_p_at_l2`, `long_p_at_l5` and so on.

    L counts the whole chain, unresolved residues as well; L/2 and L/5 are rounded down. Where fewer candidate pairs lie
    in a range the missing ones count as wrong, and where there is none at all the value is NaN. `scores` holds one
    head, and every candidate of it.
    """
    return pd.DataFrame([_of_chain(chain) for chain in scores.scored()])


def mean_precisions(table: pd.DataFrame) -> dict[str, float | None]:
    """Means over the chains that have a value, None where no chain has."""
    means = table.drop(columns="rna").mean()
    return {str(name): None if pd.isna(value) else float(value) for name, value in means.items()}


def breakdown_by_range(scores: HeadScores, threshold: float) -> pd.DataFrame:
    """Calls and contacts of each range, pooled over the chains: the columns of `structure.breakdown`."""
    rows = []
    for name, within in RANGES.items():
        counts = np.array([_counts(chain, within, threshold) for chain in scores.scored()])
        references, calls, right = counts.sum(0)
        rows.append(
            {
                "by": "separation",
                "group": name,
                "rnas": int((counts[:, 0] > 0).sum()),
                "references": references,
                "calls": calls,
                "right": right,
                "precision": right / calls if calls else np.nan,
                "recall": right / references if references else np.nan,
                "f1": 2 * right / (calls + references) if calls + references else np.nan,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _of_chain(chain: RnaScores) -> dict[str, object]:
    row: dict[str, object] = {"rna": chain.id}
    for name, within in RANGES.items():
        there = _within(chain.indices[0], chain.bases, within)
        scores, hits = chain.scores[0][there].astype(np.float64), chain.hits[0][there]
        for part, divisor in PARTS.items():
            best = max(1, chain.bases // divisor)
            none = np.nan if chain.read else 0.0
            row[f"{name}_p_at_{part}"] = precision_at(scores, hits, best) if len(scores) else none
    return row


def _counts(chain: RnaScores, within: tuple[float, float], threshold: float) -> tuple[int, int, int]:
    there = _within(chain.indices[0], chain.bases, within)
    called = there & (chain.scores[0].astype(np.float64) >= threshold)
    references = _within(chain.reference, chain.bases, within)
    return int(references.sum()), int(called.sum()), int((called & chain.hits[0]).sum())


def _within(indices: np.ndarray, bases: int, within: tuple[float, float]) -> np.ndarray:
    separation = indices % bases - indices // bases
    chosen: np.ndarray = (indices >= 0) & (separation >= within[0]) & (separation < within[1])
    return chosen
