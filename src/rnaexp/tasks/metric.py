"""A number, declared once: how it is found in a result, what it is called, and which tables show it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

Row = Mapping[Any, Any]  # what a table shows of one model: numbers and words by name
TableName = Literal["screen", "contacts", "heads", "drawn", "leaderboard", "csv"]
_SHOWN: tuple[TableName, ...] = ("screen", "leaderboard")
_MIDDLE = 50


def always(_: Any) -> bool:
    """Of a number that every result has."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table; of itself it is for cells that are not one number: a head, a count of RNAs, a convention.

    `tables`: which tables have it: "screen" (after a run), "contacts" (that of proteins), "heads" and "drawn" (of the
    protocol `authors`), "leaderboard" (`rnaexp compare`). `place`: from the left, 0 to 100; equal ones stand in the
    order of declaration. `keep`: a narrow terminal drops the smallest first, 9 is never dropped, 0 stands in files
    only. `words`: text, which may wrap.
    """

    name: str
    title: str
    cell: Callable[[Row], str]
    tables: tuple[TableName, ...] = _SHOWN
    place: int = _MIDDLE
    keep: int = 5
    words: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """One number, declared once. In MLflow it is called TASK.name; `low` and `high` name the ends of its interval.

    `of`: finds it in the task's result: a number or, with ends, three of them; None: not measured. A task of another
    package has none and gives its numbers as `TaskResult.metrics`. `when`: which results have such a number at all.
    `in_parent`: what of it stands in the model's own run of MLflow, which holds every task's headline: all of it, the
    value without its interval, or nothing. `tables`, `place` and `keep` as in `Column`; "csv": kept in
    the leaderboard's rows, but not shown there. `interval`: what its ends are; `ends_shown`: whether tables give them.
    """

    name: str
    title: str = ""
    better: Literal["higher", "lower"] = "higher"
    low: str = ""
    high: str = ""
    digits: int = 3
    of: Callable[[Any], Any] | None = None
    when: Callable[[Any], bool] = always
    in_parent: Literal["all", "value", "nothing"] = "all"
    tables: tuple[TableName, ...] = _SHOWN
    place: int = _MIDDLE
    keep: int = 5
    interval: str = "95 %"
    ends_shown: bool = True

    @property
    def parts(self) -> tuple[str, ...]:
        """The number and the ends of its interval, by name."""
        return tuple(each for each in (self.name, self.low, self.high) if each)

    @property
    def headline(self) -> tuple[str, ...]:
        """Those parts that stand in the model's own run, and so in the leaderboard."""
        return {"all": self.parts, "value": (self.name,), "nothing": ()}[self.in_parent]

    def numbers(self, result: Any) -> dict[str, float | None]:
        """By name, as measured; nothing for a result that has no such number."""
        if self.of is None or not self.when(result):
            return {}
        found = self.of(result)
        values = found if isinstance(found, tuple) else (found,) * len(self.parts) if found is None else (found,)
        return dict(zip(self.parts, values, strict=True))

    def column(self, table: TableName, missing: str = "") -> Column:
        """`F1 [95 %]`, and cells like `0.500 [0.400, 0.600]`; `missing` stands where nothing was measured."""
        ends = self.ends_shown and bool(self.low and self.high) and (table != "leaderboard" or self.in_parent == "all")
        return Column(
            name=self.name,
            title=f"{self.title} [{self.interval}]" if ends and self.interval else self.title,
            cell=lambda row: with_ends(row, *(self.parts if ends else self.parts[:1]), digits=self.digits) or missing,
            tables=self.tables,
            place=self.place,
            keep=self.keep,
        )


Declared = Sequence[MetricSpec | Column]


def specs(declared: Declared) -> list[MetricSpec]:
    """The numbers alone."""
    return [each for each in declared if isinstance(each, MetricSpec)]


def spec_of(declared: Declared, name: str) -> MetricSpec:
    """The number of this name. Raises: KeyError."""
    return {spec.name: spec for spec in specs(declared)}[name]


def measured(declared: Declared, result: Any) -> dict[str, float | None]:
    """Every number of a result by its name, in the order of declaration."""
    return {name: value for spec in specs(declared) for name, value in spec.numbers(result).items()}


def headlines(declared: Declared, start: str = "") -> list[str]:
    """Names of what stands in the model's own run, `start` before each."""
    return [start + name for spec in specs(declared) for name in spec.headline]


def compared(declared: Declared) -> list[str]:
    """Names of what a leaderboard's rows hold, in the order of their columns."""
    kept = [spec for spec in specs(declared) if {"leaderboard", "csv"} & set(spec.tables)]
    return [name for spec in sorted(kept, key=lambda spec: spec.place) for name in spec.headline]


def columns(declared: Declared, table: TableName, missing: str = "") -> tuple[Column, ...]:
    """The columns of one table, from the left."""
    chosen = sorted((each for each in declared if table in each.tables), key=lambda each: each.place)
    return tuple(each if isinstance(each, Column) else each.column(table, missing) for each in chosen)


def known(value: Any) -> bool:
    """Whether there is a value: neither None nor NaN."""
    return value is not None and not pd.isna(value)


def number(value: Any, digits: int = 3) -> str:
    """A figure, or nothing where it is not known."""
    return f"{value:.{digits}f}" if known(value) else ""


def with_ends(row: Row, name: str, low: str = "", high: str = "", *, digits: int = 3, sign: str = "") -> str:
    """`0.500 [0.400, 0.600]`; without an interval the figure alone."""
    if not known(row.get(name)):
        return ""
    ends = ""
    if known(row.get(low)) and known(row.get(high)):
        ends = f" [{row[low]:.{digits}f}, {row[high]:.{digits}f}]"
    return f"{row[name]:{sign}.{digits}f}{ends}"


def diagnosis(row: Row) -> str:
    """What should be known before the row's figures are believed, if anything."""
    return str(row["diagnosis"]) if known(row.get("diagnosis")) else ""
