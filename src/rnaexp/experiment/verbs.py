"""What the verbs that measure do, once their words are understood: run, conclude, register."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnaexp.errors import InputError, UnavailableError
from rnaexp.experiment.answered import answered, keep, key_of
from rnaexp.experiment.conclude import (
    FAMILIES,
    FITNESS,
    Output,
    Shown,
    Table,
    conclude,
    conclude_pairs,
    of_one,
    of_task,
    show_one,
    show_pairs,
    show_runs,
)
from rnaexp.experiment.jobs import pairs_job
from rnaexp.experiment.question import Question, places, read_question
from rnaexp.experiment.question_file import QuestionWords, read_words
from rnaexp.experiment.question_run import QuestionRun, note_failures, question_run
from rnaexp.experiment.runner import Done, Failed, Labels, raise_first, run_job, run_jobs
from rnaexp.models.spec import Encoder
from rnaexp.progress import say
from rnaexp.tasks.families.job import FamiliesJob
from rnaexp.tasks.fitness.job import FitnessJob
from rnaexp.tasks.pairs.contrasts import every_two, with_controls
from rnaexp.tasks.pairs.settings import Task as PairsTask
from rnaexp.tasks.plugged import PluggedJob
from rnaexp.tasks.registry import settings_of, task_of
from rnaexp.tasks.task import Job, Task, TaskSettings
from rnaexp.track.runs import RunHandle

_NONE = Labels()
_NO_CONTACTS = "--register: contacts of proteins are a reference task; what is registered predicts base pairs of RNAs"


def pairs(
    tasks: Sequence[PairsTask],
    output: Output,
    *,
    encoder: Encoder | None = None,
    register: bool = False,
    name: str = "",
    labels: Labels = _NONE,
    again: bool = True,
) -> dict[str, Any] | None:
    """One model with its controls, or several in one table with the paired difference of each two.

    `encoder`: the one model's, where it is loaded already. `again` False: what was answered already is shown.

    The record of one model; None of several, and in all but the first process.
    """
    if register and not all(one.scoring.molecule.brackets for one in tasks):
        raise InputError(_NO_CONTACTS)
    jobs = [pairs_job(one, encoder) for one in tasks]
    if len(jobs) == 1:
        return _one(jobs[0], output, register=register, name=name, labels=labels, again=again or encoder is not None)
    named = replace(output, question=", ".join(job.model for job in jobs))
    with question_run(named.question, jobs, labels) as (above, labels):
        done, failed = run_jobs(jobs, labels)
        answers = [each.answer for each in done if each.answer is not None]
        controls = with_controls(answers)[len(answers) :]
        conclude_pairs(answers, named, contrasts=every_two(answers), controls=controls, above=above)
        note_failures(above, done, failed)
    for each in done if register else ():
        _register(each.run_id, "")
    raise_first(failed, len(jobs))
    return None


def _one(job: Job, output: Output, *, register: bool, name: str, labels: Labels, again: bool) -> dict[str, Any] | None:
    key, run_id = key_of([job], labels), None
    if not again and (known := answered(key, labels.experiment)) is not None:
        run_id, (found,) = known
    else:
        kept: list[Shown] = []

        def keep_answer(done: Done, run: RunHandle) -> None:
            if done.answer is not None:
                kept.append(of_one(done.answer))
                keep(run, key, kept)

        done = run_job(job, labels, then=keep_answer)
        if done is None or not kept:
            return None
        found, run_id = kept[0], done.run_id
    show_one(found, output)
    if register:
        _register(run_id, name)
    if run_id is not None and not output.json:
        say(f"MLflow run {run_id} (rnaexp ui; rnaexp export, register or reproduce take this id)")
    return found.records[0]


def families(jobs: Sequence[FamiliesJob], output: Output, labels: Labels = _NONE) -> None:
    """Models or controls on sets with families, in one table."""
    _measured(jobs, FAMILIES, output, labels)


def fitness(jobs: Sequence[FitnessJob], output: Output, labels: Labels = _NONE) -> None:
    """Models or baselines on one assay, in one table with the baselines."""
    _measured(jobs, FITNESS, output, labels)


def of_another_package(
    task: Task,
    models: Sequence[str],
    settings: TaskSettings,
    output: Output,
    labels: Labels = _NONE,
    *,
    device: str,
    seed: int,
) -> None:
    """The models and the task's baselines in one table."""
    named = dict.fromkeys([*models, *task.baselines])
    jobs = [PluggedJob(task=task, model=model, settings=settings, device=device, seed=seed) for model in named]
    if len(jobs) == 1:
        done, failed = [each for each in [run_job(jobs[0], labels)] if each is not None], list[Failed]()
    else:
        done, failed = run_jobs(jobs, labels)
    conclude(done, of_task(task), output, task=task.name)
    raise_first(failed, len(jobs))


