"""The end of a question: its runs compared, on the screen, as CSV, and as a run of its own in MLflow."""

import json as json_format
import sys
from pathlib import Path
from typing import Any

from rnaexp.data.atomic import write_atomically
from rnaexp.report import screen, tables
from rnaexp.run.contrasts import Answer, add_ranks, choices_table, contrast_table, most_important
from rnaexp.run.question import Question
from rnaexp.track.runs import tracked_run


def conclude(question: Question, answers: list[Answer], *, csv: Path | None, json: bool) -> None:
    """Ranks, declared contrasts and choices of what was run; `csv`: the runs, `_contrasts` and `_choices` beside it."""
    if not answers:
        return
    add_ranks(answers)
    told = [answer.told for answer in answers]
    found = {"contrasts": contrast_table(question.contrasts, answers), "choices": choices_table(answers)}
    found = {name: table for name, table in found.items() if len(table)}
    write_csv(told, csv)
    with tracked_run(question.name, kind="question", tags={"rnaexp.question": question.name}) as run:
        run.table(tables.as_frame(told), "runs.csv")
        for name, table in found.items():
            run.table(table, f"{name}.csv")
            if csv is not None:
                write_atomically(csv.with_name(f"{csv.stem}_{name}.csv"), table.round(6).to_csv(index=False).encode())
    if json:
        parts = {name: table.to_dict("records") for name, table in found.items()}
        sys.stdout.write(json_format.dumps({"question": question.name, "runs": told, **parts}) + "\n")
        return
    screen.show(told, title=question.title, note=question.note)
    for name, table in found.items():
        screen.show_frame(table, name)
    if "choices" in found:
        sys.stdout.write(most_important(found["choices"]) + "\n")


def write_csv(told: list[dict[str, Any]], csv: Path | None) -> None:
    """The rows of the table, if a file is asked for."""
    if csv is not None and told:
        write_atomically(csv, tables.as_frame(told).to_csv(index=False).encode())
