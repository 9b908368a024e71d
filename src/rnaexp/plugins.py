"""What other packages add: entry points of the groups rnaexp.models, rnaexp.baselines, rnaexp.sets and rnaexp.tasks.

[project.entry-points."rnaexp.models"]
my-model = "my_package.models:SPEC"      # a ModelSpec of that name
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from rnaexp.errors import InputError, UnavailableError

MODELS, BASELINES, SETS, TASKS = "rnaexp.models", "rnaexp.baselines", "rnaexp.sets", "rnaexp.tasks"


@cache
def plugged(group: str) -> dict[str, EntryPoint]:
    """The group's entry points by name. Raises: InputError where two packages use one name."""
    found: dict[str, EntryPoint] = {}
    for each in entry_points(group=group):
        if each.name in found and found[each.name].value != each.value:
            message = f"two packages add {each.name!r} to {group}: {package(found[each.name])} and {package(each)}"
            raise InputError(message)
        found[each.name] = each
    return found


def package(point: EntryPoint) -> str:
    """Who adds it."""
    return "an unknown package" if point.dist is None else f"{point.dist.name} {point.dist.version}"


def loaded(group: str, name: str, kind: type | None = None) -> Any:
    """The object behind an entry point, a `kind` whose name is the entry point's.

    Raises: UnavailableError naming the package and what went wrong in it.
    """
    point = plugged(group)[name]
    try:
        found = point.load()
    except Exception as error:  # anything may go wrong in code that is not ours, and only this name suffers from it
        message = f"{name}: added by {package(point)}, which cannot be loaded: {type(error).__name__}: {error}"
        raise UnavailableError(message) from error
    wrong = kind is not None and not isinstance(found, kind)
    if wrong or getattr(found, "name", None) != name:
        wanted = "an object" if kind is None else f"a {kind.__name__}"
        message = f"{name}: {package(point)} gives {found!r:.80}; wanted {wanted} with name={name!r}"
        raise UnavailableError(message)
    return found


def refuse_taken(group: str, known: Any) -> None:
    """Raise InputError where a package adds a name that rnaexp has itself: nothing is replaced in silence."""
    if taken := [name for name in plugged(group) if name in known]:
        message = f"{package(plugged(group)[taken[0]])} adds {taken[0]!r} to {group}, a name that rnaexp has itself"
        raise InputError(message)