def question(
    path: Path, shard: str, labels: Labels = _NONE, *, csv: Path | None, json: bool, again: bool = True
) -> None:
    """All runs of a question file, or one shard of them; what is done already is read from the store.

    A file with several tasks gets a table of each (as CSV_families.csv, CSV_fitness.csv, and with `json` an
    object of each, a line each). Runs that failed are reported when all others have ended. `again` False: what was
    answered already is shown.
    """
    words = read_words(path)
    output = Output(csv=csv, json=json, question=path.stem, title=words.title or path.stem, note=words.note)
    if words.task:
        _ask_another_package(words, output, path, labels)
        return
    question = read_question(path)
    first, step = places(shard)
    by_task = {task: _jobs(question, task)[first::step] for task in question.tasks}
    jobs = [job for some in by_task.values() for job in some]
    done, failed = list[Done](), list[Failed]()
    labels = replace(labels, question=path.read_text(encoding="utf-8"), shard=shard)
    key = key_of(jobs, labels)
    if not again and (known := answered(key, labels.experiment)) is not None:
        for found in known[1]:
            _show(found, _output_of(found.task, question, output))
        return
    with question_run(question.name, jobs, labels, title=question.title) as (above, labels):
        shown = list[Shown | None]()
        for task, mine in by_task.items():
            some, gone = run_jobs(mine, labels)
            shown.append(_conclude(task, some, question, _output_of(task, question, output), above))
            done, failed = [*done, *some], [*failed, *gone]
        note_failures(above, done, failed)
        if above is not None and not failed:
            keep(above.run, key, shown)
    raise_first(failed, len(jobs))


def _output_of(task: str, question: Question, output: Output) -> Output:
    """The first task's CSV is the one that was named, the others' are called after it."""
    return output if task == question.tasks[0] else replace(output, csv=output.sibling(task))


def _show(found: Shown, output: Output) -> None:
    if found.task == "pairs":
        show_pairs(found, output)
    else:
        show_runs(found, FAMILIES if found.task == "families" else FITNESS, output)


def _jobs(question: Question, task: str) -> Sequence[Job]:
    if task == "pairs":
        return [pairs_job(one) for one in question.pairs]
    if task == "families":
        return [FamiliesJob(task=one, choices=one.model in question.choices) for one in question.families]
    return [FitnessJob(task=one) for one in question.fitness]


def _conclude(
    task: str, done: Sequence[Done], question: Question, output: Output, above: QuestionRun | None
) -> Shown | None:
    if task == "pairs":
        answers = [each.answer for each in done if each.answer is not None]
        return conclude_pairs(answers, output, contrasts=question.contrasts, above=above)
    of = None if above is None else above.part("" if question.tasks[0] == task else task)
    return conclude(done, FAMILIES if task == "families" else FITNESS, output, of)


def _ask_another_package(words: QuestionWords, output: Output, path: Path, labels: Labels) -> None:
    try:
        task = task_of(words.task)
        settings = settings_of(task, words.settings)
    except InputError as error:
        raise InputError(str(error), path=path) from error
    plain = replace(output, question="")
    of_another_package(task, words.models, settings, plain, labels, device=words.device, seed=words.seed)


def _measured(jobs: Sequence[Job], table: Table, output: Output, labels: Labels) -> None:
    """The failure of a job that is alone is its own error; of several the others go on."""
    if len(jobs) == 1:
        done = run_job(jobs[0], labels)
        conclude([] if done is None else [done], table, output)
        return
    several, failed = run_jobs(jobs, labels)
    conclude(several, table, output)
    raise_first(failed, len(jobs))


def _register(run_id: str | None, name: str) -> None:
    from rnaexp.experiment import registering

    if run_id is None:
        message = "the run is not in MLflow yet, so it is not registered: rnaexp sync, then rnaexp register RUN"
        raise UnavailableError(message)
    for line in registering.register(run_id, name=name):
        say(line)
