"""Apply a frozen head to a set it was not tuned on."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Shaped

from rnaexp.errors import LeakageError
from rnaexp.stats.intervals import Interval, cluster_interval
from rnaexp.structure.decode import called_places
from rnaexp.structure.heads import HeadScores, RnaScores, TunedHead
from rnaexp.structure.levels import crossed_f1, stem_f1
from rnaexp.structure.ranking import without_threshold
from rnaexp.structure.relaxed import relaxed_hits


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How F1 differs between RNAs: the sample's standard deviation (0 for one RNA) and its quartiles."""

    sd: float
    q25: float
    median: float
    q75: float

    @classmethod
    def of(cls, values: Float[np.ndarray, "r"]) -> "Spread":
        """Raises: ValueError for no values at all."""
        q25, median, q75 = (float(q) for q in np.quantile(values, [0.25, 0.5, 0.75]))
        return cls(sd=float(values.std(ddof=1)) if len(values) > 1 else 0.0, q25=q25, median=median, q75=q75)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Per-RNA scores and their means over the RNAs that have reference pairs; 0 for those that could not be read.

    `spread`: standard deviation and quartiles of F1 over the RNAs. `auprc` and `p_at_n` need no threshold; `auprc` is
    NaN where kept lists end before the last reference pair. `relaxed_f1`: the same calls, one base off by one allowed.
    `inf`: interaction network fidelity, sqrt(precision x recall), doi:10.1261/rna.1700409. `stem_f1`, `crossed_f1`
    (`structure.levels`): over the RNAs whose reference has stems, crossing pairs; NaN where none has any.
    """

    per_rna: pd.DataFrame
    f1: Interval
    spread: Spread
    precision: float
    recall: float
    mcc: float
    pooled_f1: float
    auprc: float
    p_at_n: float
    relaxed_f1: float
    inf: float
    stem_f1: float
    crossed_f1: float
    calls_per_100_bases: float


class TooShallowError(ValueError):
    """The kept pairs of some RNAs end above the threshold; read them deeper first."""

    def __init__(self, ids: list[str]) -> None:
        self.ids = ids
        super().__init__(f"{len(ids)} RNAs, first {ids[0]}: kept pairs end above the threshold")


def evaluate(scores: HeadScores, tuned: TunedHead, *, allow_related: bool = False) -> Evaluation:
    """Score the frozen head and threshold.

    Raises: LeakageError if the set, or one of its clusters, was tuned on (`allow_related`: clusters may be);
        ValueError if model, weights, read-out or scoring differ; TooShallowError.
    """
    refuse_misuse(scores, tuned, allow_related=allow_related)
    return evaluate_head(scores, layer=tuned.layer, head=tuned.head, threshold=tuned.threshold)


def evaluate_head(scores: HeadScores, *, layer: int, head: int, threshold: float) -> Evaluation:
    """Score any head at any threshold: the oracle's own, or a threshold that needed no tuning."""
    row = scores.row(layer, head)
    shallow = [rna.id for rna in scores.scored() if not rna.complete and not rna.scores[row][-1] < threshold]
    if shallow:
        raise TooShallowError(shallow)
    table = pd.DataFrame([_count(rna, row, threshold) for rna in scores.scored()])
    table = pd.concat([table, _rates(table)], axis=1)
    if scores.scoring.molecule.brackets:
        table = pd.concat([table, pd.DataFrame([_wholes(rna, row, threshold) for rna in scores.scored()])], axis=1)
    return Evaluation(
        per_rna=table,
        f1=cluster_interval(table["f1"].to_numpy(), table["cluster"].to_numpy(), of="shares"),
        spread=Spread.of(table["f1"].to_numpy()),
        precision=float(table["precision"].mean()),
        recall=float(table["recall"].mean()),
        mcc=float(table["mcc"].mean()),
        pooled_f1=float(2 * table["right"].sum() / (table["calls"].sum() + table["references"].sum())),
        auprc=float(table["auprc"].mean(skipna=False)),
        p_at_n=float(table["p_at_n"].mean()),
        relaxed_f1=float(table["relaxed_f1"].mean()),
        inf=float(table["inf"].mean()),
        stem_f1=_mean_where_any(table, "stem_f1"),
        crossed_f1=_mean_where_any(table, "crossed_f1"),
        calls_per_100_bases=float(100 * table["calls"].sum() / sum(rna.bases for rna in scores.scored() if rna.read)),
    )


