"""Pre-training from start, or from where a killed run stopped, to a checkpoint folder."""

import json
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from torch.utils.data import DataLoader, IterableDataset

from rnaexp.data.atomic import replacing, write_atomically
from rnaexp.models.msa_transformer import MsaTransformer, MsaTransformerConfig
from rnaexp.pretrain.continued import Network
from rnaexp.pretrain.distil import teacher_of
from rnaexp.pretrain.families import Aligned
from rnaexp.pretrain.initial_head import set_initial_head
from rnaexp.pretrain.recipe import Recipe
from rnaexp.pretrain.training import Batch, Pretraining

STATE = "training.ckpt"
LOG = "log.jsonl"
READS = {"msa": "alignment", "sequence": "sequence"}
_LOG_EVERY = 50  # steps

Note = Callable[[Mapping[str, float], int], None]  # (numbers, step)
Probe = Callable[[Any, int], Mapping[str, float]]  # (network, step): what it knows then


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where to train, when to stop and how often to save; `minutes` None: after the recipe's steps."""

    device: str = "cpu"
    minutes: float | None = None
    save_every_seconds: float = 60.0


class _Batches(IterableDataset[Batch]):
    """From the first batch that is not done yet; drawn only when training begins, after a resumed state is loaded."""

    def __init__(self, module: Pretraining) -> None:
        self.module = module

    def __iter__(self) -> Iterator[Batch]:
        number = self.module.batches_done
        while not self.module.finished:
            yield self.module.prepare(number)
            number += 1


class _Journal(Callback):
    """Log lines, the probe's among them, and the state on disk, so that a kill costs at most a minute."""

    def __init__(self, folder: Path, limits: Limits, note: Note, probe: Probe | None) -> None:
        self.folder, self.limits, self.note, self.probe = folder, limits, note, probe
        self.saved_at = 0.0

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """What a killed run logged after its last saved state is done anew, so it is cut off."""
        assert isinstance(module, Pretraining)
        self.saved_at = module.seconds
        log, done = self.folder / LOG, module.steps_done
        if log.is_file():
            lines = [line for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]
            kept = [line for line in lines if done and json.loads(line)["step"] <= done]
            write_atomically(log, "".join(kept).encode())
            for line in kept:  # a resumed training shows its whole curve
                self.note(json.loads(line), json.loads(line)["step"])
        if not done and module.recipe.validation.due(0):
            self._look(module)

    def on_train_batch_end(self, trainer: L.Trainer, module: L.LightningModule, *_: object) -> None:
        """After each batch; a line is printed once a step."""
        assert isinstance(module, Pretraining)
        if module.batches_done % module.recipe.optimiser.accumulate:
            return
        step = module.steps_done
        if step % _LOG_EVERY == 0 or module.finished:
            self._say(module, _summary(module))
        if module.recipe.validation.due(step) or module.finished:
            self._look(module)
        if module.finished:
            trainer.should_stop = True
        if module.finished or module.seconds - self.saved_at >= self.limits.save_every_seconds:
            self.saved_at = module.seconds
            with replacing(self.folder / STATE) as private:  # killed while writing, the state before stays
                trainer.save_checkpoint(private)

    def _look(self, module: Pretraining) -> None:
        if self.probe is None:
            return
        began = time.monotonic()
        found = self.probe(module.network, module.steps_done)
        module.started += time.monotonic() - began  # no time of the training
        if found:
            self._say(module, found)

    def _say(self, module: Pretraining, numbers: Mapping[str, float]) -> None:
        line = {"step": module.steps_done, "seconds": round(module.seconds, 1), **numbers}
        with (self.folder / LOG).open("a") as file:
            file.write(json.dumps(line) + "\n")
        self.note(line, module.steps_done)


def _summary(module: Pretraining) -> dict[str, float]:
    found = {}
    for name in dict.fromkeys(name for parts in module.recent for name in parts):
        each = [parts[name] for parts in module.recent if name in parts]
        found[name] = sum(value * count for value, count in each) / max(1, sum(count for _, count in each))
    module.recent.clear()
    return {**found, "tokens": module.tokens_done, "tokens_per_second": module.tokens_done / module.seconds}


def fit(
    recipe: Recipe,
    families: Sequence[Aligned],
    folder: Path,
    *,
    probe: Probe | None = None,
    limits: Limits | None = None,
    note: Note = lambda numbers, step: None,
    near: Path = Path(),
    start: Network | None = None,
) -> Pretraining:
    """Train until the steps or the minutes are used up; a training whose state is in the folder is resumed.

    `probe`: is given the network at the recipe's steps of validation, and what it finds is logged. `near`: folder from
    which a teacher that the recipe names is seen. `start`: what training goes on with, instead of random weights. On a
    GPU in bfloat16 with float32 weights.

    Raises: ValueError where nothing says when to stop.
    """
    limits = limits or Limits()
    if recipe.steps is None and limits.minutes is None:
        message = "give the recipe steps, or a number of minutes"
        raise ValueError(message)
    folder.mkdir(parents=True, exist_ok=True)
    teacher = teacher_of(recipe.distillation.teacher, near) if recipe.distillation.weight else None
    module = Pretraining(start or new_network(recipe), recipe, families, limits.minutes, teacher)
    state = folder / STATE
    loader: Any = DataLoader(_Batches(module), batch_size=None)
    trainer = _trainer(recipe, limits.device, _Journal(folder, limits, note, probe))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice on workers and on resuming inside an epoch: batches are numbered here
        trainer.fit(module, loader, ckpt_path=state if state.is_file() else None, weights_only=False)
    return module


def new_network(recipe: Recipe) -> MsaTransformer:
    """Random weights by the recipe's seed, and its initial head if it names one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network: MsaTransformer = MsaTransformer(MsaTransformerConfig(**recipe.network))
    network.config.rnaexp_reads = READS[recipe.architecture]
    if recipe.initial_head:
        set_initial_head(network, recipe.initial_head)
    return network


def _trainer(recipe: Recipe, device: str, journal: _Journal) -> L.Trainer:
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    on_cpu = device == "cpu"
    return L.Trainer(
        accelerator="cpu" if on_cpu else "gpu",
        devices=1,
        precision="32-true" if on_cpu else "bf16-mixed",
        max_epochs=1,
        accumulate_grad_batches=recipe.optimiser.accumulate,
        gradient_clip_val=recipe.optimiser.clip,
        callbacks=[journal],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        deterministic=on_cpu,
    )
