"""The whole job: tune and test, then say what the score is worth."""

from dataclasses import replace

from rnaexp.models.spec import Encoder
from rnaexp.progress import Announce
from rnaexp.reading.store import Store
from rnaexp.tasks.pairs.assess import assess
from rnaexp.tasks.pairs.measure import tune_and_test
from rnaexp.tasks.pairs.result import Result, Task


def run_structure(task: Task, store: Store, announce: Announce, encoder: Encoder | None = None) -> Result:
    """Tune, freeze, test, and say what the score is worth.

    Raises: InputError, UnavailableError, LeakageError.
    """
    result = tune_and_test(task, store, announce, encoder)
    return replace(result, assessment=assess(result, store))
