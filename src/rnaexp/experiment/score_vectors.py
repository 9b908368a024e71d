"""`rnaexp score --embeddings`: another tool's vectors as a full row of the families task."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnaexp import models
from rnaexp.classify.controls import CONTROLS
from rnaexp.data.stored_vectors import read_vectors
from rnaexp.errors import InputError
from rnaexp.experiment.classify_verbs import classify_tasks, protocol
from rnaexp.tasks.families.settings import ClassifyTask


def score_vectors(
    *, name: str, embeddings: Path, families: str, protocol_name: str, fields: Mapping[str, Any], json: bool
) -> None:
    """One file on one set; its vectors are taken as they are unless a reduction is asked for.

    Raises: InputError, UnavailableError.
    """
    if not name.strip() or name in models.names() or name in CONTROLS:
        message = f"--name {name!r}: choose a name that no model of the catalogue has"
        raise InputError(message)
    if not families:
        message = "--embeddings goes with --set, a set with families such as wang-rfam or rfam-500"
        raise InputError(message)
    chosen = protocol(protocol_name, **{"reduction": "none", **fields})
    task = ClassifyTask(model=name, families=families, protocol=chosen, stored=read_vectors(embeddings))
    classify_tasks([task], json=json)
