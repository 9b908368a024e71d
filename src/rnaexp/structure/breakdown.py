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
    kinds, distances = _Pairs(), _Pairs()
    for one in scores.scored():
        _count(by_id[one.id], one, threshold, scores.scoring, kinds, distances)
    parts = [
        _of_pairs(kinds, "kind of pair", KINDS).assign(calls=np.nan, precision=np.nan, f1=np.nan),
        _of_pairs(distances, "distance", _labels(_DISTANCES)),
        *(_of_rnas(per_rna, *grouping) for grouping in _groups(per_rna, by_id, evidence)),
    ]
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


class _Pairs:
    """By group: reference pairs, calls, right calls, and RNAs with a pair that is called or known."""

    def __init__(self) -> None:
        self.counts: dict[str, np.ndarray] = {}

    def add(self, groups: Mapping[str, tuple[int, int, int]]) -> None:
        """Of one RNA: references, calls, right calls."""
        for group, found in groups.items():
            self.counts[group] = self.counts.get(group, 0) + np.array([*found, 1])


def _count(rna: Rna, one: RnaScores, threshold: float, scoring: Scoring, kinds: _Pairs, distances: _Pairs) -> None:
    n = len(rna)
    known = {i * n + j: kind for (i, j), kind in pair_kinds(rna, scoring).items()}
    called = np.unique(one.indices[0][called_places(one, 0, threshold)].astype(np.int64))
    found = set(called[np.isin(called, list(known))].tolist())
    of_kinds = {kind: [place for place, its in known.items() if its == kind] for kind in set(known.values())}
    kinds.add({kind: (len(of), len(right := found & set(of)), len(right)) for kind, of in of_kinds.items()})
    parts = [
        _in_bins(places, n) for places in (np.array(list(known), np.int64), called, np.array(list(found), np.int64))
    ]
    labels = _labels(_DISTANCES)
    distances.add({labels[at]: tuple(part[at] for part in parts) for at in np.flatnonzero(parts[0] + parts[1])})


def _in_bins(places: np.ndarray, bases: int) -> np.ndarray:
    """How many pairs of each distance."""
    distance = places % bases - places // bases
    counts: np.ndarray = np.bincount(np.searchsorted(_DISTANCES, distance, "right") - 1, minlength=len(_DISTANCES))
    return counts


def _of_pairs(pairs: _Pairs, by: str, order: Sequence[str]) -> pd.DataFrame:
    groups = [group for group in order if group in pairs.counts]
    counts = np.array([pairs.counts[group] for group in groups], np.int64).reshape(-1, 4)
    table = pd.DataFrame(counts, columns=["references", "calls", "right", "rnas"], index=groups)
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
