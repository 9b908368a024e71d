"""`rnaexp store ...`: the folder of results. Bodies are imported when a verb runs."""

from pathlib import Path
from typing import Annotated

import typer

from rnaexp.cli.options import Json

store_app = typer.Typer(
    help="The folder of results (.rnaexp or RNAEXP_STORE): info, verify, gc, merge.", no_args_is_help=True
)


@store_app.command("info")
def store_info(json: Json = False) -> None:
    """Files and bytes of each kind, and of what `gc` would remove."""
    from rnaexp.report import stored

    stored.info(json=json)


@store_app.command("verify")
def store_verify(json: Json = False) -> None:
    """Read every entry; what is damaged or another's is set aside (exit 65), and made again when it is needed."""
    from rnaexp.report import stored

    raise typer.Exit(stored.verified(json=json))


@store_app.command("gc")
def store_gc(json: Json = False) -> None:
    """Remove what no run can use: what was set aside, files of killed processes, statistics of other versions."""
    from rnaexp.report import stored

    stored.collected(json=json)


@store_app.command("merge")
def store_merge(
    stores: Annotated[list[Path], typer.Argument(help="Stores of other machines.")], json: Json = False
) -> None:
    """Copy into this store what others hold; what is damaged or another's is left out and named (exit 65)."""
    from rnaexp.report import stored

    raise typer.Exit(stored.merged(stores, json=json))
