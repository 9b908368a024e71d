"""One table for every place: rows and columns become words once, and are shown on a screen, in HTML and in Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from textwrap import wrap
from typing import Any, Literal

import pandas as pd

from rnaexp.data.markdown_text import markdown_row, markdown_text
from rnaexp.report.console import console
from rnaexp.tasks.metric import Column, Row

_ALWAYS, _NEVER = 9, 0  # `keep` of columns that no terminal drops, and of those for files only
_LEAST = 24  # characters of a text that wraps
_AROUND = 3  # characters between two columns
_MOST_LINES = 8  # of a heading: more than any has words


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of a table; `kind` says how it is shown: model, mean, published."""

    cells: tuple[str, ...]
    kind: str = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Columns, and lines under a title each (empty for a table without parts)."""

    columns: tuple[Column, ...]
    parts: tuple[tuple[str, tuple[Line, ...]], ...]

    @property
    def headings(self) -> tuple[str, ...]:
        """What stands above the columns."""
        return tuple(column.title for column in self.columns)

    @property
    def lines(self) -> tuple[Line, ...]:
        """Of all parts."""
        return tuple(line for _, lines in self.parts for line in lines)


def line(columns: Sequence[Column], row: Row, kind: str = "model") -> Line:
    """Each column's cell of a row."""
    return Line(cells=tuple(column.cell(row) for column in columns), kind=kind)


def words_line(columns: Sequence[Column], words: Mapping[str, str], kind: str) -> Line:
    """A line of a few words, by the columns' names."""
    return Line(cells=tuple(words.get(column.name, "") for column in columns), kind=kind)


def table_of(columns: Sequence[Column], rows: Iterable[Row]) -> Table:
    """One line a row."""
    return Table(columns=tuple(columns), parts=(("", tuple(line(columns, row) for row in rows)),))


def table_of_words(headings: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "model") -> Table:
    """Of cells that are words already; a narrow terminal drops columns from the right."""
    columns = tuple(_column(at, heading, words=True) for at, heading in enumerate(headings))
    return Table(columns=columns, parts=(("", tuple(Line(cells=tuple(row), kind=kind) for row in rows)),))


def table_of_frame(frame: pd.DataFrame) -> Table:
    """A small table of words and numbers; n/a for a figure that too few clusters do not give."""
    columns = [
        _column(at, str(name), words=not pd.api.types.is_numeric_dtype(frame[name]))
        for at, name in enumerate(frame.columns)
    ]
    lines = tuple(Line(cells=tuple(map(_cell, row))) for row in frame.itertuples(index=False))
    return Table(columns=tuple(columns), parts=(("", lines),))


def _column(at: int, title: str, *, words: bool) -> Column:
    return Column(name=title, title=title, cell=lambda row: str(row[title]), place=at, words=words, keep=9 - min(at, 8))


def _cell(value: object) -> str:
    if value is None or value != value:
        return "n/a"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def show(table: Table, title: str = "", caption: str = "", width: int = 170) -> None:
    """On the screen, as wide as the terminal; `width`: elsewhere."""
    out = console(width)
    out.print(on_screen(table, out.width, title, caption), markup=False)


def on_screen(table: Table, width: int, title: str = "", caption: str = "") -> Any:
    """The table as rich prints it: of columns that do not fit, the least important are left out, and named below."""
    from rich.table import Table as RichTable
    from rich.text import Text

    whole = _without(table, [at for at, column in enumerate(table.columns) if column.keep == _NEVER])
    kept = fitting(whole, width)
    filled = [column.title for at, column in enumerate(whole.columns) if any(one.cells[at] for one in whole.lines)]
    if gone := [title for title in filled if title not in kept.headings]:
        caption = " ".join(filter(None, (caption, f"Too narrow for: {'; '.join(gone)} (rnaexp --wide shows them).")))
    shown = RichTable(title=Text(title), caption=Text(caption), title_justify="left", caption_justify="left")
    for at, (column, wide) in enumerate(zip(kept.columns, _widths(kept, width), strict=True)):
        side: Literal["left", "right"] = "left" if column.words else "right"
        shown.add_column(Text(column.title), justify=side, width=wide, no_wrap=at == 0, overflow="fold")
    for part, lines in kept.parts:
        if part:
            shown.add_section()
            shown.add_row(Text(part, style="bold"))
        for each in lines:
            shown.add_row(*map(Text, each.cells), style="italic" if each.kind != "model" else None)
    return shown


