"""A table in words: made once, shown on the screen, in HTML and in Markdown."""

from dataclasses import dataclass
from typing import Any

_NOT_ON_SCREEN = ("with tuning", "parameters", "seconds", "MB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of a table; `kind` says how it is shown: model, mean, published."""

    cells: tuple[str, ...]
    kind: str = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Headings, and lines under a title each (empty for a table without parts)."""

    headings: tuple[str, ...]
    parts: tuple[tuple[str, tuple[Line, ...]], ...]


def on_screen(words: Words, title: str) -> Any:
    """The table as rich prints it."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left")
    kept = [at for at, heading in enumerate(words.headings) if heading not in _NOT_ON_SCREEN]
    for at in kept:
        table.add_column(Text(words.headings[at]))
    for part, lines in words.parts:
        if part:
            table.add_section()
            table.add_row(Text(part, style="bold"))
        for line in lines:
            table.add_row(*[Text(line.cells[at]) for at in kept], style="italic" if line.kind != "model" else None)
    return table
