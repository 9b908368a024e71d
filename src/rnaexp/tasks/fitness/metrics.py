"""Every number and every column of the fitness tables, declared once: CONTRIBUTING, "Add a score"."""

from collections.abc import Callable
from typing import Any, NamedTuple

from rnaexp.fitness.agreement import Agreement
from rnaexp.fitness.ranking import Ranking
from rnaexp.reading.likelihoods import Scored
from rnaexp.tasks.fitness.measure import Fitness, Judged
from rnaexp.tasks.metric import Column, MetricSpec, Row, diagnosis, known

PREFIX = "fitness."
IN_ROWS = {"spearman_low": "low", "spearman_high": "high"}  # as JSON and CSV have always called them
FROM_ROWS = {short: name for name, short in IN_ROWS.items()}


class Line(NamedTuple):
    """The model, or a baseline, in a result."""

    result: Fitness
    judged: Judged


def _ends(found: Agreement | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if found is None else (found.value, found.low, found.high)


def _scored(read: Callable[[Scored], float]) -> Callable[[Any], float | None]:
    return lambda line: None if line.judged.scored is None else read(line.judged.scored)


def _of_ranking(name: str, title: str, read: Callable[[Ranking], float | None], *, place: int, keep: int) -> MetricSpec:
    """For comparison with other benchmarks: on screen and in the assay's own run."""
    return MetricSpec(
        name=name,
        title=title,
        of=lambda line: read(line.judged.ranking),
        in_parent="nothing",
        tables=("screen",),
        place=place,
        keep=keep,
    )


def _name(row: Row) -> str:
    """With the rows of the alignment that it read, if it read one."""
    read = float(row["alignment_rows"]) if known(row.get("alignment_rows")) else 0
    return str(row["model"]) + (f" ({read:.0f} rows)" if read > 1 else "")


def _variants(row: Row) -> str:
    if not known(row.get("variants")):
        return ""
    scored = round(row["variants"] * row["coverage"])
    return f"{scored}" + (f" of {row['of']:.0f}" if scored < row["of"] else "")


def _sample(row: Row) -> str:
    return str(row["sample"]) if known(row.get("sample")) else "all"


METRICS: tuple[MetricSpec | Column, ...] = (
    MetricSpec(
        name="spearman",
        title="Spearman",
        low="spearman_low",
        high="spearman_high",
        interval="95 % over sites",
        of=lambda line: _ends(line.judged.agreement),
        place=20,
        keep=9,
    ),
    MetricSpec(
        name="within_mutations",
        title="equal mutations",
        of=lambda line: line.judged.within,
        place=30,
        keep=5,
    ),
    MetricSpec(
        name="over_mutations",
        title="minus that of mutations",
        low="over_mutations_low",
        high="over_mutations_high",
        of=lambda line: _ends(line.judged.over_mutations),
        in_parent="nothing",
        tables=("screen",),
        place=40,
        keep=4,
        interval="",
    ),
    _of_ranking("auc", "AUROC", lambda found: found.auc, place=50, keep=2),
    _of_ranking("mcc", "MCC", lambda found: found.mcc, place=51, keep=1),
    _of_ranking("ndcg", "NDCG", lambda found: found.ndcg, place=52, keep=3),
    MetricSpec(name="coverage", of=lambda line: line.result.coverage, in_parent="nothing", tables=()),
    MetricSpec(name="variants", of=lambda line: float(len(line.result.scores)), in_parent="nothing", tables=()),
    MetricSpec(name="tied", of=lambda line: line.judged.tied, in_parent="nothing", tables=()),
    MetricSpec(name="certainty_nats", of=_scored(lambda scored: scored.certainty), in_parent="nothing", tables=()),
    MetricSpec(name="variation_nats", of=_scored(lambda scored: scored.variation), in_parent="nothing", tables=()),
    Column(name="model", title="model", cell=_name, place=0, keep=9, words=True),
    Column(name="set", title="set", cell=lambda row: str(row["set"]), tables=("screen",), place=1, keep=7, words=True),
    Column(name="convention", title="convention", cell=lambda row: str(row["convention"]), place=2, keep=8, words=True),
    Column(name="variants", title="variants", cell=_variants, tables=("screen",), place=90, keep=6),
    Column(name="variants", title="variants", cell=_sample, tables=("leaderboard",), place=90, keep=6),
    Column(name="diagnosis", title="diagnosis", cell=diagnosis, tables=("leaderboard",), place=98, keep=4, words=True),
)
