"""The settings of a run, as JSON kept with it: enough to run it again."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from rnaexp.classify.measure import Design
from rnaexp.data.sets import set_names
from rnaexp.errors import InputError
from rnaexp.experiment.jobs import pairs_job
from rnaexp.models import lasting_name
from rnaexp.settings import wrong_field
from rnaexp.structure.heads import TunedHead
from rnaexp.tasks.contacts.job import ContactsJob
from rnaexp.tasks.families.job import FamiliesJob
from rnaexp.tasks.families.settings import ClassifyTask
from rnaexp.tasks.fitness.job import FitnessJob
from rnaexp.tasks.fitness.settings import FitnessTask
from rnaexp.tasks.pairs.job import PairsJob
from rnaexp.tasks.pairs.settings import Task
from rnaexp.tasks.plugged import PluggedJob
from rnaexp.tasks.registry import settings_of, task_of
from rnaexp.tasks.task import Job
from rnaexp.track.origin import process_facts

RECIPE, ENVIRONMENT, QUESTION = "recipe.json", "environment.txt", "question.toml"  # artifacts of a model's run
SCHEMA = 1
OF_QUESTION = "question"  # in the place of a task
_SETS = ("validation", "test", "families", "assay", "alignment", "wild_type", "weights")  # a name, or a path


def recipe(job: Job) -> dict[str, Any]:
    """The job's resolved settings with what ran it. `settings` None: its model, or its vectors, are of this process."""
    settings_of_job = _task_of(job)
    return {"schema": SCHEMA, **(settings_of_job or {"task": "", "settings": None}), **process_facts()}


def recipe_of_question(name: str) -> dict[str, Any]:
    """What ran it; its models' runs have recipes of their own."""
    return {"schema": SCHEMA, "task": OF_QUESTION, "settings": {"name": name}, **process_facts()}


def job_of(values: Mapping[str, Any]) -> Job:
    """The job that `recipe` was made of.

    Raises: InputError naming a field that is wrong, or for a run that only its own process could make.
    """
    if values.get("schema") != SCHEMA:
        message = f"a recipe of schema {values.get('schema')!r}; this rnaexp reads {SCHEMA}"
        raise InputError(message)
    if values.get("settings") is None:
        message = "its model, or its vectors, were in the memory of the process that ran it: they cannot be had again"
        raise InputError(message)
    name, settings, more = values["task"], values["settings"], values.get("more", {})
    if name == "pairs":
        return pairs_job(_read(Task, settings))
    if name == "families":
        return FamiliesJob(task=_read(ClassifyTask, settings), **more)
    if name == "fitness":
        return FitnessJob(task=_read(FitnessTask, settings))
    task = task_of(name)
    return PluggedJob(task=task, settings=settings_of(task, settings), **more)


def _task_of(job: Job) -> dict[str, Any] | None:
    if getattr(job, "encoder", None) is not None:
        return None
    if isinstance(job, PairsJob | ContactsJob):
        return {"task": "pairs", "settings": _plain(Task, job.task)}
    if isinstance(job, FamiliesJob):
        if job.task.stored is not None or job.task.design is not None:
            return None
        more = {"choices": job.choices, "beside": job.beside}
        return {"task": "families", "settings": _plain(ClassifyTask, job.task), "more": more}
    if isinstance(job, FitnessJob):
        return {"task": "fitness", "settings": _plain(FitnessTask, job.task)}
    if isinstance(job, PluggedJob):
        more = {"model": lasting_name(job.model), "device": job.device, "seed": job.seed}
        return {"task": job.task.name, "settings": job.settings.model_dump(mode="json"), "more": more}
    return None


def _plain(kind: type, task: Any) -> dict[str, Any]:
    """Its fields, paths as they are found from anywhere."""
    found: dict[str, Any] = json.loads(_adapter(kind).dump_json(task))
    found["model"] = lasting_name(found["model"])
    found["loading"] = {key: _located(key, value) for key, value in found["loading"].items()}
    if "name" in found["loading"]:
        found["loading"]["name"] = found["model"]
    return {key: _located(key, value) for key, value in found.items()}


def _located(key: str, value: Any) -> Any:
    if key in _SETS and isinstance(value, str) and value and value not in set_names() and Path(value).exists():
        return str(Path(value).resolve())
    return value


def _read(kind: type, settings: Mapping[str, Any]) -> Any:
    try:
        task = _adapter(kind).validate_json(json.dumps(settings))
    except ValidationError as error:
        message = f"not the settings of a run: {wrong_field(error)}"
        raise InputError(message, path=RECIPE) from error
    if task.loading.get("weights"):
        task = replace(task, loading={**task.loading, "weights": Path(task.loading["weights"])})
    return task


@cache
def _adapter(kind: Any) -> Any:
    adapter = TypeAdapter(kind)
    # Names that the settings' own files import for type checkers only.
    adapter.rebuild(_types_namespace={"TunedHead": TunedHead, "Design": Design, "StoredVectors": object})
    return adapter
