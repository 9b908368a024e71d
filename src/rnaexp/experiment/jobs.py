"""Which job a task of labelled pairs is: of base pairs, or of contacts."""

from rnaexp.models.spec import Encoder
from rnaexp.structure.molecules import PROTEIN
from rnaexp.tasks.contacts.job import ContactsJob
from rnaexp.tasks.pairs.job import PairsJob
from rnaexp.tasks.pairs.settings import Task


def pairs_job(task: Task, encoder: Encoder | None = None) -> PairsJob | ContactsJob:
    """`encoder`: the model, where it is loaded already."""
    kind = ContactsJob if task.scoring.molecule is PROTEIN else PairsJob
    return kind(task=task, encoder=encoder)
