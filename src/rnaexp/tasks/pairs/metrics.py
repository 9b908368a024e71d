"""Every number and every column of the pairs' tables, each declared once: CONTRIBUTING, "Add a score"."""

from collections.abc import Callable
from typing import Any

from rnaexp.structure.contacts import PARTS, RANGES, mean_precisions
from rnaexp.structure.evaluate import Evaluation
from rnaexp.structure.kinds import LIMITS
from rnaexp.structure.retune import Retuning
from rnaexp.tasks.metric import Column, MetricSpec, Row, TableName, known, number, with_ends
from rnaexp.tasks.pairs.result import Assessment, Result, ViewOnTest

PREFIX = "structure."
OVERLAP = "overlap_ratio"  # of the families: a column only where some run has one
_ALL: tuple[TableName, ...] = ("screen", "contacts", "leaderboard")


def prefix(result: Result) -> str:
    """Contacts of proteins have names of their own in MLflow: an F1 of theirs is never taken for one of base pairs."""
    return f"{result.task.scoring.molecule.task}."


def _tested(read: Callable[[Evaluation], Any]) -> Callable[[Result], Any]:
    return lambda result: None if result.evaluation is None else read(result.evaluation)


def _assessed(read: Callable[[Assessment], Any]) -> Callable[[Result], Any]:
    return lambda result: None if result.assessment is None else read(result.assessment)


def _retuned(read: Callable[[Retuning], Any]) -> Callable[[Result], Any]:
    return _assessed(lambda found: None if found.retuning is None else read(found.retuning))


def _as_released(name: str, found: str, what: str) -> MetricSpec:
    """Under `head: oracle`, pooled figures of the frozen head, and of the head that the test set prefers."""
    return MetricSpec(
        name=f"{name}_{what}",
        title=f"{what.upper()}, {name.removeprefix('head_')} head",
        of=lambda result: getattr(getattr(result, found), what, None),
        when=lambda result: bool(result.task.scoring.head == "oracle"),
        tables=("heads",),
        place=10 * ("f1", "mcc").index(what) + (name == "head_validated") + 10,
        keep=9,
    )


def _best_pairs(name: str) -> MetricSpec:
    """Of proteins, the precision of each chain's best pairs within a range."""
    return MetricSpec(
        name=name,
        of=lambda result: mean_precisions(result.assessment.contacts)[name],
        when=lambda result: result.assessment is not None and result.assessment.contacts is not None,
        tables=(),
    )


def _ceiling(name: str) -> MetricSpec:
    return MetricSpec(
        name=f"ceiling_{name}",
        of=lambda result: result.assessment.ceilings[f"ceiling_{name}"],
        when=lambda result: result.assessment is not None and f"ceiling_{name}" in result.assessment.ceilings,
        in_parent="nothing",
        tables=(),
    )


def _drawn(name: str, read: Callable[[ViewOnTest], Any]) -> MetricSpec:
    """Of the structures that the tuned head draws; in the test's own run."""

    def of(result: Result) -> Any:
        found = None if result.assessment is None else result.assessment.view
        value = None if found is None else read(found)
        return value if value == value else None

    def when(result: Result) -> bool:
        return result.task.scoring.molecule.brackets

    return MetricSpec(name=name, of=of, when=when, in_parent="nothing", tables=())


def _detail(name: str, read: Callable[[Evaluation], Any]) -> MetricSpec:
    """Stands in the test's own run: more columns in the list of runs would hide the headline."""
    return MetricSpec(name=name, of=_tested(read), in_parent="nothing", tables=())


def _of_wholes(name: str, title: str, place: int, read: Callable[[Evaluation], float]) -> MetricSpec:
    """A column of the widest table, and in the test's own run; not measured where no reference has what it is of."""

    def of(done: Evaluation) -> float | None:
        value = read(done)
        return value if value == value else None

    return MetricSpec(
        name=name, title=title, of=_tested(of), in_parent="nothing", tables=("screen",), place=place, keep=1
    )


