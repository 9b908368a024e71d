"""The verb `pretrain`; `cli.py` adds it to the others."""

from pathlib import Path
from typing import Annotated

import typer

from rnaexp.cli.options import Device


def register(app: typer.Typer) -> None:
    """Give the program the verb."""
    app.command(epilog="Example: rnaexp pretrain experiments/pretrain/msm_nano.toml --out msm-nano")(pretrain)


def pretrain(
    recipe: Annotated[Path, typer.Argument(help="What to train and how: a TOML file, see experiments/pretrain.")],
    out: Annotated[Path, typer.Option(help="Folder of the checkpoint; a training that was stopped there is resumed.")],
    data: Annotated[Path | None, typer.Option(help="Stockholm file of alignments; default: Rfam's seeds.")] = None,
    minutes: Annotated[
        float, typer.Option(help="If the recipe gives no number of steps: stop after so many minutes.")
    ] = 0.0,
    device: Device = "auto",
    save_every: Annotated[float, typer.Option(help="Seconds between two saved states.")] = 60.0,
) -> None:
    """Train a language model of your own on alignments or single sequences; no structure takes part."""
    from rnaexp.experiment import pretrain_verb as job

    job.pretrain(recipe, out, data=data, minutes=minutes or None, device=device, save_every=save_every)
