"""The verb `pretrain`: a recipe and alignments in, a checkpoint folder and a tracked run out."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnaexp import models
from rnaexp.data.download import file_sha256
from rnaexp.data.rfam import read_seed, seed_path
from rnaexp.errors import InputError
from rnaexp.experiment.model_verbs import from_folder, keep_trained
from rnaexp.models.loading import device_of
from rnaexp.pretrain.checkpoint import CARD, FAMILIES, WEIGHTS, Facts, recipe_card, write_checkpoint
from rnaexp.pretrain.continued import Continued, network_of
from rnaexp.pretrain.crops import unigram_entropy
from rnaexp.pretrain.families import excluded_clans, training_families
from rnaexp.pretrain.fit import LOG, Limits, Probe, fit
from rnaexp.pretrain.recipe import Recipe, read_recipe
from rnaexp.progress import Step, announce
from rnaexp.track.orphan import watch_parent
from rnaexp.track.runs import RunHandle, tracked_run

# The recipe, the folder of the training, and the letters of a model that is no MSA transformer.
ProbeFor = Callable[[Recipe, Path, Mapping[str, Any] | None], Probe | None]


def pretrain(
    path: Path,
    out: Path,
    *,
    data: Path | None,
    limits: Limits,
    seed: int | None = None,
    start: Mapping[str, Any] | None = None,
    probe_for: ProbeFor = lambda recipe, out, letters: None,
) -> None:
    """Train by the recipe; a training that was stopped in this folder is resumed.

    `start`: arguments of `models.load` for what training goes on with. `probe_for`: makes the probe that the recipe
    wants, of a training in the folder of a model of these letters.

    Raises: InputError.
    """
    watch_parent()
    recipe = read_recipe(path)
    recipe = recipe if seed is None else replace(recipe, seed=seed)
    if recipe.steps is None and limits.minutes is None:
        message = "says no steps; give --minutes or write steps into it"
        raise InputError(message, path=path)
    minutes = limits.minutes
    encoder = None if start is None else models.load(**start)
    network = None if encoder is None else network_of(encoder, recipe)
    probe = probe_for(recipe, out, network.letters if isinstance(network, Continued) else None)
    alignments = data or seed_path()
    excluded = excluded_clans(path.parent / recipe.excluded) if recipe.excluded else {}
    families = read_seed(alignments)
    training = training_families(families, excluded)
    if not training:
        message = "no family of the training side in it"
        raise InputError(message, path=alignments)
    facts = Facts(
        data=alignments.name,
        data_sha256=file_sha256(alignments),
        families=[family.accession for family in training],
        rows=sum(len(family.codes) for family in training),
        unigram=unigram_entropy(training),
        excluded=excluded,
        minutes=minutes,
        start="" if encoder is None else f"{encoder.spec.name} (sha256 {encoder.fingerprint})",
    )
    limits = replace(limits, device=device_of(limits.device))
    with tracked_run(recipe.title, tags={"rnaexp.pretrain": path.stem}) as run:
        _begin(run, recipe, facts, limits.device)
        with announce(f"pre-training {recipe.title}", 100, "%") as bar:
            module = fit(
                recipe,
                training,
                out,
                probe=probe,
                limits=limits,
                note=_Notes(run, bar, recipe.steps, minutes),
                near=path.parent,
                start=network,
            )
        module.cpu()
        if encoder is not None and start is not None and isinstance(network, Continued):
            keep_trained(encoder, network.at_rest(), start, out)
        write_checkpoint(module, out, facts)
        for name in (WEIGHTS, CARD, FAMILIES, "config.json", LOG):
            run.file(out / name, "checkpoint")
        run.metrics(
            {
                "tokens": module.tokens_done,
                "tokens_per_second": module.tokens_done / module.seconds,
                "seconds": module.seconds,
            },
            step=module.steps_done,
        )
    sys.stdout.write(f"{out}: {module.steps_done} steps, {module.tokens_done} letters; try it with\n")
    own_loader = encoder is not None and isinstance(network, Continued) and not from_folder(encoder.spec.loader)
    model = f"{start['name']} --weights {out}" if start and own_loader else out
    sys.stdout.write(f"rnaexp run --model {model}\n")


def _begin(run: RunHandle, recipe: Recipe, facts: Facts, device: str) -> None:
    about = {"minutes": facts.minutes, "start": facts.start or None, "device": device, "families": len(facts.families)}
    run.params({**recipe_card(recipe), **about})
    run.data_set(facts.data, facts.data_sha256, facts.data, "training", facts.rows)
    run.metrics({"unigram_entropy": facts.unigram})


def _measured(line: Mapping[str, float]) -> dict[str, float]:
    """What of a line of the log is a curve."""
    return {key: value for key, value in line.items() if key not in ("step", "seconds")}


class _Notes:
    """Sends each line of the log to the tracked run and moves the bar."""

    def __init__(self, run: RunHandle, bar: Step, steps: int | None, minutes: float | None) -> None:
        self.run, self.bar, self.steps, self.minutes, self.shown = run, bar, steps, minutes, 0

    def __call__(self, numbers: Mapping[str, float], step: int) -> None:
        self.run.metrics(_measured(numbers), step=step)
        done = step / self.steps if self.steps else numbers.get("seconds", 0) / (60 * (self.minutes or 1))
        percent = min(100, int(100 * done))
        if percent > self.shown:
            self.bar(percent - self.shown)
            self.shown = percent
