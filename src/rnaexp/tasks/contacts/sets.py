"""The sets of proteins of a task, their clusters named over both."""

from dataclasses import replace

from rnaexp.data.protein_relatives import clustered_proteins
from rnaexp.data.proteins import in_two_parts, load_proteins
from rnaexp.tasks.pairs.result import Task
from rnaexp.tasks.pairs.sets import Sets, related_ids


def sets_of(task: Task) -> Sets:
    """One set to tune and to test on is cut in two between its clusters."""
    test = load_proteins(task.test)
    if task.validation is None or task.validation == task.test:
        test = replace(test, rnas=clustered_proteins(test.rnas))
        return (None, test, ()) if task.validation is None else (*in_two_parts(test), ())
    validation = load_proteins(task.validation)
    rnas = clustered_proteins([*validation.rnas, *test.rnas])
    validation = replace(validation, rnas=tuple(rnas[: len(validation)]))
    test = replace(test, rnas=tuple(rnas[len(validation) :]))
    return validation, test, related_ids(validation, test)
