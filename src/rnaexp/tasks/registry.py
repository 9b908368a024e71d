"""Tasks of other packages, by name."""

from typing import Any

from pydantic import ValidationError

from rnaexp.errors import InputError
from rnaexp.plugins import TASKS, loaded, plugged
from rnaexp.settings import wrong_setting
from rnaexp.tasks.task import Task, TaskSettings


def task_names() -> tuple[str, ...]:
    """Of every task that an installed package adds."""
    return tuple(plugged(TASKS))


def task_of(name: str) -> Task:
    """Raises: InputError for a name that no package adds, UnavailableError for a package that cannot be loaded."""
    if name not in plugged(TASKS):
        known = ", ".join(task_names()) or "none is installed"
        message = f"no task {name!r} of another package; {known}"
        raise InputError(message)
    found: Task = loaded(TASKS, name, Task)
    return found


def settings_of(task: Task, given: dict[str, Any]) -> TaskSettings:
    """Checked settings. Raises: InputError naming the field, its value and what is allowed."""
    try:
        return task.Settings(**given)
    except ValidationError as error:
        message = f"{task.name}: {wrong_setting(error, task.Settings)}"
        raise InputError(message) from error
