"""The whole job: tune and test, then say what the score is worth."""

from dataclasses import replace

from rnaexp import models
from rnaexp.models.fitted import FITTED
from rnaexp.models.spec import Encoder
from rnaexp.progress import Announce
from rnaexp.reading.store import Store
from rnaexp.tasks.pairs.assess import assess
from rnaexp.tasks.pairs.control_scores import measured_before
from rnaexp.tasks.pairs.measure import tune_and_test
from rnaexp.tasks.pairs.result import Result, Task
from rnaexp.tasks.pairs.sets import sets_of
from rnaexp.tasks.pairs.views import with_view


def run_structure(task: Task, store: Store, announce: Announce, encoder: Encoder | None = None) -> Result:
    """Tune, freeze, test, and say what the score is worth.

    Raises: InputError, UnavailableError, LeakageError.
    """
    result = _again(task, store) if encoder is None else None
    if result is None:
        result = tune_and_test(task, store, announce, encoder)
    if result.validation is not None and result.tuned is not None:
        tuned = with_view(result.encoder, result.validation, result.tuned, store, announce)
        result = replace(result, tuned=tuned)
    return replace(result, assessment=assess(result, store))


def _again(task: Task, store: Store) -> Result | None:
    """Of a baseline that was a control of an earlier model."""
    if task.model.startswith(FITTED) or models.spec(task.model).group != "baseline":
        return None
    encoder = models.load(**{**task.loading, "name": task.model})
    return measured_before(task, encoder, sets_of(task), store)
