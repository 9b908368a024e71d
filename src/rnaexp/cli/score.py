"""The verb that scores what other tools wrote, `score`; `cli.py` adds it to the others."""

from pathlib import Path
from typing import Annotated

import typer

from rnaexp.cli.options import Json
from rnaexp.cli.settings import with_settings
from rnaexp.tasks.pairs.settings import ScoreSettings
from rnaexp.track.words import RunWords


def register(app: typer.Typer) -> None:
    """Give the program this verb."""
    app.command(
        epilog="Example: rnaexp score --maps maps/ --name my-model --heads-per-layer 12 --test reference.bpseq"
    )(score)


@with_settings
def score(
    name: Annotated[str, typer.Option(help="What to call the tool in the table.")],
    settings: ScoreSettings,
    words: RunWords,
    pairs: Annotated[
        Path | None, typer.Option(help="Folder: one BPSEQ, CT, dot-bracket or pair matrix an RNA.")
    ] = None,
    maps: Annotated[Path | None, typer.Option(help="Folder: one .npy/.npz of attention [h n n] or [l h n n].")] = None,
    embeddings: Annotated[
        Path | None,
        typer.Option(help="A file of vectors by RNA: .pkl (keys, seq_repr), .npz (keys, vectors), .parquet."),
    ] = None,
    json: Json = False,
) -> None:
    """Score another tool's pairs, pair matrices, attention maps or embeddings, as a row of the same table."""
    if embeddings is not None:
        _alone(pairs, maps, settings.test)
        from rnaexp.experiment.runner import labels_of
        from rnaexp.experiment.score import score_vectors

        score_vectors(name, embeddings, settings, labels_of(words), json=json)
        return
    if not settings.test:
        message = "--pairs and --maps go with --test, --embeddings with --set"
        raise typer.BadParameter(message)
    from rnaexp.experiment import score as scoring
    from rnaexp.experiment.runner import labels_of

    files = scoring.Files(pairs=pairs, maps=maps, heads_per_layer=settings.heads_per_layer, suffix=settings.suffix)
    scoring.score(name, settings, files, labels_of(words), json=json)


def _alone(pairs: Path | None, maps: Path | None, test: str) -> None:
    if pairs is not None or maps is not None or test:
        message = "--embeddings are scored on a set with families (--set); --pairs and --maps in a call of their own"
        raise typer.BadParameter(message)
