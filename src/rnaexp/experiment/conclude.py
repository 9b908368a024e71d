"""The end of several runs: their table on the screen, as CSV, as JSON; of pairs also ranks, contrasts and choices."""

import json as json_format
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from rnaexp.data.atomic import write_atomically
from rnaexp.data.csv_text import csv_text
from rnaexp.experiment.question_run import QuestionRun
from rnaexp.experiment.runner import Done
from rnaexp.report import families_screen, fitness_screen, screen, task_tables
from rnaexp.tasks.families import record as of_families
from rnaexp.tasks.fitness import record as of_fitness
from rnaexp.tasks.pairs import record as of_pairs
from rnaexp.tasks.pairs.contrasts import Answer, add_ranks, choices_table, contrast_table, most_important
from rnaexp.tasks.plugged import as_frame
from rnaexp.tasks.task import Task

Records = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where results go: the screen, or one JSON object, and a CSV file as well. `question`: the name of a file's."""

    csv: Path | None = None
    json: bool = False
    question: str = ""
    title: str = ""
    note: str = ""

    def sibling(self, part: str) -> Path | None:
        """The CSV file of another table: NAME_part.csv."""
        return None if self.csv is None else self.csv.with_name(f"{self.csv.stem}_{part}{self.csv.suffix}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """How a task's records become a table."""

    task: str
    frame: Callable[[Records], pd.DataFrame]
    show: Callable[[Records, str, str], None]
    markdown: Callable[[Records], str] = lambda records: ""


FAMILIES = Table(
    task="families", frame=of_families.as_frame, show=families_screen.show, markdown=families_screen.markdown
)
FITNESS = Table(task="fitness", frame=of_fitness.as_frame, show=fitness_screen.show, markdown=fitness_screen.markdown)


_IMPORTANT = ("model", "against", "difference", "low", "high", "p_holm", "clusters")


def of_task(task: Task) -> Table:
    """The table of a task of another package."""
    return Table(
        task=task.name,
        frame=as_frame,
        show=lambda records, title, note: task_tables.show(task, as_frame(records), title or task.title),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """All that is shown of a task's runs, in plain values: kept with the run, and shown for the same question later.

    `tables`: rows of contrasts and choices, by name; `whole`: further keys of the JSON.
    """

    task: str
    records: list[dict[str, Any]]
    controls: list[dict[str, Any]] = field(default_factory=list)
    tables: dict[str, list[dict[Any, Any]]] = field(default_factory=dict)
    whole: dict[str, Any] = field(default_factory=dict)


def conclude(
    done: Sequence[Done], table: Table, output: Output, above: QuestionRun | None = None, **whole: Any
) -> Shown | None:
    """One table of all runs, and of what their protocol's choices do to them.

    `above`: the run of the question. `whole`: further keys of the JSON.
    """
    records = [each.record for each in done]
    choices = [each.choices for each in done if each.choices is not None]
    if not records:
        return None
    rows = pd.concat(choices, ignore_index=True).to_dict("records") if choices else []
    found = Shown(task=table.task, records=records, tables={"choices": rows} if rows else {}, whole=whole)
    if above is not None:
        above.answered({"runs": table.frame(records)}, table.markdown(records))
    show_runs(found, table, output)
    return found


def show_runs(found: Shown, table: Table, output: Output) -> None:
    """Families, fitness and other packages' tasks."""
    _write(output.csv, table.frame(found.records))
    for name, rows in found.tables.items():
        _write(output.sibling(name), pd.DataFrame(rows))
    if not output.json:
        table.show(found.records, output.title, output.note)
    elif output.question or found.whole or len(found.records) > 1:
        named = {"question": output.question} if output.question else {}
        _print({**named, **found.whole, "runs": found.records})
    else:
        _print(found.records[0])


def of_one(answer: Answer) -> Shown:
    """One model's row and those of its controls."""
    add_ranks([answer, *answer.controls])
    return Shown(task="pairs", records=[answer.record], controls=[control.record for control in answer.controls])


def show_one(found: Shown, output: Output) -> None:
    """On the screen, as CSV, as JSON."""
    record, controls = found.records[0], found.controls
    _write(output.csv, of_pairs.as_frame([record, *controls]))
    if output.json:
        _print(record | {"controls": controls})
    else:
        screen.show([record, *controls])


def conclude_pairs(
    answers: Sequence[Answer],
    output: Output,
    *,
    contrasts: Sequence[Mapping[str, str]],
    above: QuestionRun | None,
    controls: Sequence[Answer] = (),
) -> Shown | None:
    """Ranks, declared contrasts and choices of what was run; `csv`: the runs, `_contrasts` and `_choices` next to it.

    `controls`: rows that are shown and ranked with the runs. `above`: the run of the question, which keeps all of it.
    """
    if not answers:
        return None
    add_ranks([*answers, *controls])
    records, of_controls = [answer.record for answer in answers], [control.record for control in controls]
    tables = {"contrasts": contrast_table(contrasts, answers), "choices": choices_table(answers)}
    tables = {part: table for part, table in tables.items() if len(table)}
    rows = {part: table.to_dict("records") for part, table in tables.items()}
    found = Shown(task="pairs", records=records, controls=of_controls, tables=rows)
    if above is not None:
        frame = of_pairs.as_frame([*records, *of_controls])
        above.answered({"runs": frame, **tables}, screen.markdown([*records, *of_controls]))
    show_pairs(found, output)
    return found


def show_pairs(found: Shown, output: Output) -> None:
    """On the screen, as CSV, as JSON."""
    every = [*found.records, *found.controls]
    _write(output.csv, of_pairs.as_frame(every))
    for part, rows in found.tables.items():
        _write(output.sibling(part), pd.DataFrame(rows).round(6))
    if output.json:
        more = {"controls": found.controls} if found.controls else {}
        _print({"question": output.question, "runs": found.records, **more, **found.tables})
        return
    screen.show(every, title=output.title, note=output.note)
    for part, rows in found.tables.items():
        table = pd.DataFrame(rows)
        first = [name for name in _IMPORTANT if name in table]  # a narrow terminal leaves out those on the right
        screen.show_frame(table[[*first, *table.columns.difference(first, sort=False)]], part)
    if "choices" in found.tables:
        sys.stdout.write(most_important(pd.DataFrame(found.tables["choices"])) + "\n")


def _write(csv: Path | None, table: pd.DataFrame) -> None:
    if csv is not None:
        write_atomically(csv, csv_text(table).encode())


def _print(value: Mapping[str, Any]) -> None:
    sys.stdout.write(json_format.dumps(value) + "\n")
