"""Verbs about registered models' aliases: history and rollback. Bodies are imported when a verb runs."""

from typing import Annotated

import typer

from rnaexp.cli.options import Json

_Registered = Annotated[str, typer.Argument(metavar="NAME", help="A registered model: lm-nano, or rnaexp-pairs.")]


def register(app: typer.Typer) -> None:
    """Hang the verbs on the program."""
    app.command(epilog="Example: rnaexp history rnaexp-pairs")(history)
    app.command(epilog="Example: rnaexp rollback rnaexp-pairs")(rollback)


def history(name: _Registered, json: Json = False) -> None:
    """Show each decision on a registered model's aliases: what was promoted or refused, against what, and why."""
    from rnaexp.report import histories

    histories.show_history(name, json=json)


def rollback(
    name: _Registered,
    alias: Annotated[str, typer.Option(help="champion or paper.")] = "champion",
) -> None:
    """Give an alias back to the version that had it before; the version that loses it stays registered."""
    from rnaexp.track.registry import roll_back

    done = roll_back(name, alias)
    typer.echo(f"{alias} of {name} is version {done.after}, taken from version {done.before}")
    typer.echo("a server that is running answers from what it loaded: start it again")
