"""`rnaexp compare`: the tracked runs compared, on the screen, as one HTML file, as CSV and as Markdown."""

import json as json_format
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from rnaexp.data.atomic import write_atomically
from rnaexp.data.csv_text import csv_text
from rnaexp.data.markdown_text import markdown_text
from rnaexp.report.answers import answer
from rnaexp.report.console import console
from rnaexp.report.leaderboards import Comparison, comparison_of, of_folder, of_store
from rnaexp.report.markdown import markdown
from rnaexp.report.page import page
from rnaexp.report.sections import about, diagnosis_table, leaderboard_table, of_contrasts, of_tasks
from rnaexp.report.table import as_markdown, show
from rnaexp.track.export import describe_experiment, leaderboard_run
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
    json: bool = False,
) -> None:
    """Print the leaderboards; write the named files; `log`: keep page and tables as the experiment's leaderboard run.

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
    if json:
        sys.stdout.write(json_format.dumps(as_json(found, tables)) + "\n")
    else:
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
        "searches": comparison.searches,
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
    """In the experiment's one leaderboard run, made anew each time, and on the experiment's own page."""
    rows = pd.concat([leaderboard.rows for leaderboard in comparison.leaderboards] or [pd.DataFrame(columns=_ID)])
    runs = sorted(set(rows["control_of"].fillna(rows["run_id"])))
    experiment, first = comparison.experiment, _first_table(comparison)
    with tracked_run(
        "leaderboard", kind="comparison", experiment=experiment, continues=leaderboard_run(experiment)
    ) as run:
        run.metrics({"runs": float(len(runs)), "questions": float(len(comparison.leaderboards))})
        run.describe(first)
        run.text(html, "report.html")
        run.text(text, "report.md")
        run.text(json_format.dumps(as_json(comparison, tables)) + "\n", "leaderboard.json")
        run.text("\n".join(runs) + "\n", "runs.txt")
        for name, table in tables.items():
            run.table(table, f"{name}.csv")
    where = run.url or f"run {run.run_id}, artifact report.html"
    describe_experiment(experiment, f"{first}\n\nThe whole report: {where}")


def as_json(comparison: Comparison, tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Every table by name, a row an object, what is not known null: for programs."""
    found = {name: json_format.loads(table.to_json(orient="records")) for name, table in tables.items()}
    return {"experiment": comparison.experiment, **found}


def _first_table(comparison: Comparison) -> str:
    """What a visitor of the experiment should see: the largest leaderboard, with how sure its order is."""
    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, rnaexp {version('rnaexp')}"
    if not comparison.leaderboards:
        return markdown_text(f"{about(comparison)} {made}")
    first = comparison.leaderboards[0]
    table = as_markdown(leaderboard_table(first, comparison.published))
    words = [f"**{markdown_text(first.title)}** ({made})", markdown_text(answer(first, comparison.standing)), table]
    return "\n\n".join(words)


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
