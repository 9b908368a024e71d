"""The verb `pretrain`; `cli.py` adds it to the others."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnaexp.cli.options import Device, Weights

if TYPE_CHECKING:  # they take time to import
    from rnaexp.callbacks import Probe
    from rnaexp.pretrain.recipe import Recipe


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
    from_: Annotated[
        str, typer.Option("--from", help="Go on with this model instead of random weights: a name or a folder.")
    ] = "",
    weights: Weights = "",
    save_every: Annotated[float, typer.Option(help="Seconds between two saved states.")] = 60.0,
    seed: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
) -> None:
    """Train a language model of your own on alignments or single sequences; no structure takes part."""
    from rnaexp.experiment import pretrain_verb as job
    from rnaexp.pretrain.fit import Limits

    if weights and not from_:
        message = "--weights: those of the model that --from names"
        raise typer.BadParameter(message)
    limits = Limits(device=device, minutes=minutes or None, save_every_seconds=save_every)
    start = {"name": from_, "weights": Path(weights) if weights else None, "device": "cpu"} if from_ else None
    job.pretrain(recipe, out, data=data, limits=limits, seed=seed, start=start, probe_for=_probe)


def _probe(recipe: "Recipe", out: Path, letters: Mapping[str, Any] | None) -> "Probe | None":
    """What the recipe's validation looks with; it goes on from the first look of a training that was stopped."""
    from rnaexp.callbacks import Probe
    from rnaexp.pretrain.checkpoint import log_lines

    chosen = recipe.validation
    if not chosen.tested_on:
        return None
    probe = Probe(
        letters,
        validation=chosen.tuned_on,
        test=chosen.tested_on,
        families=chosen.families,
        unseen_by=chosen.unseen_by,
        log=False,
    )
    probe.first = next((line for line in log_lines(out) if "rnaexp/pairs/f1" in line), None)
    return probe
