"""Text and tables in Markdown; what came from data is nothing but text."""

from collections.abc import Iterable, Sequence

# What Markdown or the HTML in it would read as more than text.
_ESCAPED = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_|[]#"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"})


def markdown_text(text: str) -> str:
    """One line that Markdown reads as nothing but text."""
    return " ".join(text.translate(_ESCAPED).split())


def markdown_row(cells: Iterable[str]) -> str:
    """Of cells that are Markdown already."""
    return "| " + " | ".join(cells) + " |"


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Of plain words."""
    lines = [markdown_row(map(markdown_text, headings)), markdown_row(["---"] * len(headings))]
    return "\n".join([*lines, *(markdown_row(map(markdown_text, row)) for row in rows)])
