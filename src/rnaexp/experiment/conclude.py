"""The end of a question: its runs compared, on the screen, as CSV, and as a run of its own in MLflow."""

import json as json_format
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rnaexp.data.atomic import write_atomically
from rnaexp.report import screen
from rnaexp.tasks.pairs import record as tables
from rnaexp.tasks.pairs.contrasts import Answer, add_ranks, choices_table, contrast_table, most_important
from rnaexp.track.runs import tracked_run


def conclude(
    answers: list[Answer],
    *,
    name: str,
    contrasts: Sequence[Mapping[str, str]],
    csv: Path | None,
    json: bool,
    title: str = "",
    note: str = "",
    controls: Sequence[Answer] = (),
) -> None:
    """Ranks, declared contrasts and choices of what was run; `csv`: the runs, `_contrasts` and `_choices` beside it.

    `controls`: rows that are shown and ranked with the runs.
    """
    if not answers:
        return
    add_ranks([*answers, *controls])
    told, beside = [answer.told for answer in answers], [control.told for control in controls]
    found = {"contrasts": contrast_table(contrasts, answers), "choices": choices_table(answers)}
    found = {part: table for part, table in found.items() if len(table)}
    write_csv([*told, *beside], csv)
    with tracked_run(name, kind="question", tags={"rnaexp.question": name}) as run:
        run.table(tables.as_frame([*told, *beside]), "runs.csv")
        for part, table in found.items():
            run.table(table, f"{part}.csv")
            if csv is not None:
                write_atomically(csv.with_name(f"{csv.stem}_{part}.csv"), table.round(6).to_csv(index=False).encode())
    if json:
        parts = {part: table.to_dict("records") for part, table in found.items()}
        more = {"controls": beside} if beside else {}
        sys.stdout.write(json_format.dumps({"question": name, "runs": told, **more, **parts}) + "\n")
        return
    screen.show([*told, *beside], title=title, note=note)
    for part, table in found.items():
        screen.show_frame(table, part)
    if "choices" in found:
        sys.stdout.write(most_important(found["choices"]) + "\n")


def write_csv(told: list[dict[str, Any]], csv: Path | None) -> None:
    """The rows of the table, if a file is asked for."""
    if csv is not None and told:
        write_atomically(csv, tables.as_frame(told).to_csv(index=False).encode())
