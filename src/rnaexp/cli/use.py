"""The verbs that use a tuned head, `predict`, `serve`, `register` and `verify`."""

from pathlib import Path
from typing import Annotated

import typer

from rnaexp.cli.options import Device, Json, Mask, Name, Weights, several
from rnaexp.cli.settings import with_settings
from rnaexp.reading.loading import Loading
from rnaexp.tasks.pairs.settings import HeadSettings, PredictSettings


def register(app: typer.Typer) -> None:
    """Give the program these verbs."""
    app.command(epilog="Example: rnaexp predict --model viennarna my.fasta --format svg")(predict)
    app.command(epilog="Example: rnaexp serve --model lm-nano --port 5001")(serve)
    app.command("register", epilog="Example: rnaexp register 0123456789abcdef0123456789abcdef")(register_run)
    app.command(epilog="Example: rnaexp verify models:/lm-nano@champion")(verify)


@with_settings
def predict(
    fasta: Annotated[Path, typer.Argument(help="Your RNAs: FASTA, or any format that can be read.")],
    model: Annotated[
        list[str],
        typer.Option(
            "--model",
            help="Name (see `rnaexp models`), folder, hf:org/name, or a registered head: models:/NAME@ALIAS; repeat "
            "for several, each with a folder of its own (or --ensemble).",
        ),
    ],
    head: HeadSettings,
    settings: PredictSettings,
    loading: Loading,
    out: Annotated[Path, typer.Option(help="Folder for pairs.csv, structures.dbn and more.")] = Path("predictions"),
    format: Annotated[
        list[str] | None,
        typer.Option(
            help="Further files: json, bpseq, ct, svg (drawing), map (picture), npy (scores); repeat for several."
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(help="Write one page of drawings, maps and tables that opens offline (one per model)."),
    ] = None,
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="Draw one structure from the mean of the models' pair probabilities.")
    ] = False,
    mask: Mask = False,
) -> None:
    """Predict base pairs and structures of your own RNAs, and how far to trust them."""
    from rnaexp.data.names import safe_name
    from rnaexp.experiment import predict as job
    from rnaexp.reading.left_out import read_reported
    from rnaexp.tasks.pairs import tuned as heads

    job.refuse_formats(format or ())
    of_one = "" if head.tuned == "shipped" else head.tuned
    names = several(model, weights=loading.weights, config=loading.config, tuned=of_one)
    if ensemble and len(names) < 2:
        message = "--ensemble takes two models or more: repeat --model"
        raise typer.BadParameter(message)
    loads = {name: heads.either(name, head, loading) for name in names}
    # Before anything that takes seconds to import: a bad file is reported at once.
    own = read_reported(fasta, out / "skipped.csv", unknown="mask" if mask else "ambiguous", strict=settings.strict)
    if ensemble:
        from rnaexp.tasks.pairs.ensemble import ensemble as mean_of

        loads = {"ensemble": mean_of([*loads.values()])}
    for name, load in loads.items():
        folder = out if len(loads) == 1 else out / safe_name(name)
        page = html
        if html is not None and len(loads) > 1:
            page = html.with_name(f"{html.stem}_{safe_name(name)}{html.suffix}")
        job.predict(own, folder, load, formats=format or (), settings=settings, html=page)


@with_settings
def serve(
    model: Annotated[str, typer.Option("--model", help="Name (see `rnaexp models`), folder, or hf:org/name.")],
    head: HeadSettings,
    loading: Loading,
    save: Annotated[
        Path | None, typer.Option(help="Write a folder for mlflow.pyfunc.load_model instead of serving.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port.")] = 5001,
) -> None:
    """Serve a model's tuned head over HTTP, without a registry (a registered one: mlflow models serve)."""
    from rnaexp.experiment import serve as job
    from rnaexp.tasks.pairs.tuned import named

    load, how = named(model, head, loading), loading.of(model)
    if save is not None:
        job.save(load, how, save)
        return
    raise typer.Exit(job.serve(load, how, host=host, port=port))


def register_run(
    run: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...", help="Ids of finished runs (`rnaexp run --json` prints them; MLflow's pages)."
        ),
    ],
    name: Name = "",
    with_weights: Annotated[
        bool, typer.Option("--with-weights", help="Keep a copy of the weights with it, as safetensors.")
    ] = False,
    weights: Weights = "",
    device: Device = "auto",
) -> None:
    """Register a run's tuned head in MLflow's registry, as champion if it is the best."""
    from rnaexp.experiment import registering

    for one in run:
        for line in registering.register(one, name=name, with_weights=with_weights, weights=weights, device=device):
            typer.echo(line)


def verify(
    model: Annotated[
        str, typer.Argument(help="models:/NAME@ALIAS, models:/NAME/VERSION, or a folder of serve --save.")
    ],
    weights: Weights = "",
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Check each part of a registered model against the hashes that were kept at registration."""
    from rnaexp.experiment import verify as job

    job.verify(model, weights=weights, device=device, json=json)
