"""Every number of the families' tables, declared once: CONTRIBUTING, "Add a score"."""

from collections.abc import Callable, Iterable
from typing import Any, Literal

from rnaexp.classify.measure import Measured
from rnaexp.classify.overlap import iou
from rnaexp.tasks.families.measure import Classified
from rnaexp.tasks.metric import Column, MetricSpec, Row, TableName, diagnosis

PREFIX = "classify."
_EVERY: tuple[TableName, ...] = ("screen", "drawn", "leaderboard")
_DRAWN = ("overlap_iou", "overlap_area", "delta_mean", "delta_median", "f1", "mcc")
Which = Literal["every", "matched", "remote"]


def _of(which: Which, read: Callable[[Measured, Any], Any]) -> Callable[[Classified], Any]:
    """Of the pairs that are meant, by the protocol's estimator."""
    return lambda result: read(getattr(result, which), result.task.protocol.estimator)


def _has(which: Which) -> Callable[[Classified], bool]:
    return lambda result: getattr(result, which) is not None


def _overlap(found: Measured, estimator: Any) -> tuple[float, float, float]:
    return found.overlaps[estimator], found.intervals[estimator].low, found.intervals[estimator].high


def _area(found: Measured, _: Any) -> tuple[float, float, float]:
    return found.auroc.value, found.intervals["auroc"].low, found.intervals["auroc"].high


def _null(found: Measured, estimator: Any) -> float | None:
    return found.null[estimator].mean if found.null else None


def _of_pairs(which: Which, start: str, title: str, *, place: int, shown: bool) -> tuple[MetricSpec, ...]:
    """Of one kind of pairs: all, length-matched, or homologs less alike than the protocol says."""
    return (
        MetricSpec(
            name=f"{start}overlap_ratio",
            title=f"overlap ratio, area{title}",
            better="lower",
            low=f"{start}overlap_low",
            high=f"{start}overlap_high",
            of=_of(which, _overlap),
            when=_has(which),
            in_parent="all" if which == "every" else "value" if shown else "nothing",
            tables=("screen", "leaderboard") if shown else ("screen",),
            place=place,
            keep=9 if which == "every" else 4,
        ),
        MetricSpec(
            name=f"{start}overlap_iou",
            title=f"overlap ratio, IoU{title}",
            better="lower",
            of=_of(which, lambda found, estimator: iou(found.overlaps[estimator])),
            when=_has(which),
            in_parent="all" if which == "every" else "nothing",
            tables=("screen", "leaderboard") if which == "every" else (),
            place=place + 1,
            keep=6,
        ),
        MetricSpec(
            name=f"{start}null_overlap",
            title=f"shuffled{title}",
            of=_of(which, _null),
            when=_has(which),
            in_parent="nothing",
            tables=("screen",) if shown else (),
            place=place + 2,
            keep=3,
        ),
        MetricSpec(
            name=f"{start}auroc",
            title=f"AUROC{title}",
            low=f"{start}auroc_low",
            high=f"{start}auroc_high",
            of=_of(which, _area),
            when=_has(which),
            in_parent="value" if shown else "nothing",
            tables=("screen", "leaderboard") if shown else (),
            place=place + 3,
            keep=5 if which == "every" else 3,
            ends_shown=False,
        ),
    )


def _drawn(name: str, of: Callable[[Any], float]) -> MetricSpec:
    return MetricSpec(name=name, of=of, when=lambda result: result.drawn is not None, in_parent="nothing", tables=())


def _of_drawn() -> tuple[MetricSpec, ...]:
    """Figures of drawn pairs: means over the repetitions, and the standard deviation of the headline."""
    means = (_drawn(f"drawn_{name}", _drawn_mean(name)) for name in _DRAWN)
    return (*means, _drawn("drawn_overlap_iou_sd", lambda result: result.drawn.sd.overlap_iou))


