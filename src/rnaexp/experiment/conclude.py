"""The end of several runs: their table on the screen, as CSV, as JSON; of pairs also ranks, contrasts and choices."""

import json as json_format
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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

    frame: Callable[[Records], pd.DataFrame]
    show: Callable[[Records, str, str], None]
    markdown: Callable[[Records], str] = lambda records: ""


FAMILIES = Table(frame=of_families.as_frame, show=families_screen.show, markdown=families_screen.markdown)
FITNESS = Table(frame=of_fitness.as_frame, show=fitness_screen.show, markdown=fitness_screen.markdown)


_IMPORTANT = ("model", "against", "difference", "low", "high", "p_holm", "clusters")


def of_task(task: Task) -> Table:
    """The table of a task of another package."""
    return Table(
        frame=as_frame, show=lambda records, title, note: task_tables.show(task, as_frame(records), title or task.title)
    )


def conclude(
    done: Sequence[Done], table: Table, output: Output, above: QuestionRun | None = None, **whole: Any
) -> None:
    """One table of all runs, and of what their protocol's choices do to them.

    `above`: the run of the question. `whole`: further keys of the JSON.
    """
    records = [each.record for each in done]
    choices = [each.choices for each in done if each.choices is not None]
    if not records:
        return
    frame = table.frame(records)
    _write(output.csv, frame)
    if choices:
        _write(output.sibling("choices"), pd.concat(choices, ignore_index=True))
    if above is not None:
        above.answered({"runs": frame}, table.markdown(records))
    if not output.json:
        table.show(records, output.title, output.note)
    elif output.question or whole or len(records) > 1:
        named = {"question": output.question} if output.question else {}
        _print({**named, **whole, "runs": records})
    else:
        _print(records[0])


def conclude_pair(answer: Answer, output: Output) -> None:
    """One model's row and those of its controls."""
    add_ranks([answer, *answer.controls])
    controls = [control.record for control in answer.controls]
    _write(output.csv, of_pairs.as_frame([answer.record, *controls]))
    if output.json:
        _print(answer.record | {"controls": controls})
    else:
        screen.show([answer.record, *controls])


def conclude_pairs(
    answers: Sequence[Answer],
    output: Output,
    *,
    contrasts: Sequence[Mapping[str, str]],
    above: QuestionRun | None,
    controls: Sequence[Answer] = (),
) -> None:
    """Ranks, declared contrasts and choices of what was run; `csv`: the runs, `_contrasts` and `_choices` next to it.

    `controls`: rows that are shown and ranked with the runs. `above`: the run of the question, which keeps all of it.
    """
    if not answers:
        return
    add_ranks([*answers, *controls])
    records, of_controls = [answer.record for answer in answers], [control.record for control in controls]
    found = {"contrasts": contrast_table(contrasts, answers), "choices": choices_table(answers)}
    found = {part: table for part, table in found.items() if len(table)}
    frame = of_pairs.as_frame([*records, *of_controls])
    _write(output.csv, frame)
    for part, table in found.items():
        _write(output.sibling(part), table.round(6))
    if above is not None:
        above.answered({"runs": frame, **found}, screen.markdown([*records, *of_controls]))
    if output.json:
        parts = {part: table.to_dict("records") for part, table in found.items()}
        more = {"controls": of_controls} if of_controls else {}
        _print({"question": output.question, "runs": records, **more, **parts})
        return
    screen.show([*records, *of_controls], title=output.title, note=output.note)
    for part, table in found.items():
        first = [name for name in _IMPORTANT if name in table]  # a narrow terminal leaves out those on the right
        screen.show_frame(table[[*first, *table.columns.difference(first, sort=False)]], part)
    if "choices" in found:
        sys.stdout.write(most_important(found["choices"]) + "\n")


def _write(csv: Path | None, table: pd.DataFrame) -> None:
    if csv is not None:
        write_atomically(csv, csv_text(table).encode())


def _print(value: Mapping[str, Any]) -> None:
    sys.stdout.write(json_format.dumps(value) + "\n")
