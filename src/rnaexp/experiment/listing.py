"""What can be named in an evaluation."""

import pandas as pd

from rnaexp import models
from rnaexp.data.registry import named_sets
from rnaexp.experiment.tasks import TASKS
from rnaexp.tasks.registry import task_names


def list_tasks() -> tuple[str, ...]:
    """Names of the tasks: pairs, families, fitness, contacts, and those that installed packages add.

    >>> import rnaexp
    >>> rnaexp.list_tasks()[:4]
    ('pairs', 'families', 'fitness', 'contacts')
    """
    return (*TASKS, *task_names())


def list_models() -> pd.DataFrame:
    """Every named model, controls and baselines included; what nobody has read is missing, `unavailable` says why.

    >>> import rnaexp
    >>> rnaexp.list_models().set_index("name").loc["rnabert", "group"]
    'diverse-ncrna'
    """
    shown = ("name", "title", "group", "reads", "layers", "heads", "width", "max_bases", "licence", "unavailable")
    specs = map(models.spec, models.names())
    found = pd.DataFrame([{field: getattr(each, field) for field in shown} for each in specs])
    return found.astype(dict.fromkeys(("layers", "heads", "width", "max_bases"), "Int64"))


def list_sets() -> pd.DataFrame:
    """Every named set: for which tasks, its split, how many RNAs (NA: only its files can tell), licence, what it needs.

    >>> import rnaexp
    >>> rnaexp.list_sets().set_index("name").loc["builtin", "tasks"]
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
