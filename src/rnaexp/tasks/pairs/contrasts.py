"""Model against model on the same RNAs: declared contrasts, ranks, and what each open choice does to the order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Any

import numpy as np
import pandas as pd

from rnaexp import models
from rnaexp.errors import InputError
from rnaexp.stats.bootstrap import rank_intervals
from rnaexp.stats.intervals import FEWEST
from rnaexp.stats.paired import holm, paired_contrast
from rnaexp.structure.evaluate import Evaluation, paired_f1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a run recorded, and its F1 RNA by RNA (columns rna, cluster, f1); none where nothing was tuned.

    `controls`: the same of each control on the same sets.
    """

    record: dict[str, Any]
    f1: pd.DataFrame | None
    controls: "tuple[Answer, ...]" = ()

    @property
    def question(self) -> tuple[str, ...]:
        """What must be equal for two models to be compared."""
        record = self.record
        return (str(record["validation"]), record["test"], record["protocol"]["name"], record["related"])

    @property
    def who(self) -> tuple[str, str]:
        """The model and what was done to its alignments."""
        return self.record["model"], self.record["alignment"] or "intact"


def f1_of(evaluation: Evaluation) -> pd.DataFrame:
    """F1 RNA by RNA, as answers are compared."""
    return evaluation.per_rna[["rna", "cluster", "f1"]]


def groups(answers: Sequence[Answer]) -> list[tuple[tuple[str, ...], list[Answer]]]:
    """Answers that can be compared with one another, in the order in which their questions first came."""
    tuned = [answer for answer in answers if answer.f1 is not None]
    order = {question: at for at, question in enumerate(dict.fromkeys(answer.question for answer in tuned))}
    in_order = sorted(tuned, key=lambda answer: order[answer.question])
    return [(question, list(some)) for question, some in groupby(in_order, key=lambda answer: answer.question)]


def with_controls(answers: Sequence[Answer]) -> list[Answer]:
    """The answers, then each control of theirs that is not among them, once."""
    known = {(answer.question, answer.who): answer for answer in answers}
    for answer in answers:
        for control in answer.controls:
            known.setdefault((control.question, control.who), control)
    return list(known.values())


def every_two(answers: Sequence[Answer]) -> list[dict[str, str]]:
    """Each model against each named after it, as declared contrasts are written: those of two models first, then a
    model's with baselines and controls. Two of these are set against each other only where nothing else was run: each
    row costs the others in Holm's correction."""
    two = sorted(combinations(answers, 2), key=lambda pair: sum(map(_no_model, pair)))
    least = min((sum(map(_no_model, pair)) for pair in two), default=0)
    found = [
        {"model": one.who[0], "alignment": one.who[1], "against": other.who[0], "against_alignment": other.who[1]}
        for one, other in two
        if sum(map(_no_model, (one, other))) <= max(1, least)
    ]
    return list({tuple(each.items()): each for each in found}.values())


def _no_model(answer: Answer) -> bool:
    """Whether it is a baseline, or the untrained control of a model."""
    try:
        return models.is_control(answer.record["model"])
    except InputError:  # a tool's files, or a model in memory
        return False


def contrast_table(contrasts: Sequence[Mapping[str, str]], answers: Sequence[Answer]) -> pd.DataFrame:
    """Each declared contrast under each question: paired difference, interval, p-values, Holm over all rows."""
    rows = []
    for question, some in groups(answers):
        by_name = {answer.who: answer for answer in some}
        for contrast in contrasts:
            one = by_name.get((contrast["model"], contrast.get("alignment", "intact")))
            other = by_name.get((contrast["against"], contrast.get("against_alignment", "intact")))
            if one is not None and other is not None:
                rows.append(_contrast(one, other, question))
    table = pd.DataFrame(rows)
    return table.assign(p_holm=holm(table["p_sign_flip"].tolist())) if len(table) else table


def _contrast(one: Answer, other: Answer, question: tuple[str, ...]) -> dict[str, Any]:
    assert one.f1 is not None
    assert other.f1 is not None
    differences, clusters = paired_f1(one.f1, other.f1)
    found = paired_contrast(differences, clusters)
    return {
        "model": _shown(one),
        "against": _shown(other),
        "test": question[1],
        "protocol": question[2],
        "related_rnas": question[3],
        "rnas": len(differences),
        **found.row(),
    }


