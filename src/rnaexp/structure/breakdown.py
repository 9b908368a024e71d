"""Where a frozen head is right: by kind of pair, distance, length, alignment depth, family, evidence."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from rnaexp.rna import Rna
from rnaexp.structure.decode import called_places
from rnaexp.structure.heads import HeadScores, RnaScores
from rnaexp.structure.kinds import KINDS, pair_kinds
from rnaexp.structure.protocol import Scoring

COLUMNS = ("by", "group", "rnas", "references", "calls", "right", "precision", "recall", "f1")

# Lower ends of the bins; the last one is open. 10 and 101 rows are the two sides of the paper's question.
_DISTANCES, _LENGTHS, _DEPTHS, _NEFFS = (1, 4, 16, 64), (1, 50, 100, 200, 400), (1, 2, 10, 101), (1, 4, 16, 64)


def breakdown(
    rnas: Sequence[Rna], scores: HeadScores, per_rna: pd.DataFrame, *, threshold: float, evidence: Mapping[str, str]
) -> pd.DataFrame:
    """Long table with `COLUMNS`: pairs are pooled by kind and distance; all else are means over the RNAs of a group.

    `scores` holds one head. A kind belongs to a reference pair (other calls have none and stand in no group), so by
    kind there is recall and nothing else.
    """
    by_id = {rna.id: rna for rna in rnas}
    pairs = _pairs([(by_id[one.id], one) for one in scores.scored()], threshold, scores.scoring)
    parts = [
        _of_pairs(pairs, "kind of pair", pairs["kind"], KINDS).assign(calls=np.nan, precision=np.nan, f1=np.nan),
        _of_pairs(pairs, "distance", _binned(pairs["distance"], _DISTANCES), _labels(_DISTANCES)),
        *(_of_rnas(per_rna, *grouping) for grouping in _groups(per_rna, by_id, evidence)),
    ]
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def _pairs(rnas: Sequence[tuple[Rna, RnaScores]], threshold: float, scoring: Scoring) -> pd.DataFrame:
    """One row for each pair that is called or known."""
    room = max((len(rna) ** 2 for rna, _ in rnas), default=1)  # so that a pair's number also tells its RNA
    lengths, kinds, calls = np.array([len(rna) for rna, _ in rnas], np.int64), dict[int, str](), [np.zeros(0, np.int64)]
    for at, (rna, one) in enumerate(rnas):
        n = len(rna)
        kinds |= {at * room + i * n + j: kind for (i, j), kind in pair_kinds(rna, scoring).items()}
        calls.append(at * room + one.indices[0][called_places(one, 0, threshold)].astype(np.int64))
    called, known = np.concatenate(calls), np.array(list(kinds), np.int64)
    every = np.union1d(called, known)
    which, pair = np.divmod(every, room)
    length = lengths[which]
    return pd.DataFrame(
        {
            "rna": which,
            "distance": pair % length - pair // length,
            "reference": np.isin(every, known),
            "called": np.isin(every, called),
            "kind": np.array([kinds.get(number) for number in every.tolist()], object),
        }
    )


def _of_pairs(pairs: pd.DataFrame, by: str, groups: pd.Series, order: Sequence[str]) -> pd.DataFrame:
    counted = pairs.assign(right=pairs["reference"] & pairs["called"]).groupby(groups)
    sums = counted[["reference", "called", "right"]].sum().astype(np.int64)
    table = sums.set_axis(["references", "calls", "right"], axis=1).assign(rnas=counted["rna"].nunique())
    table = table.reindex([group for group in order if group in table.index])
    right = table["right"].astype(float)
    return table.assign(
        by=by,
        group=table.index,
        precision=right / table["calls"].where(table["calls"] > 0),
        recall=right / table["references"].where(table["references"] > 0),
        f1=2 * right / (table["calls"] + table["references"]),
    )


def _of_rnas(per_rna: pd.DataFrame, by: str, groups: pd.Series, order: Sequence[str]) -> pd.DataFrame:
    grouped = per_rna.groupby(groups.to_numpy())
    # Columns together: one by one they take three times as long. Several groupings in one pass round otherwise.
    sums, means = grouped[["references", "calls", "right"]].sum(), grouped[["precision", "recall", "f1"]].mean()
    table = pd.concat([sums, means], axis=1).assign(rnas=grouped.size())
    table = table.reindex([group for group in order if group in table.index])
    return table.assign(by=by, group=table.index)


def _groups(
    per_rna: pd.DataFrame, by_id: Mapping[str, Rna], evidence: Mapping[str, str]
) -> list[tuple[str, pd.Series, list[str]]]:
    """(name, each RNA's group, the groups in order): only what tells RNAs apart or is known of them."""
    rnas = [by_id[id] for id in per_rna["rna"]]
    found = [("length", _binned(per_rna["bases"], _LENGTHS), _labels(_LENGTHS))]
    if any(rna.alignment is not None for rna in rnas):
        found.append(("alignment depth", _binned(per_rna["depth"], _DEPTHS), _labels(_DEPTHS)))
        found.append(("Neff", _binned(per_rna["neff"], _NEFFS), _labels(_NEFFS)))
    families = pd.Series([rna.family or "unknown" for rna in rnas])
    if 1 < families.nunique() < len(rnas):
        found.append(("family", families, sorted(families.unique())))
    known = pd.Series([evidence.get(rna.id, "unknown") for rna in rnas])
    found.append(("evidence", known, sorted(known.unique())))
    return found


def _binned(values: pd.Series, lower: Sequence[int]) -> pd.Series:
    return pd.cut(values, [*lower, np.inf], right=False, labels=_labels(lower)).astype(str)


def _labels(lower: Sequence[int]) -> list[str]:
    closed = [str(low) if high == low + 1 else f"{low} to {high - 1}" for low, high in pairwise(lower)]
    return [*closed, f"{lower[-1]} or more"]
