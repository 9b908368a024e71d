"""The runner: each job in a run of its own, one after another; of several processes the first tracks and speaks."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from rnaexp.errors import REFUSED, InputError, LeakageError, UnavailableError
from rnaexp.experiment.recipe import ENVIRONMENT, QUESTION, RECIPE, recipe
from rnaexp.progress import announce, say, silence
from rnaexp.reading.distributed import take_own_device
from rnaexp.reading.processes import alone, is_first_process
from rnaexp.reading.store import Store
from rnaexp.tasks.context import Context
from rnaexp.tasks.pairs.contrasts import Answer
from rnaexp.tasks.pairs.job import PairsOutcome
from rnaexp.tasks.task import Job
from rnaexp.track.origin import environment
from rnaexp.track.orphan import watch_parent
from rnaexp.track.runs import RunHandle, tracked_run
from rnaexp.track.store import EXPERIMENT
from rnaexp.track.words import RunWords

Refused = InputError | LeakageError | UnavailableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What stays of a job: its numbers; the tables behind them are let go. `rows`: where they are wanted.

    `answer`: of pairs and contacts, what ranks and contrasts are computed from; its record is this one.
    """

    job: Job
    record: dict[str, Any]
    metrics: Mapping[str, float | None]
    notes: tuple[str, ...]
    rows: pd.DataFrame | None = None
    answer: Answer | None = None
    choices: pd.DataFrame | None = None

    @property
    def run_id(self) -> str | None:
        """MLflow's, None where nothing was tracked."""
        found: str | None = self.record["run_id"]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A job that ended with an error which names its cause."""

    job: Job
    error: Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What its user or its question says of a run. `name` "": the job's title. `question`: the text of the file.

    `shard`: of the question's runs. `under`: the question's run.
    """

    tags: Mapping[str, object] = field(default_factory=dict)
    name: str = ""
    question: str = ""
    shard: str = ""
    experiment: str = EXPERIMENT
    under: RunHandle | None = None
    kind: Literal["parent", "reproduction"] = "parent"


_NONE = Labels()


def labels_of(words: RunWords) -> Labels:
    """As the command line says them."""
    return Labels(tags=words.tags, name=words.run_name, experiment=words.experiment or EXPERIMENT)


def run_jobs(
    jobs: Sequence[Job], labels: Labels = _NONE, store: Store | None = None
) -> tuple[list[Done], list[Failed]]:
    """Each job done and tracked; what fails is reported, and the others go on. Empty in all but the first process."""
    done, failed, printed = list[Done](), list[Failed](), set[str]()
    for job in jobs:
        try:
            found = run_job(job, labels, store, printed)
        except REFUSED as error:
            failed.append(Failed(job=job, error=error))
            say(f"{job.label}: {error}")
        else:
            done += [] if found is None else [found]
    return done, failed


def run_job(
    job: Job,
    labels: Labels = _NONE,
    store: Store | None = None,
    printed: set[str] | None = None,
    then: Callable[[Done, RunHandle], None] | None = None,
) -> Done | None:
    """One job in a run of its own; what should be known with its numbers is printed. None in all but the first process.

    `printed`: notes of earlier jobs, which are not printed again. `then`: what else its run is to hold.

    Raises: InputError, LeakageError, UnavailableError.
    """
    take_own_device()
    if not is_first_process():
        with suppress(*REFUSED):  # the first process tells
            job.measure(Context(announce=silence, store=store or Store()))
        return None
    watch_parent()
    context = Context(announce=announce, store=store or Store())
    tags = {**labels.tags, **job.tags}
    name = labels.name or job.title
    with tracked_run(name, kind=labels.kind, tags=tags, experiment=labels.experiment, under=labels.under) as run:
        keep_origin(run, recipe(job), labels)
        done = measure(job, context, run)
        if then is not None:
            then(done, run)
    if context.store.corrupt:
        say(f"{len(context.store.corrupt)} stored results were damaged, set aside and made again")
    printed = set() if printed is None else printed
    for line in done.notes:
        if line not in printed:
            say(line)
            printed.add(line)
    return done


def keep_origin(run: RunHandle, recipe: Mapping[str, Any], labels: Labels) -> None:
    """What `rnaexp reproduce` needs: the recipe, what was installed, the question's file."""
    run.text(json.dumps(recipe, indent=1), RECIPE)
    run.text(environment(), ENVIRONMENT)
    if labels.question:
        run.text(labels.question, QUESTION)


def measure(job: Job, context: Context, run: RunHandle | None, *, with_rows: bool = False) -> Done:
    """Measure, and log into a run that is open already; the run's seconds are those of the measuring."""
    start = time.monotonic()
    outcome = job.measure(context)
    if run is not None:
        run.metrics({"seconds": round(time.monotonic() - start, 1)})
        with alone():  # the other processes have done their share
            outcome.log(run)
    record = outcome.record(None if run is None else run.run_id)
    return Done(
        job=job,
        record=record,
        metrics=outcome.metrics,
        notes=tuple(outcome.notes),
        rows=outcome.rows if with_rows else None,
        answer=outcome.answer(record) if isinstance(outcome, PairsOutcome) else None,
        choices=getattr(outcome, "choices", None),
    )


def raise_first(failed: Sequence[Failed], jobs: int) -> None:
    """After all others have ended. Raises: the first failure's kind of error, naming every job that did not end."""
    if failed:
        message = f"{len(failed)} of {jobs} runs did not end: {', '.join(one.job.label for one in failed)}"
        raise type(failed[0].error)(message)
