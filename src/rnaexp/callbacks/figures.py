"""The figures of one probe, by their names in MLflow, each with its interval and the lines of what has learned nothing.

Of `clears_controls`, 1: the interval is on the better side of every control, 0: it is not; left out where the test set
has too few clusters for an interval.
"""

from collections.abc import Mapping
from typing import Any

from rnaexp.classify.measure import Design
from rnaexp.models.spec import Encoder
from rnaexp.progress import silence
from rnaexp.reading.store import Store
from rnaexp.stats.intervals import FEWEST, cluster_interval
from rnaexp.structure.evaluate import Evaluation, TooShallowError, evaluate_head
from rnaexp.structure.steps import Point, clears
from rnaexp.tasks.families.measure import Classified, classify
from rnaexp.tasks.families.settings import ClassifyTask, protocol
from rnaexp.tasks.pairs.parts import whole_head
from rnaexp.tasks.pairs.result import Result
from rnaexp.tasks.pairs.sets import Sets

Figures = dict[str, float | None]
WORDS = "1-mer"  # the control of letters and of families: how frequent each letter is
_UNTRAINED = ("pairs/f1", "pairs/p_at_n", "letters/loss", "families/overlap_ratio")


def of_pairs(result: Result, controls: Mapping[str, Evaluation]) -> Figures:
    """Of the head that was tuned now."""
    done, tuned = result.evaluation, result.tuned
    assert done is not None
    assert tuned is not None
    table = done.per_rna
    at_n = cluster_interval(table["p_at_n"].to_numpy(), table["cluster"].to_numpy(), of="shares")
    above = None
    if done.f1.clusters >= FEWEST:
        rivals = {name: each.per_rna for name, each in controls.items()}
        above = clears(Point(step=0, validation_f1=0.0, f1=table), rivals)
    found: Figures = {
        "rnaexp/pairs/f1": done.f1.mean,
        "rnaexp/pairs/f1_low": done.f1.low,
        "rnaexp/pairs/f1_high": done.f1.high,
        "rnaexp/pairs/p_at_n": done.p_at_n,
        "rnaexp/pairs/p_at_n_low": at_n.low,
        "rnaexp/pairs/p_at_n_high": at_n.high,
        "rnaexp/pairs/oracle_f1": result.oracle.f1.mean,
        "rnaexp/pairs/layer": float(tuned.layer),
        "rnaexp/pairs/head": float(tuned.head),
        "rnaexp/pairs/threshold": tuned.threshold,
        "rnaexp/pairs/clears_controls": None if above is None else float(above),
    }
    for name, each in controls.items():
        found |= {f"rnaexp/pairs/{name}_f1": each.f1.mean, f"rnaexp/pairs/{name}_p_at_n": each.p_at_n}
    return found


def at_head(result: Result, head: Mapping[str, float], store: Store) -> float:
    """F1 on the test set of the head and threshold in the figures of an earlier probe."""
    layer, number = int(head["rnaexp/pairs/layer"]), int(head["rnaexp/pairs/head"])
    how: Any = {"layer": layer, "head": number, "threshold": head["rnaexp/pairs/threshold"]}
    try:
        return evaluate_head(result.test.scores, **how).f1.mean
    except TooShallowError:  # a threshold below what is kept of this head: it is read once more, whole
        test = result.test
        whole = whole_head(result.encoder, test, (layer, number), test.scored, store, silence)
        return evaluate_head(whole, **how).f1.mean


def families_task(model: str, families: str, unseen_by: str) -> ClassifyTask:
    """Without the shuffled labels of a whole run: at every step they say the same."""
    chosen = protocol(unseen_by=unseen_by)
    return ClassifyTask(model=model, families=families, protocol=chosen, design=Design(permutations=0))


def of_families(task: ClassifyTask, store: Store, encoder: Encoder, control: Classified) -> Figures:
    """The overlap ratio with its interval over families."""
    mine, theirs = classify(task, store, silence, encoder).every, control.every
    name = task.protocol.estimator
    spread, line = mine.intervals.get(name), theirs.intervals.get(name)
    below = None if spread is None or line is None else float(spread.high < line.low)
    return {
        "rnaexp/families/overlap_ratio": mine.overlaps[name],
        "rnaexp/families/overlap_low": None if spread is None else spread.low,
        "rnaexp/families/overlap_high": None if spread is None else spread.high,
        "rnaexp/families/auroc": mine.auroc.value,
        f"rnaexp/families/{WORDS}_overlap_ratio": theirs.overlaps[name],
        "rnaexp/families/clears_controls": below,
    }


def untrained(first: Mapping[str, float]) -> Figures:
    """The lines of the untrained model, if the first probe was at step 0."""
    if first.get("step") != 0:
        return {}
    lines: Figures = {}
    for name in _UNTRAINED:
        kind, _, figure = name.partition("/")
        lines[f"rnaexp/{kind}/untrained_{figure}"] = first.get(f"rnaexp/{name}")
    return lines


def controls_for(encoder: Encoder, sets: Sets) -> tuple[str, ...]:
    """What has learned nothing (`stems`) or nine numbers (`kernel`), reading what the model reads."""
    deep = encoder.spec.reads == "alignment" and all(rna.alignment for rna in sets[1].rnas)
    return ("stems-alignment", "kernel-alignment") if deep else ("stems", "kernel")
