"""The four tasks as an evaluation runs them: each gives its metrics, its record, its rows, and goes into one run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rnaexp.errors import InputError
from rnaexp.experiment.runner import measure
from rnaexp.experiment.settings import Settings
from rnaexp.models import lasting_name
from rnaexp.models.spec import Encoder
from rnaexp.reading.read import read_alone
from rnaexp.tasks.context import Context
from rnaexp.tasks.families import record as classification_tables
from rnaexp.tasks.families.measure import classify
from rnaexp.tasks.families.settings import ClassifyTask, has_embedding
from rnaexp.tasks.families.tracking import record_classification
from rnaexp.tasks.fitness import record as fitness_tables
from rnaexp.tasks.fitness.measure import measure_fitness
from rnaexp.tasks.fitness.settings import FitnessTask
from rnaexp.tasks.fitness.tracking import record_fitness
from rnaexp.tasks.pairs import record as tables
from rnaexp.tasks.pairs.contrasts import Answer
from rnaexp.tasks.pairs.result import Result
from rnaexp.tasks.pairs.run import run_structure
from rnaexp.tasks.pairs.settings import loading, task
from rnaexp.tasks.pairs.tracking import record
from rnaexp.tasks.registry import settings_of
from rnaexp.tasks.task import Task
from rnaexp.track.runs import RunHandle


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One task of one model. `answer`: of pairs, what ranks are computed from."""

    record: dict[str, Any]
    metrics: dict[str, float | None]
    rows: pd.DataFrame
    answer: Answer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A model by name, and the encoder itself where it is in memory."""

    name: str
    encoder: Encoder | None = None


# None: this model has nothing that the task reads; a note says so.
Run = Callable[[Subject, Settings, Context, RunHandle | None], Done | None]


def pairs(subject: Subject, settings: Settings, context: Context, run: RunHandle | None) -> Done:
    """Tune a head and a threshold, freeze them, test them."""
    return _structure(subject, settings, context, run, protocol=settings.protocol)


def contacts(subject: Subject, settings: Settings, context: Context, run: RunHandle | None) -> Done:
    """The same of proteins' contacts."""
    return _structure(subject, settings, context, run, protocol="contacts")


def _structure(subject: Subject, settings: Settings, context: Context, run: RunHandle | None, *, protocol: str) -> Done:
    asked = task(
        model=subject.name,
        validation=settings.validation,
        test=settings.test,
        protocol=protocol,
        related=settings.related,
        long=settings.long,
        families="none",
        device=settings.device,
        precision=settings.precision,
        seed=settings.seed,
    )
    result = run_structure(asked, context.store, context.announce, subject.encoder)
    if run is not None:
        record(run, result, context.store, context.announce, seconds=None)
    if result.tuned is not None and not asked.scoring.of_proteins and subject.encoder is None:
        context.store.put_tuned(lasting_name(subject.name), result.tuned.to_json())
    context.notes.extend(f"{subject.name}: {line}" for line in _notes(result))
    told = tables.as_json(result, None if run is None else run.run_id)
    f1 = None if result.evaluation is None else result.evaluation.per_rna[["rna", "cluster", "f1"]]
    rows = tables.per_rna(result)
    rows.insert(0, "model", subject.name)
    return Done(record=told, metrics=tables.metrics(result), rows=rows, answer=Answer(told=told, f1=f1))


def _notes(result: Result) -> list[str]:
    found = []
    if result.related:
        done = "not tuned on" if result.task.related == "drop" else "tuned on all the same"
        found.append(f"{len(result.related)} validation RNAs have relatives in the test set and were {done}")
    if result.skipped:
        first = result.skipped[0]
        found.append(f"{len(result.skipped)} RNAs have no score, the first: {first.id}, {first.reason}")
    if alone := read_alone(result.encoder, result.test.rnas, result.test.data.name):
        found.append(alone)
    return found + list(result.assessment.tags if result.assessment else ())


def families(subject: Subject, settings: Settings, context: Context, run: RunHandle | None) -> Done | None:
    """How far the embeddings of RNAs of one family overlap with those of others."""
    if not (has_embedding(subject.name) if subject.encoder is None else _embeds(subject.encoder)):
        context.notes.append(f"{subject.name}: has no embeddings, so no overlap of families")
        return None
    how = loading(subject.name, device=settings.device, precision=settings.precision, seed=settings.seed)
    asked = ClassifyTask(model=subject.name, families=settings.families, loading=how, long=settings.long)
    result = classify(asked, context.store, context.announce, subject.encoder)
    if run is not None:
        record_classification(run, result)
    if result.skipped:
        first = result.skipped[0]
        context.notes.append(
            f"{subject.name}: {len(result.skipped)} RNAs of {result.data.name} are not in the figures, the first: "
            f"{first.id}, {first.reason}"
        )
    rows = pd.DataFrame({"model": subject.name, "rna": [rna.id for rna in result.rnas]})
    rows["family"] = [rna.family for rna in result.rnas]
    told = classification_tables.as_json(result, None if run is None else run.run_id)
    return Done(record=told, metrics=classification_tables.metrics(result), rows=rows)


def fitness(subject: Subject, settings: Settings, context: Context, run: RunHandle | None) -> Done:
    """How well likelihoods order measured variants."""
    if not settings.assay:
        message = "task fitness: say on which assay, assay= a named one or a table of variants"
        raise InputError(message)
    how = {"seed": settings.seed, "device": settings.device, "precision": settings.precision}
    asked = FitnessTask(
        model=subject.name, assay=settings.assay, convention=settings.convention, seed=settings.seed, loading=how
    )
    result = measure_fitness(asked, context.store, context.announce, subject.encoder)
    if run is not None:
        record_fitness(run, result)
    context.notes.extend(f"{subject.name}: {line}" for line in fitness_tables.diagnose(result))
    rows = pd.DataFrame({"model": subject.name, "sequence": [each.sequence for each in result.assay.mutants]})
    rows["measured"], rows["score"], rows["skipped"] = result.measured, result.scores, result.reasons
    told = fitness_tables.as_json(result, None if run is None else run.run_id)
    return Done(record=told, metrics=fitness_tables.metrics(result), rows=rows)


def _embeds(encoder: Encoder) -> bool:
    gives = getattr(encoder, "gives", None)
    return encoder.spec.output == "attention" and (gives is None or "embed" in gives)


TASKS: dict[str, Run] = {"pairs": pairs, "families": families, "fitness": fitness, "contacts": contacts}


def of_another_package(task: Task, given: Mapping[str, Any]) -> Run:
    """A task that an installed package adds, as one of ours is run. Raises: InputError for a wrong setting."""
    checked = settings_of(task, dict(given))

    def run(subject: Subject, settings: Settings, context: Context, run: RunHandle | None) -> Done:
        done = measure(task, subject.name, checked, context, encoder=subject.encoder, device=settings.device, run=run)
        rows = done.result.rows.copy()
        rows.insert(0, "model", subject.name)
        return Done(
            record=done.record,
            metrics={f"{task.name}.{name}": value for name, value in done.result.metrics.items()},
            rows=rows,
        )

    return run