def _shown(answer: Answer) -> str:
    model, alignment = answer.who
    return model if alignment == "intact" else f"{model} ({alignment})"


def add_ranks(answers: Sequence[Answer]) -> None:
    """Write each run's rank among those it can be compared with, and its 95 % interval, over the RNAs all scored."""
    for _, some in groups(answers):
        if len(some) < 2:
            continue
        common = _common(some)
        clusters = np.array(common["cluster"].tolist())
        if len(set(clusters)) < FEWEST:  # an order of so few is no rank
            continue
        ranks, ends = rank_intervals(common.drop(columns="cluster").to_numpy(float).T, clusters)
        for answer, rank, (low, high) in zip(some, ranks, ends, strict=True):
            answer.record["structure"] |= {
                "rank": float(rank),
                "rank_low": float(low),
                "rank_high": float(high),
                "ranked_rnas": len(common),
            }


def _common(answers: Sequence[Answer]) -> pd.DataFrame:
    """F1 of every run (a column each, by place) on the RNAs that all of them scored, and the cluster."""
    tables = [answer.f1.set_index("rna") for answer in answers if answer.f1 is not None]
    f1 = pd.concat([table["f1"].rename(at) for at, table in enumerate(tables)], axis=1, join="inner")
    # The copy is one block: to add a column to a hundred that were put together warns of fragments.
    return f1.copy().assign(cluster=tables[0]["cluster"].reindex(f1.index))


def choices_table(answers: Sequence[Answer]) -> pd.DataFrame:
    """How each variant of the protocol changes scores and order of the models, against the first variant.

    One row a variant and pair of sets: Kendall's tau of the two orders, the model that moves most, mean and largest
    change of F1. Empty unless at least three models answer at least two variants.
    """
    rows = []
    for (validation, test), some in _by_sets(answers).items():
        first, *others = some.values()
        for other in others:
            models = [model for model in first if model in other]
            if len(models) >= 3:
                rows.append({"test": test, "tuned on": validation} | _change(first, other, models))
    return pd.DataFrame(rows)


def _by_sets(answers: Sequence[Answer]) -> dict[tuple[str, str], dict[tuple[str, ...], dict[str, Answer]]]:
    found: dict[tuple[str, str], dict[tuple[str, ...], dict[str, Answer]]] = {}
    for question, some in groups(answers):
        found.setdefault((question[0], question[1]), {})[question] = {_shown(answer): answer for answer in some}
    return found


def _change(first: Mapping[str, Answer], other: Mapping[str, Answer], models: Sequence[str]) -> dict[str, Any]:
    from scipy.stats import kendalltau, rankdata

    before, after = (np.array([_f1(side[model]) for model in models]) for side in (first, other))
    moved = rankdata(-after) - rankdata(-before)
    most = int(np.abs(moved).argmax())
    question = other[models[0]].question
    return {
        "choice": _difference(first[models[0]].question, question),
        "models": len(models),
        "kendall_tau": float(kendalltau(before, after).statistic),
        "moves_most": f"{models[most]} by {abs(moved[most]):g}" if moved.any() else "none",
        "mean_change": float(np.abs(after - before).mean()),
        "largest_change": float(np.abs(after - before).max()),
    }


def _f1(answer: Answer) -> float:
    return float(answer.record["structure"]["f1"])


def _difference(first: tuple[str, ...], other: tuple[str, ...]) -> str:
    """The protocol's name, and what is done with relatives where that differs."""
    return other[2] if first[3] == other[3] else f"{other[2]}, related {other[3]}"


def most_important(choices: pd.DataFrame) -> str:
    """In one sentence, which choice changes the order of the models most (then: their scores)."""
    worst = choices.sort_values(["kendall_tau", "mean_change"], ascending=[True, False]).iloc[0]
    size = choices.sort_values("mean_change", ascending=False).iloc[0]
    order = (
        f"The order of the {worst['models']} models changes most under {worst['choice']} on {worst['test']} "
        f"(Kendall's tau {worst['kendall_tau']:.2f}, {worst['moves_most']})"
    )
    change = f"by {size['mean_change']:.3f} on average"
    return f"{order}; scores change most under {size['choice']} on {size['test']} ({change})."
