"""Verbs of tasks that other packages add: their options are made from the task's settings."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from rnaexp.cli.options import Device, Json, Models, OnceEach, several
from rnaexp.cli.settings import made, option, sign
from rnaexp.errors import UnavailableError
from rnaexp.plugins import TASKS, package, plugged

_COMMON: dict[str, tuple[Any, Any]] = {
    "model": (Models, inspect.Parameter.empty),
    "device": (Device, "auto"),
    "seed": (Annotated[int, typer.Option(help="Seed of random weights and of random scores.")], 0),
    "csv": (Annotated[Path | None, typer.Option(help="Write the rows of the table to a CSV file as well.")], None),
    "json": (Json, False),
}


class WithTasks(TyperGroup):
    """The program's verbs, and behind them one for each task of an installed package."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all verbs."""
        return [*super().list_commands(ctx), *(name for name in plugged(TASKS) if name not in self.commands)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Our own verb, or one made of a task. A package that cannot be loaded has a verb that says so."""
        found = super().get_command(ctx, cmd_name)
        return found if found is not None or cmd_name not in plugged(TASKS) else _command(cmd_name)


def _command(name: str) -> Any:
    app = typer.Typer(add_completion=False)
    app.command(name, cls=OnceEach)(_function(name))
    return typer.main.get_command(app)


def _function(name: str) -> Callable[..., None]:
    """What the verb does, with a signature of its options."""
    from rnaexp.tasks.registry import task_of

    try:
        task = task_of(name)
    except UnavailableError as error:
        return _failing(str(error), name)
    fields = task.Settings.model_fields
    options = {key: value for key, value in _COMMON.items() if key not in fields}

    def run(**given: Any) -> None:
        from rnaexp.experiment import verbs
        from rnaexp.experiment.conclude import Output

        common = {key: given.pop(key) for key in options}
        names, csv, json = several(common.pop("model")), common.pop("csv"), common.pop("json")
        settings = made(task.Settings, given)
        usual: dict[str, Any] = {"device": "auto", "seed": 0, **common}  # a task may have settings of these names
        verbs.of_another_package(task, names, settings, Output(csv=csv, json=json), **usual)

    own = [option(field, about) for field, about in fields.items()]
    first, *others = (_parameter(key, *options[key]) for key in options)
    sign(run, [first, *own, *others])
    run.__doc__ = f"{task.title} (a task of {package(plugged(TASKS)[name])})."
    return run


def _failing(why: str, name: str) -> Callable[..., None]:
    def fail() -> None:
        raise UnavailableError(why)

    fail.__doc__ = f"Cannot be loaded: {package(plugged(TASKS)[name])}."
    return fail


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
