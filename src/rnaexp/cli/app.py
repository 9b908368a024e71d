"""The command line: each verb is also an entry point of MLproject. Bodies are imported when a verb runs."""

from pathlib import Path
from typing import Annotated

import typer

from rnaexp.cli import embeddings, explore, fitness, msa, pretrain, registry, score, search, tracking, use, watch
from rnaexp.cli.models import models_app
from rnaexp.cli.options import Csv, Json, Models, Name, once_each, several
from rnaexp.cli.questions import questions_app
from rnaexp.cli.settings import with_settings
from rnaexp.cli.store import store_app
from rnaexp.cli.tasks import WithTasks
from rnaexp.reading.loading import Loading
from rnaexp.settings import SettingsBase
from rnaexp.tasks.pairs.settings import AppliedSettings, PairsSettings
from rnaexp.track.words import RunWords

app = typer.Typer(
    name="rnaexp",
    cls=WithTasks,
    help=(
        "What did pre-training alone teach an RNA language model? Reads attention zero-shot, tunes one head on one "
        "set, tests it on another, and keeps every number in MLflow."
    ),
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    # --min_separation is --min-separation: `mlflow run -P min_separation=4` hands an option on under that name.
    context_settings={"token_normalize_func": lambda token: token.replace("_", "-")},
)
data_app = typer.Typer(help="Sets of RNAs: list, show, fetch, check.", no_args_is_help=True)
app.add_typer(data_app, name="data")
app.add_typer(models_app, name="models")
app.add_typer(questions_app, name="questions")
app.add_typer(store_app, name="store")

Model = Annotated[str, typer.Option("--model", help="Name (see `rnaexp models`), checkpoint folder, or hf:org/name.")]


_NEXT_STEPS = """rnaexp: what did pre-training alone teach an RNA language model?

  Structures of your RNAs, and how far to trust them:
    rnaexp predict --model lm-nano my.fasta --html page.html
  Your checkpoint against the controls:
    rnaexp run --model ./my-checkpoint
  Every model you have run, in one page:
    rnaexp compare --html report.html
  Runs, tables and figures in MLflow:
    rnaexp ui

All commands: rnaexp --help    Is everything here? rnaexp doctor
"""


@app.callback()
def _options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    wide: Annotated[
        bool, typer.Option("--wide", help="Print all columns of tables, however narrow the terminal.")
    ] = False,
) -> None:
    """Options before the verb."""
    if wide:
        from rnaexp.report.console import widen

        widen()
    if context.invoked_subcommand is None:
        typer.echo(_NEXT_STEPS, nl=False)


@app.command(epilog="Example: rnaexp run --model rnabert --validation spot-rna-vl1 --test spot-rna-ts1")
@with_settings
def run(
    *,
    question: Annotated[
        Path | None,
        typer.Argument(
            help="A question: a file, or a name from `rnaexp questions list`; default without --model: builtin."
        ),
    ] = None,
    model: Models = [],  # noqa: B006 (typer's way to an empty list)
    settings: PairsSettings,
    loading: Loading,
    words: RunWords,
    shard: Annotated[
        str, typer.Option(help="i/n: only every n-th run of the question, starting with the i-th (1..n).")
    ] = "",
    again: Annotated[
        bool, typer.Option("--again", help="Run it even where a run has answered the very same already.")
    ] = False,
    register: Annotated[bool, typer.Option("--register", help="Put the tuned head into MLflow's registry.")] = False,
    name: Name = "",
    csv: Csv = None,
    json: Json = False,
) -> None:
    """Tune a head on one set, freeze it, test it on another, and log it all to MLflow.

    Protein contacts, a reference task: rnaexp run --model esm2-8m --protocol contacts --test my_structures/
    """
    from rnaexp.experiment import ready
    from rnaexp.tasks.contacts.settings import completed

    if name and not register:
        message = "--name goes with --register"
        raise typer.BadParameter(message)
    if question is not None or not model:
        from rnaexp.experiment.questions import BUILTIN, question_file

        if question is None:
            _nothing_but_a_question(settings, loading)
        question = question_file(question or Path(BUILTIN))
        _nothing_beside(model, register=register, run_name=words.run_name)
        ready.refuse_question(question, shard)
        from rnaexp.experiment import verbs
        from rnaexp.experiment.runner import labels_of

        verbs.question(question, shard, labels_of(words), csv=csv, json=json, again=again)
        return
    names = several(model, weights=loading.weights, config=loading.config, name=name, run_name=words.run_name)
    tasks = [completed(settings.task(one, loading)) for one in names]
    for each in tasks:
        ready.refuse_task(each)
    from rnaexp.experiment import verbs
    from rnaexp.experiment.conclude import Output
    from rnaexp.experiment.runner import labels_of

    verbs.pairs(tasks, Output(csv=csv, json=json), register=register, name=name, labels=labels_of(words), again=again)


def _nothing_but_a_question(*given: SettingsBase) -> None:
    """Settings of one model's run are not a question's."""
    for one in given:
        for field, about in type(one).model_fields.items():
            if getattr(one, field) != about.get_default():
                message = f"--{field.replace('_', '-')} goes with --model; a question's file says its own"
                raise typer.BadParameter(message)


def _nothing_beside(model: list[str], *, register: bool, run_name: str) -> None:
    if run_name:
        message = "--run-name goes with --model; a question's runs are called as their models"
        raise typer.BadParameter(message)
    if model:
        message = "give a question file or --model, not both"
        raise typer.BadParameter(message)
    if register:
        message = "--register goes with --model; of a question's runs choose one: rnaexp register RUN"
        raise typer.BadParameter(message)


@app.command(epilog="Example: rnaexp structure --model rnabert --test my_rnas/")
@with_settings
def structure(
    model: Model,
    settings: AppliedSettings,
    loading: Loading,
    words: RunWords,
    tuned: Annotated[
        str,
        typer.Option(help="Tuned head: JSON file, run id or `shipped`; default: your newest, else the shipped one."),
    ] = "",
    json: Json = False,
) -> None:
    """Test a head that was tuned before on another set, unchanged."""
    from rnaexp.experiment import ready
    from rnaexp.tasks.pairs.find_head import find_head

    found = find_head(model, tuned)
    task = settings.task(model, loading, found.tuned)
    ready.refuse_task(task)
    from rnaexp.experiment import verbs
    from rnaexp.experiment.conclude import Output
    from rnaexp.experiment.runner import labels_of
    from rnaexp.progress import say

    say(found.message)
    verbs.pairs([task], Output(json=json), labels=labels_of(words))


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
    server: Annotated[
        bool, typer.Option("--server", help="Only the tracking store: make it and its experiment ready for runs.")
    ] = False,
    json: Json = False,
) -> None:
    """Check this installation: versions, devices, disk, store, tracking, data mirror, hub, cached models."""
    from rnaexp.report import health

    raise typer.Exit(health.doctor(with_models=models, only=("tracking",) if server else (), json=json))


use.register(app)
score.register(app)
embeddings.register(app)
fitness.register(app)
msa.register(app)
tracking.register(app)
registry.register(app)
pretrain.register(app)
search.register(app)
watch.register(app)
explore.register(app)
once_each(app, data_app, models_app, questions_app, store_app)