def _f1(row: Row) -> str:
    """With its interval, or how few clusters there are for one."""
    if not known(row.get("f1")):
        return "not tuned"
    few = not known(row.get("f1_low")) and known(row.get("clusters"))
    return with_ends(row, "f1", "f1_low", "f1_high") + (f" n/a ({row['clusters']:.0f} clusters)" if few else "")


def _overlap(row: Row) -> str:
    """Of the families that were classified as well: the paper's other half, smaller is better."""
    return with_ends(row, "overlap_ratio", "overlap_low", "overlap_high")


def _with_tuning(row: Row) -> str:
    if not known(row.get("f1_retuned_low")):
        return ""
    return f"[{row['f1_retuned_low']:.3f}, {row['f1_retuned_high']:.3f}]"


def _rank(row: Row) -> str:
    return f"{row['rank']:g} [{row['rank_low']:g}, {row['rank_high']:g}]" if known(row.get("rank")) else ""


def _oracle(row: Row) -> str:
    return number(row["oracle_f1"]) + ("" if row["oracle_exact"] else " or more")


def _calls(row: Row) -> str:
    """Calls per 100 bases, and on shuffled RNAs, where every one is false."""
    shuffled = number(row.get("shuffled_calls_per_100_bases"), 0)
    return number(row.get("calls_per_100_bases"), 0) + (f" ({shuffled})" if shuffled else "")


def _scored(row: Row) -> str:
    """How many RNAs were scored, and which share of the set that is if not all."""
    part = f" ({row['coverage']:.0%})" if known(row.get("coverage")) and row["coverage"] < 1 else ""
    return number(row.get("rnas"), 0) + part


def _head(row: Row) -> str:
    """The head, and in how many resamples of the validation set it was chosen again; of a probe how many it uses."""
    if known(row.get("probe_heads")):
        return f"{row['probe_heads']:.0f} heads"
    if not known(row.get("f1")) or not known(row.get("layer")):
        return ""
    again = f" ({row['head_stability']:.0%})" if known(row.get("head_stability")) else ""
    return f"{row['layer']:.0f}.{row['head']:.0f}{again}"


def _within(name: str) -> Callable[[Row], str]:
    return lambda row: " ".join(number(row.get(f"{name}_p_at_{part}")) or "-" for part in PARTS)


