"""The command line: each verb is also an entry point of MLproject. Bodies are imported when a verb runs."""

from pathlib import Path
from typing import Annotated

import typer

from rnaexp.cli import embeddings, fitness, msa, pretrain, score, search, tracking, use
from rnaexp.cli.models import models_app
from rnaexp.cli.options import (
    Config,
    Device,
    Json,
    Long,
    Models,
    Name,
    Precision,
    TokenPairs,
    Weights,
    once_each,
    several,
)
from rnaexp.cli.tasks import WithTasks

app = typer.Typer(
    name="rnaexp",
    cls=WithTasks,
    help=(
        "What did pre-training alone teach an RNA language model? Reads attention zero-shot, tunes one head on one "
        "set, tests it on another, and keeps every number in MLflow.\n\n"
        "Start with: rnaexp run --model viennarna    Then: rnaexp ui"
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
data_app = typer.Typer(help="Sets of RNAs: list, show, fetch, check.", no_args_is_help=True)
app.add_typer(data_app, name="data")
app.add_typer(models_app, name="models")

Model = Annotated[str, typer.Option("--model", help="Name (see `rnaexp models`), checkpoint folder, or hf:org/name.")]
Validation = Annotated[str, typer.Option(help="Set to tune on: a name (see `rnaexp data list`), a file or a folder.")]
Test = Annotated[str, typer.Option(help="Set to test on: a name, a file or a folder.")]
Protocol = Annotated[
    str,
    typer.Option(help="paper, strict, authors (released code) or contacts (proteins); next options override fields."),
]
Separation = Annotated[int, typer.Option(help="Smallest j - i of a pair; 0: as the protocol says.")]
Pairs = Annotated[str, typer.Option(help="all or canonical; empty: as the protocol says.")]
Decoder = Annotated[str, typer.Option(help="none or greedy; empty: as the protocol says.")]
Averaging = Annotated[str, typer.Option(help="per-rna or pooled; empty: as the protocol says.")]
Families = Annotated[str, typer.Option(help="Set with families to classify beside; auto: builtin; none: do not.")]
Match = Annotated[str, typer.Option(help="exact, or relaxed: one base off by one; empty: as the protocol says.")]
Scale = Annotated[str, typer.Option(help="What a threshold means: raw, z-score (of the map) or top (c x n calls).")]
Alignments = Annotated[
    str, typer.Option("--alignment", help="intact, shuffled (columns), depth-1 or realigned (without structure).")
]
Related = Annotated[str, typer.Option(help="Validation RNAs with a relative in the test set: drop or keep.")]
Seed = Annotated[int, typer.Option(help="Seed of random weights and of random scores.")]


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Options before the verb."""


@app.command(epilog="Example: rnaexp run --model rnabert --validation spot-rna-vl1 --test spot-rna-ts1")
def run(
    question: Annotated[Path | None, typer.Argument(help="A question (experiments/*.toml): several models.")] = None,
    model: Models = [],  # noqa: B006 (typer's way to an empty list)
    validation: Validation = "builtin-vl",
    test: Test = "builtin-ts",
    protocol: Protocol = "paper",
    min_separation: Separation = 0,
    pairs: Pairs = "",
    decoder: Decoder = "",
    averaging: Averaging = "",
    match: Match = "",
    score_scale: Scale = "raw",
    alignment: Alignments = "intact",
    related: Related = "drop",
    families: Families = "auto",
    long: Long = "skip",
    token_pairs: TokenPairs = "mean",
    weights: Weights = "",
    config: Config = "",
    device: Device = "auto",
    precision: Precision = "fp32",
    seed: Seed = 0,
    shard: Annotated[str, typer.Option(help="i/n: every n-th run of the question, from the i-th (1..n).")] = "",
    register: Annotated[bool, typer.Option("--register", help="Put the tuned head into MLflow's registry.")] = False,
    name: Name = "",
    csv: Annotated[Path | None, typer.Option(help="Write the rows of the table to a CSV file as well.")] = None,
    json: Json = False,
) -> None:
    """Tune a head on one set, freeze it, test it on another, and log it all to MLflow.

    Protein contacts, a reference task: rnaexp run --model esm2-8m --protocol contacts --test my_structures/
    """
    from rnaexp.experiment import ready
    from rnaexp.tasks.contacts.settings import completed
    from rnaexp.tasks.pairs.settings import task

    if name and not register:
        message = "--name goes with --register"
        raise typer.BadParameter(message)
    choices = {"pairs": pairs, "decoder": decoder, "averaging": averaging, "min_separation": min_separation}
    choices |= {"match": match}
    if question is not None:
        _nothing_beside(model, register=register)
        ready.refuse_question(question, shard)
        from rnaexp.experiment import verbs

        verbs.question(question, shard, csv=csv, json=json)
        return
    asked = [
        task(
            model=one,
            validation=validation,
            test=test,
            protocol=protocol,
            overrides=choices,
            score_scale=score_scale,
            alignment=alignment,
            related=related,
            families=families,
            long=long,
            token_pairs=token_pairs,
            weights=weights,
            config=config,
            device=device,
            precision=precision,
            seed=seed,
        )
        for one in several(model, weights=weights, config=config, name=name) or [""]
    ]
    asked = [completed(one) for one in asked]
    for each in asked:
        ready.refuse_task(each)
    from rnaexp.experiment import verbs
    from rnaexp.experiment.conclude import Output

    verbs.pairs(asked, Output(csv=csv, json=json), register=register, name=name)


def _nothing_beside(model: list[str], *, register: bool) -> None:
    if model:
        message = "give a question file or --model, not both"
        raise typer.BadParameter(message)
    if register:
        message = "--register goes with --model; of a question's runs choose one: rnaexp register RUN"
        raise typer.BadParameter(message)


@app.command(epilog="Example: rnaexp structure --model rnabert --test my_rnas/")
def structure(
    model: Model,
    test: Test,
    tuned: Annotated[
        str,
        typer.Option(help="Tuned head: JSON file or MLflow run id; default: your newest, else shipped."),
    ] = "",
    long: Long = "skip",
    weights: Weights = "",
    config: Config = "",
    device: Device = "auto",
    precision: Precision = "fp32",
    seed: Seed = 0,
    related: Related = "drop",
    json: Json = False,
) -> None:
    """Test a head that was tuned before on another set, unchanged."""
    from rnaexp.experiment import ready
    from rnaexp.tasks.pairs.find_head import find_head
    from rnaexp.tasks.pairs.settings import task

    found = find_head(model, tuned)
    asked = task(
        model=model,
        test=test,
        tuned=found.tuned,
        related=related,
        long=long,
        weights=weights,
        config=config,
        device=device,
        precision=precision,
        seed=seed,
    )
    ready.refuse_task(asked)
    from rnaexp.experiment import verbs
    from rnaexp.experiment.conclude import Output
    from rnaexp.progress import say

    say(found.said)
    verbs.pairs([asked], Output(json=json))


@data_app.command("list")
def data_list(json: Json = False) -> None:
    """All named sets."""
    from rnaexp.report import listings

    listings.sets(json=json)


@data_app.command("show")
def data_show(
    name: Annotated[str, typer.Argument(help="A set's name, a file or a folder.")], json: Json = False
) -> None:
    """What a set holds."""
    from rnaexp.report import listings

    listings.one_set(name, json=json)


@data_app.command("fetch")
def data_fetch(name: Annotated[str, typer.Argument(help="A set's name.")], json: Json = False) -> None:
    """Download a set's files and check their hashes."""
    from rnaexp.report import listings

    listings.fetched(name, json=json)


@data_app.command("check")
def data_check(name: Annotated[str, typer.Argument(help="A set's name.")], json: Json = False) -> None:
    """Hash a set's files again and read every RNA."""
    from rnaexp.report import listings

    listings.checked_set(name, json=json)


@app.command()
def doctor(
    models: Annotated[bool, typer.Option("--models", help="What each model would need on this machine.")] = False,
    json: Json = False,
) -> None:
    """Check this installation: versions, devices, disk, store, tracking, data mirror, hub, cached models."""
    from rnaexp.report import health

    raise typer.Exit(health.doctor(with_models=models, json=json))


use.register(app)
score.register(app)
embeddings.register(app)
fitness.register(app)
msa.register(app)
tracking.register(app)
pretrain.register(app)
search.register(app)
once_each(app, data_app, models_app)
