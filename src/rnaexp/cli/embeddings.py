"""The verbs about embeddings, `classify` and `embed`; `cli.py` adds them to the others."""

from pathlib import Path
from typing import Annotated

import typer

from rnaexp.cli.options import Json, Mask, Models, several
from rnaexp.cli.settings import with_settings
from rnaexp.reading.loading import Loading
from rnaexp.tasks.families.settings import EmbedSettings, FamiliesSettings
from rnaexp.track.words import RunWords


def register(app: typer.Typer) -> None:
    """Give the program both verbs."""
    app.command(epilog="Example: rnaexp classify --model rnabert --set rfam-500")(classify)
    app.command(epilog="Example: rnaexp embed --model rnabert my.fasta --out embeddings.parquet")(embed)


@with_settings
def classify(
    model: Annotated[
        list[str],
        typer.Option(
            "--model",
            help="A model (see `rnaexp models`), untrained:MODEL, shuffled:MODEL (it reads shuffled RNAs), "
            "or a control: 1-mer, 2-mer, 3-mer, 6-mer, 3-mer-centred, 6-mer-centred, length, identity; repeat "
            "for several.",
        ),
    ],
    settings: FamiliesSettings,
    loading: Loading,
    words: RunWords,
    choices: Annotated[
        bool, typer.Option("--choices", help="Also change each choice once: protocol_choices.csv.")
    ] = False,
    beside: Annotated[
        str, typer.Option(help="Another model: every layer of both compared by debiased CKA, as heat map and table.")
    ] = "",
    csv: Annotated[Path | None, typer.Option(help="Write the rows of the table to a CSV file as well.")] = None,
    json: Json = False,
) -> None:
    """Measure how well embeddings tell RNA families apart, compared with chance, length and counts of words."""
    names = several(model, weights=loading.weights, config=loading.config, run_name=words.run_name)
    tasks = [settings.task(name, loading) for name in names]
    from rnaexp.experiment import verbs
    from rnaexp.experiment.conclude import Output
    from rnaexp.experiment.runner import labels_of
    from rnaexp.tasks.families.job import FamiliesJob

    jobs = [FamiliesJob(task=task, choices=choices, beside=beside) for task in tasks]
    verbs.families(jobs, Output(csv=csv, json=json), labels_of(words))


@with_settings
def embed(
    fasta: Annotated[Path, typer.Argument(help="Your RNAs: FASTA, or any format that can be read.")],
    model: Models,
    settings: EmbedSettings,
    loading: Loading,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="Parquet file, a row for each RNA; of several models NAME-MODEL.parquet."),
    ] = Path("embeddings.parquet"),
    mask: Mask = False,
) -> None:
    """Write one embedding for each of your RNAs, as Parquet; resumes where a killed run stopped."""
    from rnaexp.data.names import safe_name
    from rnaexp.reading.left_out import read_reported

    names = several(model, weights=loading.weights, config=loading.config)
    # Before anything that takes seconds to import: a bad file is reported at once.
    listed = out.parent / "skipped.csv"
    own = read_reported(fasta, listed, unknown="mask" if mask else "ambiguous", strict=settings.strict)
    from rnaexp.experiment import embed_verb

    for name in names:
        path = out if len(names) == 1 else out.with_name(f"{out.stem}-{safe_name(name)}{out.suffix}")
        embed_verb.embed(own, path, loading.of(name), settings, seed=loading.seed)
