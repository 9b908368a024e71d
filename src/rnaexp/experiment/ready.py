"""What can be refused of a request before anything that takes time is imported: words, files, models, records."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rnaexp import models
from rnaexp.choices import refuse_unknown, refuse_unknown_device
from rnaexp.data.assay_sets import is_named_assay, load_assay
from rnaexp.data.readers import read_file
from rnaexp.data.sets import describe, set_names
from rnaexp.errors import InputError, UnavailableError
from rnaexp.experiment.question import places, read_question
from rnaexp.experiment.question_file import read_words
from rnaexp.fitness.baselines import BASELINES
from rnaexp.models.fitted import FITTED
from rnaexp.models.spec import refuse_without_attention
from rnaexp.reading.left_out import report_rows
from rnaexp.reading.loading import Loading
from rnaexp.structure.molecules import RNA
from rnaexp.tasks.fitness.settings import FitnessSettings
from rnaexp.tasks.pairs.settings import Task

_SLOW = frozenset({".pdb", ".ent", ".cif", ".mmcif", ".gz"})  # their readers take time, so they are read once only


def refuse_task(task: Task) -> None:
    """Raises: InputError or UnavailableError for a model, weights, set or record that the task cannot be done with."""
    how = {"device": "auto", "precision": "fp32", "token_pairs": "mean", **task.loading}
    refuse_unknown(how["precision"], how["token_pairs"])
    refuse_unknown_device(how["device"])
    refuse_model(task.model, task.loading.get("weights"))
    refuse_without_attention(models.spec(task.model.removeprefix(FITTED)))
    for name in (task.validation, task.test):
        if name is not None:
            refuse_set(name, read=task.scoring.molecule is RNA)


def refuse_watch(task: Task, like: str) -> None:
    """Raises: InputError or UnavailableError for sets, a device or a model that no checkpoint could be scored with."""
    refuse_unknown_device(task.loading["device"])
    if like:
        refuse_without_attention(models.spec(like))
    for name in (task.validation, task.test):
        if name is not None:
            refuse_set(name)


def refuse_model(name: str, weights: Path | None = None) -> None:
    """Raises: InputError for an unknown model or absent weights, UnavailableError for what cannot be had."""
    about = models.spec(name)
    if weights is not None and not weights.exists():
        message = "no such file or folder"
        raise InputError(message, path=weights)
    if about.unavailable is not None and weights is None:
        message = f"{name}: {about.unavailable}"
        raise UnavailableError(message)


def refuse_set(name: str, *, read: bool = True) -> None:
    """Raises: InputError for a set that is neither known nor a path, or (`read`) for a file that cannot be read."""
    path = Path(name)
    if name in set_names():
        return
    if not path.exists():
        describe(name)
    if read and path.is_file() and path.suffix.lower() not in _SLOW:
        read_file(path, unknown="reject")


def refuse_question(path: Path, shard: str) -> None:
    """Raises: InputError for a question that asks for what does not exist."""
    places(shard)
    if read_words(path).task:
        return
    for task in read_question(path).pairs:
        for name in (task.validation, task.test):
            if name is not None:
                refuse_set(name, read=False)


def refuse_fitness(names: Sequence[str], settings: FitnessSettings, loading: Loading) -> None:
    """Tell of a user's table what is left out of it.

    Raises: InputError for one that cannot be read, and what `refuse_model` raises.
    """
    for name in names:
        if name not in BASELINES:
            refuse_model(name, Path(loading.weights) if loading.weights else None)
    for member in settings.members:
        if not is_named_assay(member.assay):
            load_assay(
                member.assay,
                wild_type=settings.wild_type,
                direction=settings.direction,
                layout=settings.layout,
                report=partial(report_rows, member.assay, strict=settings.strict, silent=False),
            )
    if settings.alignment and not Path(settings.alignment).is_dir():
        read_file(Path(settings.alignment))