def filled(table: Table) -> Table:
    """Without the columns in which no line has anything."""
    return _without(
        table, [at for at in range(len(table.columns)) if table.lines and not any(one.cells[at] for one in table.lines)]
    )


def fitting(table: Table, width: int) -> Table:
    """Without the columns that a terminal of this width has no room for."""
    while _total(_needed(table)) > width:
        droppable = [at for at, column in enumerate(table.columns) if column.keep < _ALWAYS]
        if not droppable:
            break
        table = _without(table, [min(droppable, key=partial(_importance, table))])
    return table


def _importance(table: Table, at: int) -> tuple[int, int]:
    """An empty column goes first; of equal ones that on the right."""
    return (table.columns[at].keep if any(each.cells[at] for each in table.lines) else _NEVER), -at


def _widths(table: Table, width: int) -> list[int] | list[None]:
    """Headings in as few lines as there is room for, and the rest for texts; None: rich may break what it must."""
    needed = _needed(table)
    if (spare := width - _total(needed)) < 0:
        return [None] * len(needed)
    for lines in range(1, _MOST_LINES):
        wider = [max(each, _heading_width(one.title, lines)) for each, one in zip(needed, table.columns, strict=True)]
        if _total(wider) <= width:
            needed, spare = wider, width - _total(wider)
            break
    for at, column in enumerate(table.columns):
        more = min(spare, max(0, _widest(table, at) - needed[at])) if column.words else 0
        needed[at], spare = needed[at] + more, spare - more
    return needed


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _AROUND * len(widths) + 1


def _needed(table: Table) -> list[int]:
    """Headings and texts wrap between words; numbers and names of models stay whole."""
    return [
        max(
            _heading_width(column.title, _MOST_LINES),
            min(_widest(table, at), _LEAST) if column.words and at else _widest(table, at),
        )
        for at, column in enumerate(table.columns)
    ]


def _widest(table: Table, at: int) -> int:
    titles = [] if at else [title for title, _ in table.parts]
    return max(map(len, [*titles, *(each.cells[at] for each in table.lines)]), default=0)


def _heading_width(title: str, lines: int) -> int:
    """The least in which it takes no more lines than these."""
    longest = max(map(len, title.split()), default=1)
    return next(
        (wide for wide in range(longest, len(title)) if len(wrap(title, wide)) <= lines), max(longest, len(title))
    )


def _without(table: Table, gone: Sequence[int]) -> Table:
    kept = [at for at in range(len(table.columns)) if at not in gone]
    parts = tuple(
        (title, tuple(replace(each, cells=tuple(each.cells[at] for at in kept)) for each in lines))
        for title, lines in table.parts
    )
    return Table(columns=tuple(table.columns[at] for at in kept), parts=parts)


def titled_markdown(table: Table, title: str) -> str:
    """Below its title; without one the table alone."""
    return f"**{markdown_text(title)}**\n\n{as_markdown(table)}" if title else as_markdown(table)


def as_markdown(table: Table) -> str:
    """Every column and line; what came from data is text."""
    lines = [markdown_row(map(markdown_text, table.headings)), markdown_row(["---"] * len(table.columns))]
    for title, rows in table.parts:
        if title:
            lines.append(f"| **{markdown_text(title)}** |" + " |" * (len(table.columns) - 1))
        lines += [markdown_row(map(markdown_text, each.cells)) for each in rows]
    return "\n".join(lines)
