"""Scores of controls: computed once for two sets and a protocol, for however many models they stand beside."""

from dataclasses import asdict, replace

from rnaexp.report.progress import silence
from rnaexp.run.sets import Sets
from rnaexp.run.structure import tune_and_test
from rnaexp.run.task import Task
from rnaexp.store import Store, key_of
from rnaexp.structure.evaluate import Evaluation

_KEPT = 256  # evaluations: small tables
_known: dict[str, Evaluation | None] = {}


def control_scores(name: str, task: Task, sets: Sets, store: Store) -> Evaluation | None:
    """Of a control, through the tuning and the test of this task on its sets; None where nothing was tuned.

    Raises: InputError, UnavailableError where the control cannot read these sets.
    """
    asked = replace(task, model=name, loading={"name": name})
    key = key_of({"store": store.root, "task": asdict(asked), "sets": _identity(sets)})
    if key not in _known:
        if len(_known) == _KEPT:
            _known.clear()
        _known[key] = tune_and_test(asked, store, silence, sets=sets).evaluation
    return _known[key]


def _identity(sets: Sets) -> list[object]:
    """What of the sets makes a difference: their content, and which RNAs are relatives."""
    validation, test, related = sets
    parts = [part for part in (validation, test) if part is not None]
    return [related, *((part.name, part.sha256, [(rna.id, rna.cluster) for rna in part.rnas]) for part in parts)]
