"""The tracked runs compared: leaderboards, ranks, contrasts, and the tables behind them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from rnaexp.errors import InputError
from rnaexp.report.classes import LANGUAGE_MODELS, published
from rnaexp.report.leaderboard_rows import (
    CONTROL_TABLES,
    QUESTION,
    class_means,
    families,
    fitness,
    leaderboard_rows,
    with_controls,
    with_fitness,
    with_overlap,
)
from rnaexp.report.searches import search_rows
from rnaexp.report.task_tables import not_installed, tracked
from rnaexp.tasks.pairs.contrasts import Answer, add_ranks, contrast_table
from rnaexp.tasks.task import Task
from rnaexp.track.export import child_tables, question_tables, runs_table, searches_table
from rnaexp.track.result_file import ResultFile, read_result, refuse_other_data
from rnaexp.track.travel import question_tables_of_files, runs_of_files, tables_of_files

_WANTED = {
    "tune": ("heads.csv", "head_stability.csv"),
    "test": ("per_rna.csv", "breakdown.csv", "heads.csv", *CONTROL_TABLES),
}
_OF_SEQUENCES = "stems", "kernel", "viennarna"  # what language models are set against
_OF_ALIGNMENTS = "stems-alignment", "kernel-alignment", "viennarna-mean", "alifold"
_RANKS = ("rank", "rank_low", "rank_high", "ranked_rnas")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """Runs that can be compared: one question, the rows best first within each class, each row's tables by its label.

    `tables[label]` holds (kind of child, name of artifact) -> table.
    """

    question: Mapping[str, str]
    rows: pd.DataFrame
    means: pd.DataFrame
    tables: Mapping[str, Mapping[tuple[str, str], pd.DataFrame]]

    def column(self, kind: str, name: str) -> dict[str, pd.DataFrame]:
        """One artifact of every row that has it, by label, in the leaderboard's order."""
        return {label: tables[kind, name] for label, tables in self.tables.items() if (kind, name) in tables}

    @property
    def title(self) -> str:
        """The question, in words."""
        kept = ", relatives kept" if self.question["related"] == "keep" else ""
        tuned = f"tuned on {self.question['validation']}" if self.question["validation"] else "not tuned here"
        return f"{self.question['test']}, {tuned}{kept}, protocol {self.question['protocol']}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All that the report shows, the largest leaderboard first.

    `standing`: contrasts of every language model, fixed here; `declared`: those of questions. `searches`: what a larger
    search gained over a model's single head; never rows of a leaderboard, whose models have one head each.
    """

    experiment: str
    leaderboards: tuple[Leaderboard, ...]
    families: pd.DataFrame
    fitness: pd.DataFrame
    tasks: tuple[tuple[Task, pd.DataFrame], ...]  # of other packages
    standing: pd.DataFrame
    declared: pd.DataFrame
    published: pd.DataFrame
    searches: pd.DataFrame
    left_out: Mapping[str, int]  # runs that did not end FINISHED, by status
    not_installed: Mapping[str, int]  # runs of tasks that no installed package has, by the task


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where runs come from: a tracking store's experiment, or a folder of result files.

    `tables`: of these runs' steps, the tables that are named by kind of step; `declared`: contrasts by question.
    """

    name: str
    runs: pd.DataFrame
    tables: Callable[[set[str], Mapping[str, Sequence[str]]], Mapping[str, Mapping[tuple[str, str], pd.DataFrame]]]
    declared: Mapping[str, pd.DataFrame]
    searches: pd.DataFrame = field(default_factory=pd.DataFrame)


def of_store(experiment: str) -> Source:
    """Raises: UnavailableError."""
    return Source(
        name=experiment,
        runs=runs_table(experiment),
        tables=partial(child_tables, experiment),
        declared=question_tables(experiment, "contrasts.csv"),
        searches=searches_table(experiment),
    )


def of_folder(folder: Path) -> Source:
    """Raises: InputError for a folder without result files, a file that is none, or sets that only share a name."""
    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        message = "no result file (.jsonl) here: rnaexp export RUN writes one"
        raise InputError(message, path=folder)
    files = list[ResultFile]()
    for path in paths:
        found = read_result(path)
        refuse_other_data(found, path, [other.runs[0].params for other in files])
        files.append(found)
    return Source(
        name=folder.resolve().name,
        runs=runs_of_files(files),
        tables=lambda runs, wanted: tables_of_files([one for one in files if one.header.run_id in runs], wanted),
        declared=question_tables_of_files(files, "contrasts.csv"),
    )


