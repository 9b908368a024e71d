"""The sets of a task: read, altered if wanted, their clusters named over both."""

from dataclasses import replace

from rnaexp.data.alter import altered_set
from rnaexp.data.clusters import clustered
from rnaexp.data.relatives import relatives, too_short
from rnaexp.data.sets import DataSet, load_set
from rnaexp.errors import InputError, UnavailableError
from rnaexp.structure.heads import TunedHead
from rnaexp.structure.molecules import RNA
from rnaexp.structure.reading import sequence_sha256
from rnaexp.tasks.pairs.result import Result, Task

# Validation and test set with clusters named over both, and the validation RNAs that have a relative in the test set.
Sets = tuple[DataSet | None, DataSet, tuple[str, ...]]


def sets_of(task: Task) -> Sets:
    """The task's sets, altered as it asks.

    Raises: InputError, UnavailableError.
    """
    test = _clustered(altered_set(load_set(task.test), task.alignment))
    if task.validation is None:
        return None, test, ()
    validation = _joined(_clustered(altered_set(load_set(task.validation), task.alignment)), test)
    return validation, test, related_ids(validation, test)


def _clustered(data: DataSet) -> DataSet:
    """Most sets know their clusters when they are read."""
    return data if all(rna.cluster for rna in data.rnas) else replace(data, rnas=clustered(data.rnas))


def _joined(validation: DataSet, test: DataSet) -> DataSet:
    """The validation set; a cluster with a relative in the test set, or of one of its families, has the name there."""
    tested_first = sorted(range(len(test)), key=lambda at: not test.rnas[at].pairs)
    names = [str(rna.cluster) for rna in test.rnas]
    of_family = {test.rnas[at].family: names[at] for at in reversed(tested_first)}
    same_family = [
        (rna.cluster, of_family[rna.family]) for rna in validation.rnas if rna.family and rna.family in of_family
    ]
    found = sorted(relatives(validation.rnas, test.rnas), key=lambda pair: tested_first.index(pair[1]))
    name_of: dict[str | None, str] = {}
    for cluster, name in [*((validation.rnas[i].cluster, names[j]) for i, j in found), *same_family]:
        name_of.setdefault(cluster, name)
    rnas = [replace(rna, cluster=name_of.get(rna.cluster, rna.cluster)) for rna in validation.rnas]
    return replace(validation, rnas=tuple(rnas))


def unjudged(result: Result) -> list[str]:
    """A note on RNAs too short to be distinguished from chance in the other set."""
    if result.validation is None:
        return []
    lines, parts = [], (result.validation.data, result.test.data)
    for data, other in (parts, reversed(parts)):
        if ids := too_short(data.rnas, other.rnas):
            shown = ", ".join(ids[:3]) + (", ..." if len(ids) > 3 else "")
            lines.append(
                f"{len(ids)} RNAs of {data.name} are too short to be known as relatives of {other.name} unless equal: "
                f"{shown}"
            )
    return lines


def related_ids(validation: DataSet, test: DataSet) -> tuple[str, ...]:
    """Ids of the validation RNAs in a cluster that is tested on."""
    tested = {rna.cluster for rna in test.rnas if rna.pairs}
    return tuple(rna.id for rna in validation.rnas if rna.pairs and rna.cluster in tested)


def clustered_with_tuning(test: DataSet, tuned: TunedHead) -> tuple[DataSet, TunedHead]:
    """Relatives in the set tuned on are found anew; if that is gone, only equal sequences can be noticed."""
    if not tuned.sequences or tuned.scoring.molecule is not RNA:
        return test, tuned
    try:
        tuning = load_set(tuned.tuned_on)
    except (InputError, UnavailableError):
        return test, tuned
    test = _clustered(test)
    used = {
        str(rna.cluster) for rna in _joined(_clustered(tuning), test).rnas if sequence_sha256(rna) in tuned.sequences
    }
    return test, replace(tuned, clusters=tuple(sorted(used)))
