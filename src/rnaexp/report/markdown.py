"""The comparison as Markdown: for a pull request, a wiki, a message to a colleague."""

from rnaexp.report.boards import Comparison
from rnaexp.report.cells import (
    about,
    contrast_words,
    diagnosis_words,
    families_words,
    fitness_words,
    leaderboard_words,
    published_words,
    stability_words,
)
from rnaexp.report.task_tables import task_words
from rnaexp.report.words import Words

# What Markdown or the HTML in it would read as more than text.
_ESCAPED = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_|[]#"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"})


def markdown(comparison: Comparison, *, made: str) -> str:
    """Every table of the comparison."""
    parts = ["# Models compared", _text(about(comparison)), _text(made)]
    for board in comparison.boards:
        parts += [f"## {_text(board.title)}", _table(leaderboard_words(board, comparison.published))]
        for title, words in (
            ("Diagnosis", diagnosis_words(board)),
            ("How often re-tuning on resampled validation sets chose the same head", stability_words(board)),
        ):
            if words.parts[0][1]:
                parts += [f"{title}:", _table(words)]
    for name, rows in comparison.families.groupby("set"):
        title = f"## Families told apart: {_text(str(name))}"
        parts += [title, _table(families_words(rows, comparison.published))]
    for name, rows in comparison.fitness.groupby("set"):
        parts += [f"## Measured fitness: {_text(str(name))}", _table(fitness_words(rows))]
    for task, rows in comparison.tasks:
        parts += [f"## {_text(task.title)}", _table(task_words(task, rows))]
    for title, table in (("Standing", comparison.standing), ("Declared", comparison.declared)):
        if len(table):
            parts += [f"## {title} contrasts", _table(contrast_words(table))]
    parts += ["## Published figures", _text(comparison.published["source"].iloc[0])]
    parts += [_table(published_words(comparison.published))]
    return "\n\n".join(parts) + "\n"


def _table(words: Words) -> str:
    lines = [_row(words.headings), _row(["---"] * len(words.headings), plain=True)]
    for title, rows in words.parts:
        if title:
            lines.append(f"| **{_text(title)}** |" + " |" * (len(words.headings) - 1))
        lines += [_row(line.cells) for line in rows]
    return "\n".join(lines)


def _row(cells: list[str] | tuple[str, ...], *, plain: bool = False) -> str:
    return "| " + " | ".join(cell if plain else _text(cell) for cell in cells) + " |"


def _text(text: str) -> str:
    return " ".join(text.translate(_ESCAPED).split())
