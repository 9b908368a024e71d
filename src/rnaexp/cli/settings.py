"""Options made of settings: a verb that takes settings has an option for each of their fields."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from rnaexp.settings import SettingsBase, wrong_setting


def with_settings(verb: Callable[..., None]) -> Callable[..., None]:
    """Each parameter of the verb that is a class of settings becomes the options of its fields, in their order.

    Wrong values end in exit code 2, with the option, the value and what is allowed.
    """
    taken, parameters = dict[str, type[SettingsBase]](), list[inspect.Parameter]()
    for parameter in inspect.signature(verb, eval_str=True).parameters.values():
        if isinstance(parameter.annotation, type) and issubclass(parameter.annotation, SettingsBase):
            taken[parameter.name] = parameter.annotation
            parameters += [option(name, about) for name, about in parameter.annotation.model_fields.items()]
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    @wraps(verb)
    def run(**given: Any) -> None:
        for name, settings in taken.items():
            given[name] = made(settings, {field: given.pop(field) for field in settings.model_fields})
        verb(**given)

    sign(run, parameters)
    return run


def made(settings: type[SettingsBase], given: dict[str, Any]) -> Any:
    """Checked settings. Raises: BadParameter (exit 2) with the field, its value and what is allowed."""
    try:
        return settings(**given)
    except ValidationError as error:
        field, _, rest = wrong_setting(error, settings).partition(" ")
        message = f"--{field.replace('_', '-')} {rest}"
        raise typer.BadParameter(message) from error


def option(name: str, about: FieldInfo) -> inspect.Parameter:
    """One field as a keyword parameter that typer reads an option from."""
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=Annotated[about.annotation, typer.Option(help=about.description)],
        default=inspect.Parameter.empty if about.is_required() else about.get_default(),
    )


def sign(function: Any, parameters: list[inspect.Parameter]) -> None:
    """Give it these keyword parameters: what typer reads options from."""
    function.__signature__ = inspect.Signature(parameters)
    function.__annotations__ = {one.name: one.annotation for one in parameters}
