"""Verbs about what is tracked: compare, reproduce, ui, sync, reap, delete, a store that moves."""

from pathlib import Path
from typing import Annotated

import typer

from rnaexp.cli.options import Json


def register(app: typer.Typer) -> None:
    """Hang the verbs on the program."""
    app.command(epilog="Example: rnaexp compare --html report.html")(compare)
    app.command()(ui)
    app.command()(sync)
    app.command(epilog="Example: rnaexp reproduce 0123456789abcdef0123456789abcdef")(reproduce)
    app.command(epilog="Example: rnaexp export 0123456789abcdef0123456789abcdef --out results")(export)
    app.command("import", epilog="Example: rnaexp import results/*.jsonl")(bring_in)
    app.command(epilog="Example: rnaexp reap --minutes 120 --dry-run")(reap)
    app.command(epilog="Example: rnaexp delete 0123456789abcdef0123456789abcdef")(delete)
    app.command()(relocate)
    app.command()(upgrade)
    app.command(epilog="Example: rnaexp backup ../all.tar")(backup)
    app.command(epilog="Example: rnaexp restore ../all.tar")(restore)
    app.command(epilog="Example: rnaexp transfer --to http://127.0.0.1:5000")(transfer)


def compare(
    experiment: Annotated[str, typer.Option(help="MLflow experiment.")] = "rnaexp",
    html: Annotated[Path | None, typer.Option(help="Write the whole report as one file that opens offline.")] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write the leaderboard, and next to it NAME_contrasts.csv and so on.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables as Markdown.")] = None,
    tradeoff: Annotated[
        Path | None,
        typer.Option(help="Structure F1 against overlap ratio (area): .png, .svg, .pdf or (the points) .csv."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--from", help="Compare the result files of a folder (`rnaexp export`) instead.")
    ] = None,
    log: Annotated[
        bool, typer.Option("--log", help="Keep it as MLflow's run `leaderboard` (one an experiment) and on its page.")
    ] = False,
    json: Json = False,
) -> None:
    """Compare all tracked models: leaderboard by class, ranks, contrasts, breakdowns, figures."""
    from rnaexp.report import comparison

    files = {"html": html, "csv": csv, "as_markdown": markdown, "tradeoff": tradeoff}
    comparison.compare(experiment, **files, log=log, folder=folder, json=json)


def reproduce(
    run: Annotated[str, typer.Argument(help="Id of a model's run (`rnaexp run --json` prints it; MLflow's pages).")],
    json: Json = False,
) -> None:
    """Make a run again from its record, and compare every figure: exit 1 where one differs."""
    from rnaexp.experiment import reproduce as job

    raise typer.Exit(0 if job.reproduce(run, json=json) else 1)


def export(
    runs: Annotated[list[str], typer.Argument(help="Ids of runs; of a question's its models' runs as well.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder, a file a run.")] = Path("results"),
) -> None:
    """Write runs as result files: settings, hashes, metrics and per-RNA scores, for another store or a leaderboard."""
    from rnaexp.track.travel import export as write

    for run in runs:
        for path in write(run, out):
            typer.echo(path)


def bring_in(
    files: Annotated[list[Path], typer.Argument(help="Result files (`rnaexp export`).")] = [],  # noqa: B006
    experiment: Annotated[str, typer.Option(help="MLflow experiment.")] = "rnaexp",
    published: Annotated[
        bool, typer.Option("--published", help="The figures that papers state, as runs of a kind of their own.")
    ] = False,
) -> None:
    """Take result files into the tracking store, marked as imported; refused where a set or a protocol is another."""
    if not files and not published:
        message = "give result files, or --published"
        raise typer.BadParameter(message)
    from rnaexp.experiment import importing

    if files:
        importing.import_files(files, experiment)
    if published:
        importing.import_published(experiment)


def ui(
    port: Annotated[int, typer.Option(help="Port.")] = 5000,
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
) -> None:
    """Open MLflow's pages on this machine's loopback address."""
    from rnaexp.track.ui import serve

    raise typer.Exit(serve(host=host, port=port))


def sync() -> None:
    """Send to the tracking server what could not be sent while it was down."""
    from rnaexp.track.outbox import sync as send

    sent = send()
    typer.echo(f"{sent.pushed} runs sent, {sent.live} still running, {sent.kept} kept for later")


def reap(
    minutes: Annotated[
        int, typer.Option(help="Minutes without a sign of life (each run gives one every 5).", min=15)
    ] = 60,
    experiment: Annotated[str, typer.Option(help="MLflow experiment.")] = "rnaexp",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which.")] = False,
) -> None:
    """Close as KILLED the runs that are still RUNNING in MLflow but whose process is gone."""
    from rnaexp.track.reap import reap as close

    closed = close(minutes * 60, experiment=experiment, dry_run=dry_run)
    for run in closed:
        typer.echo(f"{run.run_id} {run.name}: no sign of life since {run.last_seen:%Y-%m-%d %H:%M} UTC")
    typer.echo(f"{len(closed)} runs {'would be closed' if dry_run else 'closed as KILLED'}")


def delete(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Ids of runs; of a question its models' as well.")
    ],
) -> None:
    """Delete runs, their steps and what waits of them in the outbox; registered versions and stored results stay."""
    from rnaexp.track.deletion import delete as remove

    done = remove(runs)
    typer.echo(f"{len(done.runs)} runs deleted (their files go with mlflow gc)")
    if done.waiting:
        typer.echo(f"{len(done.waiting)} logs of theirs were waiting in the outbox, and are removed")
    for version in done.kept:
        typer.echo(f"{version} stays registered")


def relocate(
    earlier: Annotated[
        str, typer.Option("--from", help="The folder it was in; default: as its addresses of artifacts say.")
    ] = "",
) -> None:
    """After a local store (mlflow.db with mlartifacts) was moved or copied: find its artifacts in their new place."""
    from rnaexp.experiment.local_store_verbs import relocated

    typer.echo(relocated(earlier))


def upgrade() -> None:
    """Have MLflow upgrade a local store that an older one made; a copy is kept and named first."""
    from rnaexp.experiment.local_store_verbs import upgraded

    typer.echo(upgraded())


def backup(
    file: Annotated[Path, typer.Argument(help="The tar file to write.")],
    results: Annotated[
        bool, typer.Option("--results", help="With stored results (.rnaexp), so that nothing is computed again.")
    ] = False,
) -> None:
    """Write a local store into one file: runs, artifacts, registered models; runs may go on meanwhile."""
    from rnaexp.experiment.local_store_verbs import backed_up

    typer.echo(backed_up(file, results=results))


def restore(file: Annotated[Path, typer.Argument(help="A file of `rnaexp backup`.")]) -> None:
    """Make a backup a store again, in this folder or where MLFLOW_TRACKING_URI names a SQLite file."""
    from rnaexp.experiment.local_store_verbs import restored

    typer.echo(restored(file))


def transfer(
    to: Annotated[str, typer.Option("--to", metavar="URI", help="The other store: a server, or a SQLite file.")],
    json: Json = False,
) -> None:
    """Take a whole store into another by MLflow's own client, and count both: exit 1 where they differ.

    Runs get new ids and are found by the old ones too; what is running is left; called again, it goes on.
    """
    from rnaexp.report import transferred

    raise typer.Exit(transferred.transferred(to, json=json))
