"""The verb `pretrain`; `cli.py` adds it to the others."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnaexp.cli.options import Device

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
    save_every: Annotated[float, typer.Option(help="Seconds between two saved states.")] = 60.0,
    seed: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
) -> None:
    """Train a language model of your own on alignments or single sequences; no structure takes part."""
    from rnaexp.experiment import pretrain_verb as job

    how: Any = {"data": data, "minutes": minutes or None, "device": device, "save_every": save_every}
    job.pretrain(recipe, out, **how, seed=seed, probe_for=_probe)


def _probe(recipe: "Recipe", out: Path) -> "Probe | None":
    """What the recipe's validation looks with; it goes on from the first look of a training that was stopped."""
    from rnaexp.callbacks import Probe
    from rnaexp.pretrain.checkpoint import log_lines

    chosen = recipe.validation
    if not chosen.tested_on:
        return None
    probe = Probe(
        None,
        validation=chosen.tuned_on,
        test=chosen.tested_on,
        families=chosen.families,
        unseen_by=chosen.unseen_by,
        log=False,
    )
    probe.first = next((line for line in log_lines(out) if "rnaexp/pairs/f1" in line), None)
    return probe
