"""The Lightning module: a masked-letter loss, a rate that depends on the step alone, counts that survive a kill."""

import math
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import lightning as L
import torch
from jaxtyping import Float
from torch import Tensor

from rnaexp.models.msa_transformer import MsaTransformer
from rnaexp.models.rnamsm import LETTERS
from rnaexp.pretrain.continued import Network
from rnaexp.pretrain.contrast import Views, ViewSampler, contrast_loss
from rnaexp.pretrain.crops import CropSampler
from rnaexp.pretrain.distil import Distiller, Taught, distillation_loss
from rnaexp.pretrain.families import Aligned
from rnaexp.pretrain.masking import Example, hide
from rnaexp.pretrain.recipe import Optimiser, Recipe

_BASE_TOKENS = list(LETTERS.letters[:4])


class Batch(NamedTuple):
    """What one step learns from; None where the recipe gives an objective no weight."""

    letters: Example | None
    views: Views | None
    taught: Taught | None


class Pretraining(L.LightningModule):
    """Trains a network on batches that its own count of batches names; `steps` is set once it is known.

    `teacher`: of a recipe with distillation. Later ones are saved with the state, so that a resumed training is taught
    the same.
    """

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        families: Sequence[Aligned],
        minutes: float | None,
        teacher: MsaTransformer | None = None,
    ) -> None:
        super().__init__()
        self.network, self.recipe, self.families = network, recipe, families
        self.sampler = CropSampler(families, recipe.crops)
        self.views = ViewSampler(families, recipe.contrast) if recipe.contrast.weight else None
        self.distiller = None
        if recipe.distillation.weight:
            assert isinstance(network, MsaTransformer), "a network without its maps is taught no pairs"
            self.distiller = Distiller(recipe, families, network, teacher)
        self.copies = None if self.distiller is None else self.distiller.copies
        self.steps, self.seconds_allowed = recipe.steps, None if minutes is None else 60 * minutes
        self.batches_done, self.steps_done, self.tokens_done, self.seconds_done = 0, 0, 0, 0.0
        self.started = time.monotonic()
        self.recent: list[dict[str, tuple[float, int]]] = []  # losses and what they are means of, since the last line

    @property
    def seconds(self) -> float:
        """Training time so far, that of earlier processes included."""
        return self.seconds_done + time.monotonic() - self.started

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.steps is not None and self.steps_done >= self.steps

    def prepare(self, number: int) -> Batch:
        """Batch `number` of each objective."""
        seed, letters = self.recipe.seed, None
        if self.recipe.objective.weight:
            letters = hide(self.sampler.batch(seed, number), self.recipe.objective, LETTERS, seed, number)
        return Batch(
            letters,
            None if self.views is None else self.views.batch(seed, number),
            None if self.distiller is None else self.distiller.batch(seed, number),
        )

    def training_step(self, batch: Batch) -> Float[Tensor, ""]:
        """Weighted sum of the objectives' losses, in nats."""
        self._set_rate()
        if self.copies is not None and self.batches_done in (again := self.recipe.distillation.again):
            self.copies[again.index(self.batches_done)].load_state_dict(self.network.state_dict())
        torch.manual_seed(self.recipe.seed * 1_000_003 + self.batches_done)  # dropout
        loss, parts = losses(self.network, self.recipe, batch)
        self.recent.append(parts)
        self.batches_done += 1
        self.tokens_done += tokens_of(batch)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW; no decay of norms, biases and numbers a head has for a distance."""
        chosen = self.recipe.optimiser
        decayed = [p for p in self.network.parameters() if p.ndim == 2 and p.shape[0] > 16]
        kept = {id(p) for p in decayed}
        groups = [
            {"params": decayed, "weight_decay": chosen.decay},
            {"params": [p for p in self.network.parameters() if id(p) not in kept], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=chosen.rate, betas=chosen.betas, eps=1e-8, fused=True)

    def on_before_zero_grad(self, optimizer: Any) -> None:
        """Count a step, and see whether the clock asks for the end."""
        self.steps_done += 1
        self._end_by_clock()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the counts."""
        checkpoint["progress"] = {
            "batches": self.batches_done,
            "steps_done": self.steps_done,
            "tokens": self.tokens_done,
            "seconds": self.seconds,
            "steps": self.steps,
            "recent": list(self.recent),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on counting."""
        held = checkpoint["progress"]
        self.batches_done, self.steps_done, self.tokens_done = held["batches"], held["steps_done"], held["tokens"]
        self.seconds_done, self.started, self.recent = held["seconds"], time.monotonic(), list(held["recent"])
        self.steps = held["steps"] if self.recipe.steps is None else self.recipe.steps

    def _set_rate(self) -> None:
        rate = self.recipe.optimiser.rate * rate_share(self.steps_done, self.steps, self.recipe.optimiser)
        optimizer: Any = self.optimizers()
        for group in optimizer.param_groups:
            group["lr"] = rate

    def _end_by_clock(self) -> None:
        """When only the cool-down's share of the time is left, fix the number of steps so that it begins now.

        From then on nothing depends on the clock: a recipe with this number of steps gives the same weights again.
        """
        share = self.recipe.optimiser.cooldown
        if self.steps is not None or self.seconds_allowed is None:
            return
        if self.seconds >= (1 - share) * self.seconds_allowed:
            self.steps = _steps_with_cooldown_at(self.steps_done, share)


def losses(network: Network, recipe: Recipe, batch: Batch) -> tuple[Float[Tensor, ""], dict[str, tuple[float, int]]]:
    """The weighted sum, and each objective's plain loss with the number that it is a mean of."""
    weighted, parts = [], {}
    if batch.letters is not None:
        loss, plain = masked_loss(network, batch.letters)
        weighted.append(loss if recipe.objective.weight == 1 else recipe.objective.weight * loss)
        parts["loss"] = float(plain), len(batch.letters.letters)
    if batch.views is not None:
        loss = contrast_loss(network, batch.views, recipe.contrast)
        weighted.append(recipe.contrast.weight * loss)
        parts["contrast_loss"] = float(loss.detach()), len(batch.views.order)
    if batch.taught is not None and isinstance(network, MsaTransformer):
        loss = distillation_loss(network, batch.taught, recipe.distillation.student)
        weighted.append(recipe.distillation.weight * loss)
        parts["distillation_loss"] = float(loss.detach()), int((batch.taught.partners >= 0).sum())
    return torch.stack(weighted).sum(), parts


def tokens_of(batch: Batch) -> int:
    """Letters read, special tokens not counted."""
    read = [part.ids for part in (batch.letters, batch.taught) if part is not None]
    read += [] if batch.views is None else batch.views.ids
    return sum(int((ids != LETTERS.pad).sum()) - ids.shape[0] * ids.shape[1] for ids in read)


def masked_loss(network: Network, batch: Example) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Weighted and plain mean cross-entropy; the letter head runs only where a letter is to be predicted."""
    hidden = network.hidden_states(batch.ids)[batch.predicted]
    logits = network.lm_head(hidden)[:, _BASE_TOKENS].float()
    losses = torch.nn.functional.cross_entropy(logits, batch.letters, reduction="none")
    return (losses * batch.weights).sum() / batch.weights.sum(), losses.detach().mean()


def cooldown_begins(steps: int, share: float) -> int:
    """The first step of the cool-down."""
    return steps - math.floor(steps * share)


def _steps_with_cooldown_at(step: int, share: float) -> int:
    """The smallest number of steps whose cool-down begins at this one: each step more moves it by 0 or 1."""
    steps = step
    while cooldown_begins(steps, share) < step:
        steps += 1
    return steps


def rate_share(step: int, steps: int | None, optimiser: Optimiser) -> float:
    """Share of the full rate at a step (from 0)."""
    up = min(1.0, (step + 1) / max(1, optimiser.warmup))
    if steps is None:
        return up
    first = cooldown_begins(steps, optimiser.cooldown)
    down = 1.0 if step < first else (steps - step) / max(1, steps - first)
    return min(up, down)
