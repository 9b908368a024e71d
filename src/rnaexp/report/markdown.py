"""The comparison as Markdown: for a pull request, a wiki, a message to a colleague."""

from rnaexp.data.markdown_text import markdown_text
from rnaexp.report.leaderboards import Comparison, Leaderboard
from rnaexp.report.sections import (
    about,
    diagnosis_table,
    leaderboard_table,
    of_contrasts,
    of_tasks,
    stability_table,
)
from rnaexp.report.table import as_markdown


def markdown(comparison: Comparison, *, made: str) -> str:
    """Every table of the comparison."""
    parts = ["# Models compared", markdown_text(about(comparison)), markdown_text(made)]
    for leaderboard in comparison.leaderboards:
        parts += [
            f"## {markdown_text(leaderboard.title)}",
            as_markdown(leaderboard_table(leaderboard, comparison.published)),
        ]
        parts += _details(leaderboard)
    for section in (*of_tasks(comparison), *of_contrasts(comparison)):
        note = [markdown_text(section.note)] if section.note else []
        parts += [f"## {markdown_text(section.title)}", *note, as_markdown(section.table)]
    return "\n\n".join(parts) + "\n"


def _details(leaderboard: Leaderboard) -> list[str]:
    found = {
        "Diagnosis:": diagnosis_table(leaderboard),
        "How often re-tuning on resampled validation sets chose the same head:": stability_table(leaderboard),
    }
    return [text for title, table in found.items() if table.lines for text in (title, as_markdown(table))]
