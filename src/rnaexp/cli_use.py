"""The verbs that use a tuned head, `predict` and `register`; `cli.py` adds them to the others."""

from pathlib import Path
from typing import Annotated

import typer

from rnaexp.cli_options import Config, Device, Long, Mask, Precision, Strict, Weights


def register(app: typer.Typer) -> None:
    """Give the program both verbs."""
    app.command(epilog="Example: rnaexp predict --model models:/msm-nano@champion my.fasta --format svg")(predict)
    app.command("register", epilog="Example: rnaexp register 0123456789abcdef0123456789abcdef")(register_run)


def predict(
    fasta: Annotated[Path, typer.Argument(help="Your RNAs: FASTA, or any format that can be read.")],
    model: Annotated[
        str,
        typer.Option(
            "--model",
            help="Name (see `rnaexp models`), folder, hf:org/name, or a registered head: models:/NAME@ALIAS.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for pairs.csv and structures.dbn.")] = Path("predictions"),
    format: Annotated[
        list[str] | None,
        typer.Option(
            help="Besides, as often as you like: json, bpseq, ct, svg (drawing), map (picture), npy (scores)."
        ),
    ] = None,
    tuned: Annotated[str, typer.Option(help="Tuned head: a JSON file or an MLflow run id; default: the newest.")] = "",
    mask: Mask = False,
    strict: Strict = False,
    long: Long = "skip",
    weights: Weights = "",
    config: Config = "",
    device: Device = "auto",
    precision: Precision = "fp32",
    seed: Annotated[int, typer.Option(help="Seed of random weights and of random scores.")] = 0,
) -> None:
    """Base pairs of your own RNAs, by the model's tuned head."""
    from rnaexp.run.own import read_reported

    # Before anything that takes seconds to import: a bad file is said at once.
    own = read_reported(fasta, out / "skipped.csv", unknown="mask" if mask else "ambiguous", strict=strict)
    from rnaexp.run import predict as job
    from rnaexp.run import tuned as heads
    from rnaexp.structure.windows import long_policy

    find = heads.registered if model.startswith(heads.REGISTERED) else heads.named
    head, load = find(model, tuned=tuned, weights=weights, config=config, device=device, precision=precision, seed=seed)
    job.predict(
        own,
        out,
        head,
        load,
        formats=format or (),
        long=long_policy(long),
        strict=strict,
    )


def register_run(
    run: Annotated[
        str, typer.Argument(help="Id of a finished run (`rnaexp run` prints it with --json; MLflow's pages).")
    ],
    with_weights: Annotated[
        bool, typer.Option("--with-weights", help="Keep a copy of the weights with it, as safetensors.")
    ] = False,
    weights: Weights = "",
    device: Device = "auto",
) -> None:
    """Make a run's tuned head a version of its model in MLflow's registry, and its champion if it is the best."""
    from rnaexp.run import registering

    for line in registering.register(run, with_weights=with_weights, weights=weights, device=device):
        typer.echo(line)
