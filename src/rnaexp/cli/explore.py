"""The verb `explore`; `app.py` adds it to the others."""

from pathlib import Path
from typing import Annotated

import typer

from rnaexp.cli.settings import with_settings
from rnaexp.errors import InputError
from rnaexp.reading.loading import Loading

_MOST = 3


def register(app: typer.Typer) -> None:
    """Give the program the verb."""
    app.command(epilog="Example: rnaexp explore lm-nano my.dbn --out attention.html")(explore)


@with_settings
def explore(
    model: Annotated[str, typer.Argument(help="Name (see `rnaexp models`), folder, or hf:org/name.")],
    rna: Annotated[
        str, typer.Argument(help="Letters, a file of RNAs (with pairs: scores are shown), or an alignment.")
    ],
    loading: Loading,
    id: Annotated[
        list[str],
        typer.Option(help=f"Only this RNA of the file; repeat for several. Default: the first {_MOST}."),
    ] = [],  # noqa: B006 (typer's way to an empty list)
    tuned: Annotated[
        str,
        typer.Option(help="Tuned head: JSON file, run id or `shipped`; default: your newest, else the shipped one."),
    ] = "",
    beside: Annotated[
        str,
        typer.Option(
            help="Another model on the same page, or a checkpoint of this one: folder, or file as a training writes it."
        ),
    ] = "",
    atlas: Annotated[
        Path | None,
        typer.Option(help="CSV file: what each head attends to, over all RNAs in the file; a figure next to it."),
    ] = None,
    out: Annotated[Path, typer.Option(help="File of the page.")] = Path("explorer.html"),
) -> None:
    """Look at every head's attention to an RNA: one HTML file that opens offline, with thresholds to move."""
    from rnaexp.data.own import read_own
    from rnaexp.experiment import ready
    from rnaexp.models import spec
    from rnaexp.models.spec import refuse_without_attention
    from rnaexp.rna import Rna

    ready.refuse_model(model, Path(loading.weights) if loading.weights else None)
    refuse_without_attention(spec(model))
    path = Path(rna)
    if path.exists():
        known = {each.id: each for each in read_own(path).rnas}
    else:
        letters = rna.upper().replace("T", "U")
        if set(letters) - set("ACGUN") or not letters:
            message = "no such file, and no RNA in letters A C G U N"
            raise InputError(message, path=rna)
        known = {"RNA": Rna(id="RNA", sequence=letters)}
    if unknown := [each for each in id if each not in known]:
        message = f"no RNA {unknown[0]!r} in it"
        raise InputError(message, path=path)
    from rnaexp.experiment import explore_verb

    rnas = [known[each] for each in id] or list(known.values())
    most = len(rnas) if id else _MOST
    wanted = explore_verb.Wanted(out=out, most=most, tuned=tuned, beside=beside, atlas=atlas)
    explore_verb.explore(model, rnas, wanted, loading)
