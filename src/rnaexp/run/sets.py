"""The sets of a task: read, altered if asked, their clusters named over both."""

from collections.abc import Sequence
from dataclasses import replace

from rnaexp.data.alter import altered_set
from rnaexp.data.clusters import clustered
from rnaexp.data.protein_kin import clustered_proteins
from rnaexp.data.proteins import in_two_parts, load_proteins
from rnaexp.data.sets import DataSet, load_set
from rnaexp.errors import InputError, UnavailableError
from rnaexp.rna import Rna
from rnaexp.run.task import Task
from rnaexp.structure.heads import TunedHead
from rnaexp.structure.reading import sequence_sha256

# Validation and test set with clusters named over both, and the validation RNAs that have a relative in the test set.
Sets = tuple[DataSet | None, DataSet, tuple[str, ...]]


def sets_of(task: Task) -> Sets:
    """The task's sets, altered as it asks.

    Raises: InputError, UnavailableError.
    """
    if task.scoring.of_proteins:
        return _sets_of_proteins(task)
    test = altered_set(load_set(task.test), task.alignment)
    if task.validation is None:
        return None, test, ()
    validation = altered_set(load_set(task.validation), task.alignment)
    return _related(validation, test, clustered([*validation.rnas, *test.rnas]))


def _sets_of_proteins(task: Task) -> Sets:
    """One set to tune and to test on is cut in two between its clusters."""
    test = load_proteins(task.test)
    if task.validation is None or task.validation == task.test:
        test = replace(test, rnas=clustered_proteins(test.rnas))
        return (None, test, ()) if task.validation is None else (*in_two_parts(test), ())
    validation = load_proteins(task.validation)
    return _related(validation, test, clustered_proteins([*validation.rnas, *test.rnas]))


def _related(validation: DataSet, test: DataSet, rnas: Sequence[Rna]) -> Sets:
    """Both sets with the clusters of `rnas`, which are theirs one after the other."""
    validation = replace(validation, rnas=tuple(rnas[: len(validation)]))
    test = replace(test, rnas=tuple(rnas[len(validation) :]))
    tested = {rna.cluster for rna in test.rnas if rna.pairs}
    return validation, test, tuple(rna.id for rna in validation.rnas if rna.pairs and rna.cluster in tested)


def clustered_with_tuning(test: DataSet, tuned: TunedHead) -> tuple[DataSet, TunedHead]:
    """Clusters are named anew over both sets; if the tuning set is gone, only equal sequences can be noticed."""
    if not tuned.sequences or tuned.scoring.of_proteins:
        return test, tuned
    try:
        tuning = load_set(tuned.tuned_on)
    except (InputError, UnavailableError):
        return test, tuned
    rnas = clustered([*tuning.rnas, *test.rnas])
    used = {rna.cluster or rna.id for rna in rnas[: len(tuning)] if sequence_sha256(rna) in tuned.sequences}
    return replace(test, rnas=rnas[len(tuning) :]), replace(tuned, clusters=tuple(sorted(used)))
