"""The verb that scores what other tools wrote, `score`; `cli.py` adds it to the others."""

from pathlib import Path
from typing import Annotated

import typer

from rnaexp.cli.options import Json, Strict

Protocol = Annotated[
    str, typer.Option(help="paper, strict, authors (released code) or contacts; of embeddings paper or authors.")
]
Separation = Annotated[int, typer.Option(help="Smallest j - i of a pair; 0: as the protocol says.")]
Related = Annotated[str, typer.Option(help="Validation RNAs with a relative in the test set: drop or keep.")]


def register(app: typer.Typer) -> None:
    """Give the program this verb."""
    app.command(
        epilog="Example: rnaexp score --maps maps/ --name my-model --heads-per-layer 12 --test reference.bpseq"
    )(score)


def score(
    name: Annotated[str, typer.Option(help="What to call the tool in the table.")],
    test: Annotated[str, typer.Option(help="Set to test on: a name, a file or a folder.")] = "",
    pairs: Annotated[
        Path | None, typer.Option(help="Folder: one BPSEQ, CT, dot-bracket or pair matrix an RNA.")
    ] = None,
    maps: Annotated[Path | None, typer.Option(help="Folder: one .npy/.npz of attention [h n n] or [l h n n].")] = None,
    embeddings: Annotated[
        Path | None,
        typer.Option(help="A file of vectors by RNA: .pkl (keys, seq_repr), .npz (keys, vectors), .parquet."),
    ] = None,
    set: Annotated[str, typer.Option(help="With --embeddings: the set with families, as in rnaexp classify.")] = "",
    reduction: Annotated[str, typer.Option(help="With --embeddings; none: the vectors as they are.")] = "none",
    negatives: Annotated[str, typer.Option(help="With --embeddings and drawn pairs: distinct or per-sequence.")] = "",
    heads_per_layer: Annotated[int, typer.Option(help="Split [h n n] into layers of so many heads; 0: one layer.")] = 0,
    suffix: Annotated[str, typer.Option(help="What follows the RNA's id in a file's name, before its ending.")] = "",
    validation: Annotated[str, typer.Option(help="Set to tune on; without it only the oracle is known.")] = "",
    protocol: Protocol = "paper",
    min_separation: Separation = 0,
    related: Related = "drop",
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Score any other tool's pairs, pair matrices, attention maps or embeddings as a full row of the table."""
    if embeddings is not None:
        _alone(pairs, maps, test)
        from rnaexp.experiment.score import score_vectors

        fields = {"reduction": reduction, "negatives": negatives}
        score_vectors(name=name, embeddings=embeddings, families=set, protocol_name=protocol, fields=fields, json=json)
        return
    if not test:
        message = "--pairs and --maps go with --test, --embeddings with --set"
        raise typer.BadParameter(message)
    from rnaexp.experiment import score as scoring
    from rnaexp.tasks.contacts.settings import completed
    from rnaexp.tasks.pairs.settings import task

    asked = task(
        model=name,
        validation=validation,
        test=test,
        protocol=protocol,
        overrides={"min_separation": min_separation},
        related=related,
    )
    files = scoring.Files(pairs=pairs, maps=maps, heads_per_layer=heads_per_layer, suffix=suffix)
    scoring.score(completed(asked), files, json=json, strict=strict)


def _alone(pairs: Path | None, maps: Path | None, test: str) -> None:
    if pairs is not None or maps is not None or test:
        message = "--embeddings are scored on a set with families (--set); --pairs and --maps in a call of their own"
        raise typer.BadParameter(message)