def _drawn_mean(name: str) -> Callable[[Any], float]:
    return lambda result: float(getattr(result.drawn.mean, name))


def _mean_of(column: str, title: str, *, tables: tuple[TableName, ...] = ()) -> MetricSpec:
    """Of the table of RNAs, which a control of pairs alone has not."""
    return MetricSpec(
        name=column,
        title=title,
        of=lambda result: float(result.table[column].mean()),
        when=lambda result: result.table is not None,
        in_parent="nothing",
        tables=tables,
        place=80,
        digits=2,
        keep=4,
    )


OF_ONE_KIND = (
    *_of_pairs("every", "", "", place=10, shown=True),
    *_of_pairs("matched", "matched_", ", length-matched", place=20, shown=True),
    *_of_pairs("remote", "remote_", ", remote homologs", place=30, shown=False),
)
OF_DRAWN = _of_drawn()


def _spread(title: str, name: str, *, place: int, keep: int) -> Column:
    """Mean and standard deviation over the repetitions; an overlap in the protocol's unit."""

    def cell(row: Row) -> str:
        key = name.format(unit=row["protocol"]["unit"])
        return f"{row['drawn']['mean'][key]:.3f} ± {row['drawn']['sd'][key]:.3f}"

    return Column(name=name, title=title, cell=cell, tables=("drawn",), place=place, keep=keep)


def _drawn_words(title: str, cell: Callable[[Row], str], *, place: int, keep: int, words: bool = True) -> Column:
    return Column(name=title, title=title, cell=cell, tables=("drawn",), place=place, keep=keep, words=words)


DRAWN_COLUMNS = (
    _drawn_words("pairs", lambda row: f"{row['protocol']['pairs']} x {row['drawn']['repetitions']}", place=2, keep=5),
    _drawn_words("negatives", lambda row: str(row["protocol"]["negatives"]), place=3, keep=4),
    _drawn_words("unit", lambda row: str(row["protocol"]["unit"]), place=10, keep=7, words=False),
    _spread("overlap ratio", "overlap_{unit}", place=11, keep=9),
    _spread("delta of means", "delta_mean", place=12, keep=6),
    _spread("delta of medians", "delta_median", place=13, keep=3),
    _spread("F1", "f1", place=14, keep=6),
    _spread("MCC", "mcc", place=15, keep=3),
    _drawn_words("of one family", lambda row: f"{row['drawn']['same_family']:.1%}", place=90, keep=2, words=False),
)
METRICS: tuple[MetricSpec | Column, ...] = (
    *OF_ONE_KIND,
    _mean_of("nearest_is_own", "nearest is own", tables=("screen",)),
    _mean_of("silhouette", "silhouette"),
    *OF_DRAWN,
    MetricSpec(
        name="rnas",
        title="RNAs",
        of=lambda result: float(len(result.rnas)),
        in_parent="nothing",
        tables=("screen",),
        place=90,
        digits=0,
        keep=3,
    ),
    MetricSpec(name="families", of=lambda result: float(len(result.layout.names)), in_parent="nothing", tables=()),
    MetricSpec(name="coverage", of=lambda result: result.coverage, in_parent="nothing", tables=()),
    *DRAWN_COLUMNS,
    Column(name="model", title="model", cell=lambda row: str(row["model"]), tables=_EVERY, place=0, keep=9, words=True),
    Column(name="set", title="set", cell=lambda row: str(row["set"]), tables=_EVERY[:2], place=1, keep=7, words=True),
    Column(name="diagnosis", title="diagnosis", cell=diagnosis, tables=("leaderboard",), place=98, keep=4, words=True),
)


def of_all_pairs(names: Iterable[str]) -> list[str]:
    """Those that belong to no one kind of pairs, and so stand in every row of the CSV."""
    others = {name for spec in (*OF_ONE_KIND, *OF_DRAWN) for name in spec.parts}
    return [name for name in names if name not in others]
