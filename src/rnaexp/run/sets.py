"""The sets of a task: read, altered if asked, their clusters named over both."""

from dataclasses import replace

from rnaexp.data.alter import altered_set
from rnaexp.data.clusters import clustered
from rnaexp.data.sets import DataSet, load_set
from rnaexp.errors import InputError, UnavailableError
from rnaexp.run.task import Task
from rnaexp.structure.heads import TunedHead
from rnaexp.structure.reading import sequence_sha256

# Validation and test set with clusters named over both, and the validation RNAs that have a relative in the test set.
Sets = tuple[DataSet | None, DataSet, tuple[str, ...]]


def sets_of(task: Task) -> Sets:
    """The task's sets, altered as it asks.

    Raises: InputError, UnavailableError.
    """
    test = altered_set(load_set(task.test), task.alignment)
    if task.validation is None:
        return None, test, ()
    validation = altered_set(load_set(task.validation), task.alignment)
    rnas = clustered([*validation.rnas, *test.rnas])
    validation = replace(validation, rnas=rnas[: len(validation)])
    test = replace(test, rnas=rnas[len(validation) :])
    tested = {rna.cluster for rna in test.rnas if rna.pairs}
    return validation, test, tuple(rna.id for rna in validation.rnas if rna.pairs and rna.cluster in tested)


def clustered_with_tuning(test: DataSet, tuned: TunedHead) -> tuple[DataSet, TunedHead]:
    """Clusters are named anew over both sets; if the tuning set is gone, only equal sequences can be noticed."""
    if not tuned.sequences:
        return test, tuned
    try:
        tuning = load_set(tuned.tuned_on)
    except (InputError, UnavailableError):
        return test, tuned
    rnas = clustered([*tuning.rnas, *test.rnas])
    used = {rna.cluster or rna.id for rna in rnas[: len(tuning)] if sequence_sha256(rna) in tuned.sequences}
    return replace(test, rnas=rnas[len(tuning) :]), replace(tuned, clusters=tuple(sorted(used)))
