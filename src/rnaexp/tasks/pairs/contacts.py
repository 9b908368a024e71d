"""Contacts of proteins as a task of its own: who may be asked, on which sets, and how far to believe it."""

from rnaexp import models
from rnaexp.errors import InputError
from rnaexp.models.files import FileEncoder
from rnaexp.models.fitted import FITTED
from rnaexp.models.spec import Encoder
from rnaexp.tasks.pairs.result import Task

TASK = "contacts"  # tag of a run, and name of the protocol
CONTROLS = ("random", "distance")  # what says nothing of letters says it of proteins as well
UNPROVEN = (
    "unproven: no set of proteins ships with rnaexp, and no published figure of contacts has been reproduced with it"
)
_READERS = (*CONTROLS, "planted")


def refuse_other_models(task: Task, encoder: Encoder | None) -> None:
    """Raises: InputError for a model that reads RNA, asked for contacts of proteins."""
    if not task.scoring.of_proteins or isinstance(encoder, FileEncoder):
        return
    about = models.spec(task.model.removeprefix(FITTED))
    if about.group != "protein" and about.name not in _READERS:
        known = ", ".join(name for name in models.names() if models.spec(name).group == "protein")
        message = (
            f"{task.model} does not read proteins; contacts are asked of {known} (untrained: or fitted: before it), "
            f"and of the controls {', '.join(CONTROLS)}"
        )
        raise InputError(message)
