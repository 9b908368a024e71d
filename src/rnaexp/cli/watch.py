"""The verb `watch`; `app.py` adds it to the others."""

from pathlib import Path
from typing import Annotated

import typer

from rnaexp.cli.options import Csv, Json
from rnaexp.cli.settings import with_settings
from rnaexp.errors import InputError
from rnaexp.reading.loading import Loading
from rnaexp.tasks.pairs.settings import WatchSettings


def register(app: typer.Typer) -> None:
    """Give the program the verb."""
    app.command(
        epilog="Example: rnaexp watch out/ --model-like ./base    One that has ended: rnaexp watch out/ --once"
    )(watch)


@with_settings
def watch(
    checkpoints: Annotated[
        Path, typer.Argument(help="Folder with checkpoint-N (transformers), .ckpt (Lightning), .pt or .pth.")
    ],
    settings: WatchSettings,
    loading: Loading,
    model_like: Annotated[
        str,
        typer.Option(
            help="Where letters and sizes come from if a checkpoint lacks them: a model's name, or a folder "
            "with config.json and a tokenizer."
        ),
    ] = "",
    once: Annotated[bool, typer.Option("--once", help="Score what is there, then end.")] = False,
    every: Annotated[
        float, typer.Option(min=0.0, help="Seconds between two looks; a checkpoint that changes between them waits.")
    ] = 10.0,
    idle: Annotated[float, typer.Option(min=0.0, help="End after so many minutes without a new one; 0: never.")] = 0.0,
    compare: Annotated[
        list[str], typer.Option(help="STEP:STEP, the difference of two steps on the test set; repeat for others.")
    ] = [],  # noqa: B006 (typer's way to an empty list)
    csv: Csv = None,
    json: Json = False,
) -> None:
    """Score a training's checkpoints as they appear: a curve over steps, in one MLflow run that can be resumed."""
    from rnaexp.experiment import ready

    if loading.weights:
        message = "--weights: the weights are those of the checkpoints; --model-like says what else they need"
        raise typer.BadParameter(message)
    like = model_like or (str(Path(loading.config).parent) if loading.config else "")
    if loading.config and not model_like:
        loading = loading.model_copy(update={"config": ""})  # it lies in the folder
    task = settings.task(like or checkpoints.name, loading)
    if task.validation is None:
        message = "--validation: each step's head is tuned on a set, and the best step chosen on it"
        raise InputError(message)
    ready.refuse_watch(task, like)
    pairs = tuple(_two_steps(each) for each in compare)
    from rnaexp.experiment import watch_verb

    how = watch_verb.Watching(once=once, every=every, idle=60 * idle, compare=pairs)
    watch_verb.watch(checkpoints, task, like, how, csv=csv, json=json)


def _two_steps(text: str) -> tuple[int, int]:
    one, _, other = text.partition(":")
    if not (one.isdecimal() and other.isdecimal()):
        message = f"--compare {text!r}: two steps as 1000:4000"
        raise typer.BadParameter(message)
    return int(one), int(other)
