"""What can be named in an evaluation."""

import pandas as pd

from rnaexp.data.registry import named_sets
from rnaexp.experiment.tasks import TASKS


def tasks() -> tuple[str, ...]:
    """Names of the tasks: pairs, families, fitness, contacts."""
    return tuple(TASKS)


def sets() -> pd.DataFrame:
    """Every named set: for which tasks, its split, how many RNAs (NA: only its files can tell), licence, what it needs.

    >>> import rnaexp
    >>> rnaexp.sets().set_index("name").loc["builtin", "tasks"]
    'pairs, families'
    """
    rows = [
        {
            "name": each.name,
            "tasks": ", ".join(each.kinds),
            "split": each.split,
            "rnas": each.rnas,
            "title": each.title,
            "licence": each.licence,
            "needs": each.needs,
        }
        for each in named_sets()
    ]
    return pd.DataFrame(rows).astype({"rnas": "Int64"})
