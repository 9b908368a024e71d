"""Scores of controls: computed once for two sets and a protocol, for however many models they are compared with."""

from copy import deepcopy
from dataclasses import asdict, replace

from rnaexp.models.spec import Encoder
from rnaexp.progress import silence
from rnaexp.reading.large import let_go
from rnaexp.reading.store import Store, key_of
from rnaexp.tasks.pairs import record as tables
from rnaexp.tasks.pairs.contrasts import f1_of
from rnaexp.tasks.pairs.measure import evaluated, tune_and_test
from rnaexp.tasks.pairs.result import Control, Result, Task
from rnaexp.tasks.pairs.sets import Sets

_KEPT = 256  # controls: small tables
_MOST_BYTES = 2**25  # of the lists of a control that is kept whole, in case it has a row of its own
_known: dict[str, Control] = {}
_whole: dict[str, Result] = {}


def control_scores(name: str, task: Task, sets: Sets, store: Store) -> Control:
    """Of a control, through the tuning and the test of this task on its sets.

    Raises: InputError, UnavailableError where the control cannot read these sets.
    """
    alone = replace(task, model=name, families="", loading={"name": name})  # a control is classified nowhere
    key = _key(alone, sets, store)
    if key not in _known:
        if len(_known) == _KEPT:
            _known.clear()
        done = tune_and_test(alone, store, silence, sets=sets)
        _known[key] = _control(done, store)
        let_go(done.tested)
        let_go(done.test.whole)
        if _bytes(done) <= _MOST_BYTES:
            _whole[key] = done
    return deepcopy(_known[key])  # ranks are written into its record


def measured_before(task: Task, encoder: Encoder, sets: Sets, store: Store) -> Result | None:
    """What was measured of this very encoder as a control of an earlier model of the same question, given once."""
    if task.tuned is not None:
        return None
    alone = replace(task, families="", loading={"name": task.model})
    done = _whole.pop(_key(alone, sets, store), None)
    if done is None or done.encoder.fingerprint != encoder.fingerprint:
        return None
    return replace(done, task=task, encoder=encoder)


def _key(alone: Task, sets: Sets, store: Store) -> str:
    return key_of({"store": store.root, "task": asdict(alone), "sets": _identity(sets)})


def _bytes(done: Result) -> int:
    parts = (done.validation, done.test)
    return sum(rna.scores.nbytes + rna.indices.nbytes for part in parts if part for rna in part.scores.rnas)


def _control(done: Result, store: Store) -> Control:
    assert done.evaluation is not None
    assert done.validation is not None
    assert done.tuned is not None
    tuned = done.tuned
    there = evaluated(done.validation.scores, (tuned.layer, tuned.head), tuned.threshold, store)
    return Control(record=tables.as_json(done, None), evaluation=done.evaluation, validation=f1_of(there))


def _identity(sets: Sets) -> list[object]:
    """What of the sets makes a difference: their content, and which RNAs are relatives."""
    validation, test, related = sets
    parts = [part for part in (validation, test) if part is not None]
    return [related, *((part.name, part.sha256, [(rna.id, rna.cluster) for rna in part.rnas]) for part in parts)]
