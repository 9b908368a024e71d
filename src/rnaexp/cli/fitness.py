"""The verb about measured fitness; `cli.py` adds it to the others."""

from pathlib import Path
from typing import Annotated

import typer

from rnaexp.cli.options import Config, Device, Json, Precision, Strict, Weights, several


def register(app: typer.Typer) -> None:
    """Give the program the verb."""
    app.command(epilog="Example: rnaexp fitness --model rnabert --set dms_trna")(fitness)


def fitness(
    model: Annotated[
        list[str],
        typer.Option(
            "--model",
            help="A model (see `rnaexp models`), untrained:MODEL, or a baseline: mutations, gc, conservation, "
            "viennarna, random; again for another.",
        ),
    ],
    set: Annotated[
        str,
        typer.Option(
            help="dms_trna, dms_f1u, or a CSV, TSV or JSON-lines file: score (or DMS_score) and sequence, or score and "
            "mutant (A1G, A1G:C2U) or hgvs_nt (n.1A>G) with --wild-type."
        ),
    ],
    convention: Annotated[
        str,
        typer.Option(
            help="masked-marginal (each mutated site hidden in the wild type), wild-type-marginal (nothing hidden), "
            "mutant-marginal (hidden in the variant), pseudo-likelihood (every site of the variant) or left-to-right "
            "(decoders). Empty: masked-marginal, pseudo-likelihood where no wild type is known, left-to-right of a "
            "decoder."
        ),
    ] = "",
    wild_type: Annotated[
        str, typer.Option(help="The wild type, a sequence or a FASTA file, instead of the file's column.")
    ] = "",
    offset: Annotated[
        int | None,
        typer.Option(help="What the table's mutations call the first base; without it 0 or 1, as the letters say."),
    ] = None,
    score_column: Annotated[str, typer.Option(help="Column of the measured scores.")] = "",
    mutant_column: Annotated[str, typer.Option(help="Column of the mutations.")] = "",
    sequence_column: Annotated[str, typer.Option(help="Column of the variants' sequences.")] = "",
    direction: Annotated[str, typer.Option(help="Which scores of a file are fitter: higher or lower.")] = "",
    alignment: Annotated[
        str,
        typer.Option(
            help="A2M, A3M or Stockholm, first row the wild type (`rnaexp msa`): for models that read alignments, and "
            "the baseline conservation."
        ),
    ] = "",
    sample: Annotated[int, typer.Option(help="So many variants, drawn by the seed; 0: all.")] = 0,
    weights: Weights = "",
    config: Config = "",
    device: Device = "auto",
    precision: Precision = "fp32",
    seed: Annotated[int, typer.Option(help="Seed of random weights, of the sample and of random scores.")] = 0,
    csv: Annotated[Path | None, typer.Option(help="Write the rows of the table to a CSV file as well.")] = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """How well likelihoods rank measured variants (Spearman), beside what counting mutations and folding do."""
    from rnaexp.data.assay_rows import TableLayout
    from rnaexp.experiment.ready import refuse_fitness

    layout = TableLayout(
        score_column=score_column, mutant_column=mutant_column, sequence_column=sequence_column, first=offset
    )
    names = several(model, weights=weights, config=config)
    # Before anything that takes seconds to import: a bad table is said at once.
    refuse_fitness(
        names,
        set,
        layout,
        wild_type=wild_type,
        direction=direction,
        alignment=alignment,
        weights=weights,
        strict=strict,
    )
    from rnaexp.experiment import verbs
    from rnaexp.experiment.conclude import Output
    from rnaexp.tasks.fitness.job import FitnessJob
    from rnaexp.tasks.fitness.settings import FitnessTask
    from rnaexp.tasks.pairs.settings import loading

    tasks = [
        FitnessTask(
            model=name,
            assay=set,
            convention=convention,
            sample=sample,
            seed=seed,
            alignment=alignment,
            wild_type=wild_type,
            direction=direction or None,  # type: ignore[arg-type]
            layout=layout,
            strict=strict,
            silent=True,
            loading=loading(name, weights, config, device, seed, precision),
        )
        for name in names
    ]
    verbs.fitness([FitnessJob(asked=task) for task in tasks], Output(csv=csv, json=json))
