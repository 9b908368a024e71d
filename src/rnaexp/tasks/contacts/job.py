"""Contacts of proteins of one model as the runner runs them: tuned and tested as base pairs are, judged as contacts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from rnaexp.models.files import FileEncoder
from rnaexp.models.spec import Encoder
from rnaexp.tasks.contacts.assess import assess
from rnaexp.tasks.contacts.sets import sets_of
from rnaexp.tasks.contacts.settings import TASK, refuse_other_models
from rnaexp.tasks.context import Context
from rnaexp.tasks.pairs.job import PairsOutcome
from rnaexp.tasks.pairs.measure import tune_and_test
from rnaexp.tasks.pairs.result import Result
from rnaexp.tasks.pairs.settings import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactsJob:
    """`encoder`: the model, where it is loaded already."""

    task: Task
    encoder: Encoder | None = None

    @property
    def model(self) -> str:
        """Its name."""
        return self.task.model

    @property
    def label(self) -> str:
        """In messages."""
        return self.task.model

    @property
    def title(self) -> str:
        """Of the run: the model, the set, the protocol."""
        return self.task.title

    @property
    def tags(self) -> Mapping[str, object]:
        """They are never on a leaderboard of RNAs."""
        return {"rnaexp.task": TASK}

    def measure(self, context: Context) -> PairsOutcome:
        """Raises: InputError, LeakageError, UnavailableError."""
        if not isinstance(self.encoder, FileEncoder):
            refuse_other_models(self.task)
        announce = partial(context.announce, unit="chains")
        result = tune_and_test(self.task, context.store, announce, self.encoder, sets_of(self.task))
        result = replace(result, assessment=assess(result, context.store))
        return PairsOutcome(result=result, of_sets=_notes(result), store=context.store, announce=announce)


def _notes(result: Result) -> tuple[str, ...]:
    """What was left out of the files, once for both sets."""
    parts = [part for part in (result.validation, result.test) if part is not None]
    return tuple(dict.fromkeys(note for part in parts for note in part.data.notes))
