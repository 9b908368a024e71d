"""The tasks of an evaluation: each makes a job of a model and the evaluation's settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rnaexp.errors import InputError
from rnaexp.experiment.jobs import pairs_job
from rnaexp.experiment.settings import Settings
from rnaexp.models.spec import Encoder
from rnaexp.reading.loading import Loading
from rnaexp.tasks.contacts.settings import completed
from rnaexp.tasks.families.job import FamiliesJob
from rnaexp.tasks.families.settings import ClassifyTask, has_embedding
from rnaexp.tasks.fitness.job import FitnessJob
from rnaexp.tasks.fitness.settings import FitnessTask
from rnaexp.tasks.pairs.settings import PairsSettings, Protocol
from rnaexp.tasks.plugged import PluggedJob
from rnaexp.tasks.registry import settings_of, task_names, task_of
from rnaexp.tasks.task import Job, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A model by name, and the encoder itself where it is in memory."""

    name: str
    encoder: Encoder | None = None


# None: this model has nothing that the task reads.
MakeJob = Callable[[Subject, Settings], Job | None]


def pairs(subject: Subject, settings: Settings) -> Job:
    """Tune a head and a threshold, freeze them, test them."""
    return _pairs(subject, settings, settings.protocol)


def contacts(subject: Subject, settings: Settings) -> Job:
    """The same of proteins' contacts."""
    return _pairs(subject, settings, "contacts")


def _pairs(subject: Subject, settings: Settings, protocol: Protocol) -> Job:
    task = PairsSettings(
        validation=settings.validation,
        test=settings.test,
        protocol=protocol,
        related=settings.related,
        long=settings.long,
        families="none",
    ).task(subject.name, _loading(settings))
    return pairs_job(completed(task), subject.encoder)


def families(subject: Subject, settings: Settings) -> Job | None:
    """How far the embeddings of RNAs of one family overlap with those of others."""
    if not (has_embedding(subject.name) if subject.encoder is None else _embeds(subject.encoder)):
        return None
    how = _loading(settings).of(subject.name)
    task = ClassifyTask(model=subject.name, families=settings.families, loading=how, long=settings.long)
    return FamiliesJob(task=task, encoder=subject.encoder)


def fitness(subject: Subject, settings: Settings) -> Job:
    """How well likelihoods order measured variants."""
    if not settings.assay:
        message = "task fitness: say on which assay, assay= a named one or a table of variants"
        raise InputError(message)
    task = FitnessTask(
        model=subject.name,
        assay=settings.assay,
        convention=settings.convention,
        seed=settings.seed,
        long=settings.long,
        loading={"seed": settings.seed, "device": settings.device, "precision": settings.precision},
    )
    return FitnessJob(task=task, encoder=subject.encoder)


TASKS: dict[str, MakeJob] = {"pairs": pairs, "families": families, "fitness": fitness, "contacts": contacts}


def chosen_tasks(names: list[str], options: Mapping[str, Mapping[str, Any]]) -> dict[str, MakeJob]:
    """How each task's jobs are made, ours and other packages'.

    Raises: InputError for a name that is no task, or for options of a task that is not run here.
    """
    known = (*TASKS, *task_names())
    if unknown := [name for name in names if name not in known]:
        message = f"tasks {unknown[0]!r}: must be among {', '.join(known)}"
        raise InputError(message)
    if not names:
        message = f"tasks: name at least one of {', '.join(known)}"
        raise InputError(message)
    if strange := [name for name in options if name not in names or name in TASKS]:
        message = f"options: {strange[0]!r} is no task of another package that is run here"
        raise InputError(message)
    return {name: TASKS.get(name) or _plugged(task_of(name), options.get(name, {})) for name in dict.fromkeys(names)}


def _plugged(task: Task, given: Mapping[str, Any]) -> MakeJob:
    checked = settings_of(task, dict(given))

    def make(subject: Subject, settings: Settings) -> Job:
        return PluggedJob(
            task=task,
            model=subject.name,
            settings=checked,
            encoder=subject.encoder,
            device=settings.device,
            seed=settings.seed,
        )

    return make


def _loading(settings: Settings) -> Loading:
    return Loading(device=settings.device, precision=settings.precision, seed=settings.seed)


def _embeds(encoder: Encoder) -> bool:
    gives = getattr(encoder, "gives", None)
    return encoder.spec.output == "attention" and (gives is None or "embed" in gives)
