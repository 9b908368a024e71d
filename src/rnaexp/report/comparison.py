"""`rnaexp compare`: the tracked runs compared, on the screen, as one HTML file, as CSV and as Markdown."""

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from rnaexp.data.atomic import write_atomically
from rnaexp.data.csv_text import csv_text
from rnaexp.report.console import console
from rnaexp.report.leaderboards import Comparison, comparison_of, of_folder, of_store
from rnaexp.report.markdown import markdown
from rnaexp.report.page import page
from rnaexp.report.sections import about, diagnosis_table, leaderboard_table, of_contrasts, of_tasks
from rnaexp.report.table import show
from rnaexp.track.runs import tracked_run

_WIDTH = 190  # of tables that go to a file
_ID = ["run_id", "control_of"]
_NOT_KEPT = ["started", "group", "classify_diagnosis"]


def compare(
    experiment: str,
    *,
    html: Path | None,
    csv: Path | None,
    as_markdown: Path | None,
    tradeoff: Path | None,
    log: bool,
    folder: Path | None = None,
) -> None:
    """Print the leaderboards; write the named files; `log`: keep page and tables as a run of their own in MLflow.

    `csv`: the leaderboard, and next to it, as NAME_contrasts.csv and so on, the other tables. `folder`: of result files
    (`rnaexp export`) that are compared in place of the tracked runs.
    Raises: InputError if nothing finished was tracked yet; UnavailableError.
    """
    source = of_store(experiment) if folder is None else of_folder(folder)
    found = comparison_of(source)
    tables = as_tables(found)
    if csv is not None:
        for name, table in tables.items():
            write_atomically(_sibling(csv, name), csv_text(table).encode())
    made = f"rnaexp {version('rnaexp')}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    if as_markdown is not None:
        write_atomically(as_markdown, markdown(found, made=made).encode())
    whole = page(found, made=made) if html is not None or log else ""
    if html is not None:
        write_atomically(html, whole.encode())
    if tradeoff is not None:
        from rnaexp.report.tradeoff import write_tradeoff  # matplotlib takes half a second

        write_tradeoff(source.runs, tradeoff)
    _print(found)
    if log:
        _log(found, tables, whole, markdown(found, made=made))


def as_tables(comparison: Comparison) -> dict[str, pd.DataFrame]:
    """The comparison's tables by name, those with rows; `leaderboard` holds the published figures too, marked.

    `source` tells them apart: measured or published.
    """
    theirs = comparison.published.rename(columns={"model": "label", "source": "stated_in"})
    rows = [
        leaderboard.rows.drop(columns=_NOT_KEPT).assign(source="measured") for leaderboard in comparison.leaderboards
    ]
    found = {
        "leaderboard": pd.concat([*rows, theirs.assign(source="published")], ignore_index=True),
        "classes": pd.concat(
            [leaderboard.means.assign(**leaderboard.question) for leaderboard in comparison.leaderboards]
            or [pd.DataFrame()]
        ),
        "families": comparison.families.drop(columns=["started", "group"]),
        "fitness": comparison.fitness.drop(columns=["started", "group"]),
        **{task.name: rows for task, rows in comparison.tasks},
        "contrasts": pd.concat([comparison.standing.assign(question="standing"), comparison.declared]),
        "stability": _of_all(comparison, "tune", "head_stability.csv"),
        "breakdown": _of_all(comparison, "test", "breakdown.csv"),
    }
    return {name: table.round(6) for name, table in found.items() if len(table)}


def _of_all(comparison: Comparison, kind: str, name: str) -> pd.DataFrame:
    """One artifact of every row, one below the other, with what it belongs to in front."""
    parts = []
    for leaderboard in comparison.leaderboards:
        for label, table in leaderboard.column(kind, name).items():
            named = pd.DataFrame({"label": label, **leaderboard.question}, index=table.index)
            parts.append(pd.concat([named, table], axis=1))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _sibling(csv: Path, name: str) -> Path:
    return csv if name == "leaderboard" else csv.with_name(f"{csv.stem}_{name}{csv.suffix}")


def _log(comparison: Comparison, tables: dict[str, pd.DataFrame], html: str, text: str) -> None:
    rows = pd.concat([leaderboard.rows for leaderboard in comparison.leaderboards] or [pd.DataFrame(columns=_ID)])
    runs = sorted(set(rows["control_of"].fillna(rows["run_id"])))
    with tracked_run("comparison", kind="comparison", experiment=comparison.experiment) as run:
        run.params({"runs": len(runs), "questions": len(comparison.leaderboards)})
        run.text(html, "report.html")
        run.text(text, "report.md")
        run.text("\n".join(runs) + "\n", "runs.txt")
        for name, table in tables.items():
            run.table(table, f"{name}.csv")


def _print(comparison: Comparison) -> None:
    out = console(_WIDTH)
    out.print(about(comparison), markup=False, highlight=False)
    for leaderboard in comparison.leaderboards:
        show(leaderboard_table(leaderboard, comparison.published), leaderboard.title, width=_WIDTH)
        for line in diagnosis_table(leaderboard).lines:
            out.print(": ".join(line.cells), markup=False, highlight=False)
    for section in (*of_tasks(comparison), *of_contrasts(comparison)):
        if section.on_screen:
            show(section.table, section.title, width=_WIDTH)
