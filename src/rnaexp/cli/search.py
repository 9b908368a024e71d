"""The verb `search`; `cli.py` adds it to the others."""

from typing import Annotated

import typer

from rnaexp.cli.options import Config, Device, Json, Weights


def register(app: typer.Typer) -> None:
    """Give the program the verb."""
    app.command(epilog="Example: rnaexp search --model msm-nano --validation rfam-vl --test rfam-ts")(search)


def search(
    model: Annotated[str, typer.Option("--model", help="Name (see `rnaexp models`), checkpoint folder, or hf:...")],
    validation: Annotated[str, typer.Option(help="Set to search on: a name, a file or a folder.")] = "builtin-vl",
    test: Annotated[str, typer.Option(help="Set to test on, once.")] = "builtin-ts",
    protocol: Annotated[str, typer.Option(help="paper or strict: how pairs are judged.")] = "paper",
    min_separation: Annotated[int, typer.Option(help="Smallest j - i of a pair; 0: as the protocol says.")] = 0,
    alignment: Annotated[str, typer.Option("--alignment", help="intact, shuffled, depth-N or realigned.")] = "intact",
    trials: Annotated[int, typer.Option(min=1, help="How many configurations Optuna tries.")] = 200,
    storage: Annotated[
        str, typer.Option(help="Optuna RDB URL that several workers share, such as postgresql://.")
    ] = "",
    weights: Weights = "",
    config: Config = "",
    device: Device = "auto",
    seed: Annotated[int, typer.Option(help="Seed of the search.")] = 0,
    json: Json = False,
) -> None:
    """Beyond one head: search read-out, decoder and the mean of several heads; the single head stands beside it."""
    from rnaexp.tasks.pairs.settings import task

    asked = task(
        model=model,
        validation=validation,
        test=test,
        protocol=protocol,
        overrides={"min_separation": min_separation},
        alignment=alignment,
        weights=weights,
        config=config,
        device=device,
    )
    from rnaexp.experiment import search_verb

    search_verb.search(asked, trials=trials, storage=storage, seed=seed, json=json)