METRICS: tuple[MetricSpec | Column, ...] = (
    MetricSpec(
        name="f1",
        title="F1",
        low="f1_low",
        high="f1_high",
        of=_tested(lambda done: (done.f1.mean, done.f1.low, done.f1.high)),
        tables=("csv",),
        place=10,
    ),
    MetricSpec(name="f1_sd", of=_tested(lambda done: done.spread.sd), tables=()),
    MetricSpec(
        name="precision",
        title="precision",
        of=_tested(lambda done: done.precision),
        tables=("screen", "contacts"),
        place=70,
        keep=2,
    ),
    MetricSpec(
        name="recall",
        title="recall",
        of=_tested(lambda done: done.recall),
        tables=("screen", "contacts"),
        place=71,
        keep=2,
    ),
    MetricSpec(name="mcc", title="MCC", of=_tested(lambda done: done.mcc), tables=("screen",), place=72, keep=1),
    _of_wholes("inf", "INF", 73, lambda done: done.inf),
    _of_wholes("stem_f1", "stem F1", 74, lambda done: done.stem_f1),
    _of_wholes("crossed_f1", "crossed F1", 75, lambda done: done.crossed_f1),
    MetricSpec(name="pooled_f1", of=_tested(lambda done: done.pooled_f1), tables=()),
    MetricSpec(
        name="auprc",
        title="AUPRC",
        of=_tested(lambda done: done.auprc if done.auprc == done.auprc else None),
        tables=("screen", "csv"),
        place=46,
        keep=3,
    ),
    MetricSpec(name="p_at_n", title="P@N", of=_tested(lambda done: done.p_at_n), place=45, keep=4),
    *(
        _as_released(name, found, what)
        for name, found in (("head_validated", "pooled"), ("head_oracle", "chosen_on_test"))
        for what in ("f1", "mcc")
    ),
    # By the statistic that was tuned, like validation_f1: pooled under averaging=pooled.
    MetricSpec(
        name="oracle_f1",
        title="oracle F1",
        of=lambda result: result.test.search.winner["f1"],
        tables=("leaderboard",),
        place=40,
        keep=6,
    ),
    MetricSpec(
        name="validation_f1",
        of=lambda result: None if result.tuned is None else result.tuned.validation_f1,
        tables=("csv",),
        place=41,
    ),
    MetricSpec(name="f1_retuned_low", of=_retuned(lambda again: again.low), tables=("csv",), place=20),
    MetricSpec(name="f1_retuned_high", of=_retuned(lambda again: again.high), tables=("csv",), place=20),
    MetricSpec(name="head_stability", of=_retuned(lambda again: again.stability), tables=("csv",), place=60),
    MetricSpec(name="f1_ceiling", of=_assessed(lambda found: found.ceilings["f1_ceiling"]), tables=("csv",), place=21),
    MetricSpec(name="shuffled_calls_per_100_bases", of=_assessed(lambda found: found.shuffled_calls), tables=()),
    MetricSpec(name="seen_families", of=_assessed(lambda found: found.seen), tables=()),
    *(_best_pairs(f"{within}_p_at_{part}") for within in RANGES for part in PARTS),
    MetricSpec(name="rnas", of=lambda result: float(len(result.test.scored)), tables=("csv",), place=90),
    MetricSpec(name="clusters", of=lambda result: float(result.oracle.f1.clusters), tables=("csv",), place=90),
    MetricSpec(name="skipped", of=lambda result: float(len(result.skipped)), tables=()),
    MetricSpec(name="coverage", of=lambda result: result.coverage, tables=("csv",), place=90),
    MetricSpec(name="related", of=lambda result: float(len(result.related)), tables=()),
    _detail("f1_q25", lambda done: done.spread.q25),
    _detail("f1_median", lambda done: done.spread.median),
    _detail("f1_q75", lambda done: done.spread.q75),
    _detail("relaxed_f1", lambda done: done.relaxed_f1),
    _detail("calls_per_100_bases", lambda done: done.calls_per_100_bases),
    _drawn("view_f1", lambda found: found.f1),
    _drawn("view_expected_f1", lambda found: float(found.per_rna["expected_f1"].mean())),
    _drawn("view_calibration_error", lambda found: found.error),
    *(_ceiling(name) for name in LIMITS),
    Column(
        name="label",
        title="model",
        cell=lambda row: str(row["label"]),
        tables=(*_ALL, "heads"),
        place=0,
        keep=9,
        words=True,
    ),
    Column(name="test", title="test", cell=lambda row: str(row["test"]), tables=("heads",), place=1, words=True),
    Column(name="rank", title="rank", cell=_rank, tables=("leaderboard",), place=5, keep=8),
    Column(name="f1", title="F1 [95 %]", cell=_f1, tables=_ALL, place=10, keep=9),
    Column(name="with_tuning", title="with tuning", cell=_with_tuning, tables=_ALL, place=20, keep=3),
    Column(name="rank", title="rank", cell=_rank, tables=("screen", "contacts"), place=30, keep=8),
    Column(name="oracle_f1", title="oracle", cell=_oracle, tables=("screen", "contacts"), place=40, keep=6),
    Column(name="long", title="long P@L, L/2, L/5", cell=_within("long"), tables=("contacts",), place=50, keep=7),
    Column(name="medium", title="medium", cell=_within("medium"), tables=("contacts",), place=51, keep=3),
    Column(name="short", title="short", cell=_within("short"), tables=("contacts",), place=52, keep=3),
    Column(name=OVERLAP, title="overlap ratio [95 %]", cell=_overlap, tables=("screen",), place=11, keep=8),
    Column(name="calls", title="calls", cell=_calls, tables=("screen",), place=80, keep=3),
    Column(name="rnas", title="RNAs", cell=_scored, tables=("screen", "leaderboard"), place=96, keep=4),
    Column(name="rnas", title="chains", cell=_scored, tables=("contacts",), place=96, keep=4),
    Column(name="head", title="head", cell=_head, tables=_ALL, place=97, keep=4),
)
