"""What may be set for contacts: which models, on which sets, and how far to believe it."""

from dataclasses import replace

from rnaexp import models
from rnaexp.errors import InputError
from rnaexp.models.fitted import FITTED
from rnaexp.structure.molecules import PROTEIN
from rnaexp.tasks.pairs.settings import Task

TASK = "contacts"  # tag of a run, and name of the protocol
CONTROLS = ("random", "distance")  # what says nothing of letters says it of proteins as well
UNPROVEN = (
    "unproven: no set of proteins ships with rnaexp, and no published figure of contacts has been reproduced with it"
)
_READERS = (*CONTROLS, "planted")
_OF_RNAS = ("builtin-vl", "builtin-ts")  # what the command line takes where no set is named


def refuse_other_models(task: Task) -> None:
    """Raises: InputError for a model that reads RNA, since contacts are those of proteins."""
    about = models.spec(task.model.removeprefix(FITTED))
    if about.group != "protein" and about.name not in _READERS:
        known = ", ".join(name for name in models.names() if models.spec(name).group == "protein")
        message = (
            f"{task.model} does not read proteins; contacts are measured of {known} (untrained: or fitted: before it), "
            f"and of the controls {', '.join(CONTROLS)}"
        )
        raise InputError(message)


def completed(task: Task) -> Task:
    """Of contacts: no families as well, and tuned, where no set of proteins is named, on part of the test set itself
    (`data.proteins.in_two_parts`). A task of base pairs as it is.

    Raises: InputError where no set of proteins is named.
    """
    if task.scoring.molecule is not PROTEIN:
        return task
    if task.test in _OF_RNAS:
        message = "no set of proteins ships with rnaexp: name a file or folder of PDB or mmCIF with --test"
        raise InputError(message)
    validation = task.test if task.validation in _OF_RNAS else task.validation
    return replace(task, families="", validation=validation)
