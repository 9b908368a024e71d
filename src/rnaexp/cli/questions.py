"""`rnaexp questions ...`: questions that come with the package. Bodies are imported when a verb runs."""

from typing import Annotated

import typer

from rnaexp.cli.options import Json

questions_app = typer.Typer(help="Questions that come with rnaexp: list, show.", no_args_is_help=True)


@questions_app.command("list", epilog="Example: rnaexp run builtin")
def questions_list(json: Json = False) -> None:
    """All of them: `rnaexp run NAME` answers one."""
    from rnaexp.experiment import questions

    questions.list_all(json=json)


@questions_app.command("show", epilog="Example: rnaexp questions show builtin > mine.toml")
def questions_show(name: Annotated[str, typer.Argument(help="A question's name.")]) -> None:
    """Print a question's file, to be changed and run: rnaexp run mine.toml."""
    from rnaexp.experiment import questions

    questions.show(name)