def paired_f1(one: pd.DataFrame, other: pd.DataFrame) -> tuple[Float[np.ndarray, "r"], Shaped[np.ndarray, "r"]]:
    """Differences of F1 over the RNAs that stand in both per-RNA tables, and these RNAs' clusters."""
    both = one.merge(other, on="rna", suffixes=("", "_other"))
    return (both["f1"] - both["f1_other"]).to_numpy(), np.array(both["cluster"].tolist())


def _count(rna: RnaScores, row: int, threshold: float) -> dict[str, object]:
    called = rna.scores[row].astype(np.float64) >= threshold
    auprc, p_at_n = without_threshold(rna, row)
    near = relaxed_hits(rna.indices[row : row + 1, called], rna.reference, rna.bases)
    return {
        "rna": rna.id,
        "cluster": rna.cluster,
        "bases": rna.bases,
        "candidates": rna.candidates,
        "references": rna.references,
        "calls": int(called.sum()),
        "right": int((called & rna.hits[row]).sum()),
        "auprc": auprc,
        "p_at_n": p_at_n,
        "relaxed_f1": 2 * int(near.sum()) / (int(called.sum()) + rna.references),
    }


def _wholes(rna: RnaScores, row: int, threshold: float) -> dict[str, float]:
    pairs = rna.indices[row, called_places(rna, row, threshold)].astype(np.int64)
    parts = pairs, rna.reference, rna.bases
    return {"stem_f1": stem_f1(*parts), "crossed_f1": crossed_f1(*parts)}


def _mean_where_any(table: pd.DataFrame, name: str) -> float:
    """NaN for proteins, which have neither stems nor pseudoknots, and where no RNA's reference has any."""
    return float(table[name].mean()) if name in table else float("nan")


def _rates(table: pd.DataFrame) -> pd.DataFrame:
    """Precision, recall, F1, MCC of each RNA; precision and MCC are 0 where nothing is called, as in scikit-learn."""
    right, calls, references = (table[name].to_numpy(float) for name in ("right", "calls", "references"))
    wrong, missed = calls - right, references - right
    left = table["candidates"].to_numpy(float) - right - wrong - missed
    product = calls * references * (left + wrong) * (left + missed)
    return pd.DataFrame(
        {
            "precision": right / np.maximum(calls, 1),
            "recall": right / references,
            "f1": 2 * right / (calls + references),
            "inf": right / np.sqrt(np.maximum(calls, 1) * references),
            "mcc": (right * left - wrong * missed) / np.sqrt(np.maximum(product, 1)),
        }
    )


def refuse_misuse(scores: HeadScores, tuned: TunedHead, *, allow_related: bool) -> None:
    """What `evaluate` refuses before it scores. Raises: LeakageError, ValueError."""
    _refuse_other_protocol(scores, tuned)
    refuse_leakage(scores, tuned, allow_related=allow_related)


def _refuse_other_protocol(scores: HeadScores, tuned: TunedHead) -> None:
    for what in ("model", "weights", "read_out", "scoring"):
        ours, theirs = getattr(scores, what), getattr(tuned, what)
        if ours != theirs:
            message = f"the head was tuned with {what} {theirs}, these scores were made with {ours}"
            raise ValueError(message)


def refuse_leakage(scores: HeadScores, tuned: TunedHead, *, allow_related: bool) -> None:
    """Raises: LeakageError naming the RNA."""
    if scores.data_sha256 == tuned.tuned_on_sha256:
        message = f"{scores.data} is the set that {tuned.model} was tuned on; test on another one"
        raise LeakageError(message)
    for rna in scores.scored():
        if rna.sequence_sha256 in tuned.sequences:
            message = f"{rna.id} of {scores.data} was tuned on (in {tuned.tuned_on})"
        elif rna.cluster in tuned.clusters and not allow_related:
            message = f"{rna.id} of {scores.data} has a relative in {tuned.tuned_on} (cluster {rna.cluster})"
        else:
            continue
        raise LeakageError(message)
