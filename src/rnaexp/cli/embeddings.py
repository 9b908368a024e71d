"""The verbs about embeddings, `classify` and `embed`; `cli.py` adds them to the others."""

from pathlib import Path
from typing import Annotated

import typer

from rnaexp.cli.options import Config, Device, Json, Mask, Models, Precision, Strict, Weights, several

Seed = Annotated[int, typer.Option(help="Seed of random weights, of resampling and of the map.")]


LongBases = Annotated[
    str,
    typer.Option(
        "--long",
        help="RNAs longer than the model reads: skip (counted), window (overlapping parts; each base's vector is the "
        "mean over the parts that hold it) or error.",
    ),
]


def register(app: typer.Typer) -> None:
    """Give the program both verbs."""
    app.command(epilog="Example: rnaexp classify --model rnabert --set rfam-500")(classify)
    app.command(epilog="Example: rnaexp embed --model rnabert my.fasta --out embeddings.parquet")(embed)


def classify(
    model: Annotated[
        list[str],
        typer.Option(
            "--model",
            help="A model (see `rnaexp models`), untrained:MODEL, shuffled:MODEL (it reads shuffled RNAs), "
            "or a control: 1-mer, 2-mer, 3-mer, 6-mer, 3-mer-centred, 6-mer-centred, length, identity; again for "
            "another.",
        ),
    ],
    set: Annotated[
        str,
        typer.Option(
            help="rfam-500, rfam-seed, archiveii, builtin, a Stockholm file (a block a family) or a folder (a file a "
            "family)."
        ),
    ] = "builtin",
    protocol: Annotated[
        str, typer.Option(help="paper, or authors (released code); next options override, empty or 0: as it says.")
    ] = "paper",
    pooling: Annotated[str, typer.Option(help="Over the bases: mean or max.")] = "",
    reduction: Annotated[
        str, typer.Option(help="fft-magnitude, fft-resample, fft-crop, none, pca or random-projection.")
    ] = "",
    constant: Annotated[str, typer.Option(help="keep or drop the zero frequency.")] = "",
    centring: Annotated[str, typer.Option(help="none, or mean: subtract the set's mean vector.")] = "",
    axes: Annotated[str, typer.Option(help="natural or permuted: do the embedding's axes have an order?")] = "",
    estimator: Annotated[str, typer.Option(help="Of the headline: histogram, kde, ks or kde-200.")] = "",
    bins: Annotated[int, typer.Option(help="Of the histogram.")] = 0,
    special_tokens: Annotated[str, typer.Option(help="cut, or kept: pool the model's tokens, its own included.")] = "",
    unit: Annotated[str, typer.Option(help="Of the headline: area, or iou (intersection over union).")] = "",
    pairs: Annotated[str, typer.Option(help="all, or drawn-N: N of each class drawn as well.")] = "",
    negatives: Annotated[str, typer.Option(help="Of drawn pairs: distinct families, or per-sequence.")] = "",
    repetitions: Annotated[int, typer.Option(help="Of the drawing.")] = 0,
    selection: Annotated[str, typer.Option(help="unlike (the next three count) or all of the set's RNAs.")] = "",
    members: Annotated[int, typer.Option(help="RNAs a family at most.")] = 0,
    identity: Annotated[float, typer.Option(help="Members at least this alike to a chosen one are left out.")] = 0,
    max_bases: Annotated[int, typer.Option(help="Longer RNAs are left out.")] = 0,
    alignments: Annotated[
        str, typer.Option(help="What a model of alignments reads: none (the RNA alone) or own (the family's).")
    ] = "",
    unseen_by: Annotated[
        str,
        typer.Option(
            help="Leave out families this model was trained on; auto: the model itself, where they are listed; none."
        ),
    ] = "",
    below_identity: Annotated[
        float, typer.Option(help="Also measure homologs less alike than this apart, e.g. 0.6; 0: do not.")
    ] = 0.0,
    choices: Annotated[
        bool, typer.Option("--choices", help="Also change each choice once: protocol_choices.csv.")
    ] = False,
    beside: Annotated[
        str, typer.Option(help="Another model: every layer of both compared by debiased CKA, as heat map and table.")
    ] = "",
    weights: Weights = "",
    config: Config = "",
    device: Device = "auto",
    precision: Precision = "fp32",
    long: LongBases = "skip",
    seed: Seed = 0,
    csv: Annotated[Path | None, typer.Option(help="Write the rows of the table to a CSV file as well.")] = None,
    json: Json = False,
) -> None:
    """How much similarities within and between families overlap, beside what chance, length and words do."""
    from rnaexp.models.choices import long_policy
    from rnaexp.tasks.families import settings
    from rnaexp.tasks.pairs.settings import loading

    chosen = settings.protocol(
        protocol,
        pooling=pooling,
        reduction=reduction,
        constant=constant,
        centring=centring,
        axes=axes,
        estimator=estimator,
        bins=bins,
        special_tokens=special_tokens,
        unit=unit,
        pairs=pairs,
        negatives=negatives,
        repetitions=repetitions,
        selection=selection,
        members=members,
        identity=identity,
        max_bases=max_bases,
        alignments=alignments,
        unseen_by=unseen_by,
        below_identity=below_identity,
        seed=seed,
    )
    policy = long_policy(long)
    tasks = [
        settings.ClassifyTask(
            model=name,
            families=set,
            protocol=chosen,
            loading=loading(name, weights, config, device, seed, precision),
            long=policy,
        )
        for name in several(model, weights=weights, config=config)
    ]
    from rnaexp.experiment import verbs
    from rnaexp.experiment.conclude import Output
    from rnaexp.tasks.families.job import FamiliesJob

    jobs = [FamiliesJob(asked=task, choices=choices, beside=beside) for task in tasks]
    verbs.families(jobs, Output(csv=csv, json=json))


def embed(
    fasta: Annotated[Path, typer.Argument(help="Your RNAs: FASTA, or any format that can be read.")],
    model: Models,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="Parquet file, a row for each RNA; of several models NAME-MODEL.parquet."),
    ] = Path("embeddings.parquet"),
    pooling: Annotated[str, typer.Option(help="Over the bases: mean or max.")] = "mean",
    reduction: Annotated[str, typer.Option(help="fft-magnitude, fft-resample or random-projection.")] = "fft-magnitude",
    tokens: Annotated[int, typer.Option(help="Bases in one batch, padding included.")] = 8192,
    mask: Mask = False,
    strict: Strict = False,
    weights: Weights = "",
    config: Config = "",
    device: Device = "auto",
    precision: Precision = "fp32",
    long: LongBases = "skip",
    seed: Seed = 0,
) -> None:
    """One embedding for each of your own RNAs, as Parquet; goes on where a killed run stopped."""
    from rnaexp.data.names import safe_name
    from rnaexp.models.choices import long_policy
    from rnaexp.reading.left_out import read_reported
    from rnaexp.tasks.pairs.settings import loading

    policy = long_policy(long)
    asked = {
        name: loading(name, weights, config, device, seed, precision)
        for name in several(model, weights=weights, config=config)
    }
    # Before anything that takes seconds to import: a bad file is said at once.
    own = read_reported(fasta, out.parent / "skipped.csv", unknown="mask" if mask else "ambiguous", strict=strict)
    from rnaexp.experiment import embed_verb

    for name, how in asked.items():
        embed_verb.embed(
            own,
            out if len(asked) == 1 else out.with_name(f"{out.stem}-{safe_name(name)}{out.suffix}"),
            how,
            pooling=pooling,
            reduction=reduction,
            tokens=tokens,
            seed=seed,
            strict=strict,
            long=policy,
        )
