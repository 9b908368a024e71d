"""A question's run made anew: each of its models' runs from its own recipe, and what is computed of them together."""

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pandas as pd

from rnaexp.errors import InputError, UnavailableError
from rnaexp.experiment.question_file import read_words
from rnaexp.experiment.question_run import note_failures, question_run
from rnaexp.experiment.recipe import QUESTION, RECIPE, job_of
from rnaexp.experiment.runner import Labels, run_jobs
from rnaexp.reading.store import Store, read_record
from rnaexp.tasks.pairs.contrasts import Answer, choices_table, contrast_table, every_two
from rnaexp.track.export import Figures, fetch_artifact, figures_of, model_runs_of

_TABLES = ("contrasts", "choices")  # of several models' RNAs together


def reproduce_question(run_id: str, labels: Labels) -> tuple[str | None, Figures, Figures] | None:
    """The new run's id, and the figures of all its models' runs then and now; None in all but the first process.

    Raises: InputError if no finished run of a model stands below it, or one cannot be made again; UnavailableError.
    """
    earlier = model_runs_of(run_id)
    if not earlier:
        message = f"run {run_id}: no finished run of a model stands below it"
        raise InputError(message)
    jobs = [read_record(fetch_artifact(one, RECIPE), job_of, name=f"run {one}: {RECIPE}") for one in earlier]
    titles = [f"{at} {job.title}" for at, job in enumerate(jobs, start=1)]
    with (
        tempfile.TemporaryDirectory() as scratch,
        question_run(f"question {run_id[:8]} again", jobs, labels) as (above, below),
    ):
        done, failed = run_jobs(jobs, below, Store(root=Path(scratch)))
        if above is None:
            return None
        answers = [each.answer for each in done if each.answer is not None]
        above.answered(_tables(run_id, answers), "")
        note_failures(above, done, failed)
    by_job = {id(each.job): each.run_id for each in done}
    again = [by_job.get(id(job)) for job in jobs]
    new = above.run.run_id
    then = _all_figures(run_id, earlier, titles)
    return new, then, then if new is None else _all_figures(new, again, titles)


def _tables(run_id: str, answers: Sequence[Answer]) -> dict[str, pd.DataFrame]:
    """The contrasts that its file declared, of a question without a file those of every two models; and the choices."""
    contrasts = every_two(answers)
    with suppress(UnavailableError):
        contrasts = [each.model_dump() for each in read_words(fetch_artifact(run_id, QUESTION)).contrasts]
    found = {"contrasts": contrast_table(contrasts, answers), "choices": choices_table(answers)}
    return {name: table for name, table in found.items() if len(table)}


def _all_figures(question: str, runs: Sequence[str | None], titles: Sequence[str]) -> Figures:
    params, metrics = dict[str, str](), dict[str, float]()
    for run, title in zip(runs, titles, strict=True):
        if run is not None:
            found = figures_of(run)
            params |= {f"{title}: {name}": value for name, value in found.params.items()}
            metrics |= {f"{title}: {name}": value for name, value in found.metrics.items()}
    for name in _TABLES:
        with suppress(UnavailableError):  # it has none
            table = pd.read_csv(fetch_artifact(question, f"{name}.csv"))
            metrics |= _numbers(name, table)
    return Figures(params=params, metrics=metrics)


def _numbers(name: str, table: pd.DataFrame) -> dict[str, float]:
    numeric = table.select_dtypes("number")
    return {
        f"{name} {at}: {column}": float(value)
        for at, row in enumerate(numeric.to_dict("records"), start=1)
        for column, value in row.items()
        if pd.notna(value)
    }
