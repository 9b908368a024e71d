"""Options that several verbs share, and what holds for the options of all."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperOption


class OnceEach(TyperCommand):
    """An option that takes one value is refused where it is given twice: the first would be dropped without a word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Raises: BadParameter (exit 2)."""
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        for option, times in Counter(order).items():
            if times > 1 and isinstance(option, TyperOption) and not option.multiple:
                message = f"given {times} times, and takes one value"
                raise typer.BadParameter(message, ctx=ctx, param=option)
        return super().parse_args(ctx, args)


def once_each(*apps: typer.Typer) -> None:
    """Let each verb refuse an option that is given twice."""
    for app in apps:
        for verb in app.registered_commands:
            verb.cls = OnceEach


Models = Annotated[
    list[str],
    typer.Option("--model", help="Name (see `rnaexp models`), checkpoint folder, or hf:org/name; repeat for several."),
]


def several(names: list[str], **of_one: str) -> list[str]:
    """The models, each named once.

    `of_one`: options that belong to one model.

    Raises: BadParameter (exit 2).
    """
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        message = f"--model {twice[0]}: named twice"
        raise typer.BadParameter(message)
    for option, value in of_one.items():
        if value and len(names) > 1:
            message = f"--{option.replace('_', '-')} belongs to one model, and {len(names)} are named"
            raise typer.BadParameter(message)
    return names


Name = Annotated[str, typer.Option(help="Name of the registered model; default: the folder's, or the model's own.")]
Weights = Annotated[str, typer.Option(help="Weights file or folder, instead of the published ones.")]
Config = Annotated[str, typer.Option(help="JSON file with the sizes that the weights do not carry.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Csv = Annotated[Path | None, typer.Option(help="Write the rows of the table to a CSV file as well.")]
Mask = Annotated[
    bool,
    typer.Option("--mask", help="Read any other letter (X, digits, *) as N; IUPAC's codes (R, Y, ...) always are."),
]