def compared(experiment: str) -> Comparison:
    """Read the tracking store.

    Raises: InputError if nothing finished was tracked yet; UnavailableError.
    """
    return comparison_of(of_store(experiment))


def comparison_of(source: Source) -> Comparison:
    """Raises: InputError if nothing finished is there; UnavailableError."""
    runs, experiment = source.runs, source.name
    rows, classified, assays = leaderboard_rows(runs), families(runs), fitness(runs)
    tasks = tuple(tracked(runs))
    foreign = not_installed(runs)
    if rows.empty and classified.empty and assays.empty and not tasks and source.searches.empty:
        message = f"experiment {experiment} has no finished runs yet; start with: rnaexp run --model viennarna"
        if foreign:
            which = ", ".join(f"{count} of {name}" for name, count in foreign.items())
            message = f"experiment {experiment} has runs of tasks that no installed package has: {which}"
        raise InputError(message)
    rows, tables = with_controls(rows, source.tables(set(rows["run_id"]), _WANTED))
    answers = {row["run_id"]: _answer(row, tables[row["run_id"]]) for row in rows.to_dict("records")}
    add_ranks(list(answers.values()))
    ranks = [[answers[run_id].record["structure"].get(name) for name in _RANKS] for run_id in rows["run_id"]]
    rows[list(_RANKS)] = pd.DataFrame(ranks, rows.index, columns=list(_RANKS), dtype=float)
    states = runs["status"].value_counts().to_dict()
    return Comparison(
        experiment=experiment,
        leaderboards=tuple(_leaderboards(with_fitness(rows, assays), classified, tables)),
        families=classified,
        fitness=assays,
        tasks=tasks,
        standing=contrast_table(_standing(rows), list(answers.values())),
        declared=_declared(source.declared),
        published=published(),
        searches=search_rows(source.searches),
        left_out={str(state): int(count) for state, count in states.items() if state != "FINISHED"},
        not_installed=foreign,
    )


def _leaderboards(
    rows: pd.DataFrame, classified: pd.DataFrame, tables: Mapping[str, Mapping[tuple[str, str], pd.DataFrame]]
) -> list[Leaderboard]:
    found = []
    for question, some in rows.groupby(list(QUESTION), sort=False, dropna=False):
        joined = with_overlap(some, classified)
        found.append(
            Leaderboard(
                question={
                    name: value if isinstance(value, str) else ""
                    for name, value in zip(QUESTION, question, strict=True)
                },
                rows=joined,
                means=class_means(joined),
                tables={row["label"]: tables[row["run_id"]] for row in joined.to_dict("records")},
            )
        )
    return sorted(found, key=lambda leaderboard: (-len(leaderboard.rows), leaderboard.title))


def _answer(row: Mapping[Any, Any], tables: Mapping[tuple[str, str], pd.DataFrame]) -> Answer:
    """A tracked run as it was when it ended: as much of it as ranks and contrasts read."""
    per_rna = tables.get(("test", "per_rna.csv"))
    tuned = per_rna is not None and pd.notna(row["f1"])
    record = {name: row[name] for name in ("model", "validation", "test", "related")}
    return Answer(
        record=record | {"protocol": {"name": row["protocol"]}, "alignment": _words(row["alignment"]), "structure": {}},
        f1=per_rna[["rna", "cluster", "f1"]].dropna() if per_rna is not None and tuned else None,
    )


def _words(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _standing(rows: pd.DataFrame) -> list[dict[str, str]]:
    """Language models against their untrained control, the controls of stacks, and folding: fixed beforehand."""
    found = []
    for model, some in rows[rows["class"].isin(LANGUAGE_MODELS)].groupby("model", sort=False):
        aligned = some["alignment"].notna().any()
        others = _OF_ALIGNMENTS if aligned else _OF_SEQUENCES
        found += [{"model": str(model), "against": other} for other in (f"untrained:{model}", *others)]
    return found


def _declared(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """What questions declared, as they were answered: Holm over the contrasts of each question."""
    return pd.concat([table.assign(question=name) for name, table in tables.items()]) if tables else pd.DataFrame()
