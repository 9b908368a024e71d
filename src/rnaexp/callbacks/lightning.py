"""A probe as a Lightning callback."""

from typing import Any

import lightning as L
from lightning.pytorch.loggers import MLFlowLogger

from rnaexp.callbacks.probe import Probe
from rnaexp.progress import say


class LightningProbe(L.Callback):
    """Probe the network that `network(module)` gives, by default `module.model`, after each optimiser step that is due.

    Its figures are logged by the trainer's own logger too, so `ModelCheckpoint(monitor="rnaexp/pairs/f1")` and
    `EarlyStopping` can watch them.
    """

    def __init__(self, probe: Probe, network: Any = None) -> None:
        super().__init__()
        self.probe, self.network = probe, network or (lambda module: module.model)
        self._last = -1

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Before the first step."""
        self._maybe(trainer, pl_module)

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """After a batch; with accumulated gradients a step is probed once."""
        self._maybe(trainer, pl_module)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Say what the probes cost."""
        if trainer.is_global_zero:
            say(str(self.probe.cost))

    def _maybe(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        step = int(trainer.global_step)
        if step == self._last or not self.probe.due(step):
            return
        self._last = step
        found = self.probe(self.network(module), step)
        for logger in trainer.loggers if found else ():
            if not isinstance(logger, MLFlowLogger):
                logger.log_metrics(found, step)
            elif trainer.is_global_zero:
                self.probe.mlflow.into(logger.experiment, str(logger.run_id), found, step)
        trainer.callback_metrics.update({name: _tensor(value) for name, value in found.items()})

    def state_dict(self) -> dict[str, Any]:
        """So that a resumed training probes no step twice, and knows the first probe's head and figures."""
        return {"last": self._last, "first": self.probe.first}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From a checkpoint."""
        self._last, self.probe.first = int(state_dict["last"]), state_dict.get("first")


def _tensor(value: float) -> Any:
    import torch

    return torch.tensor(value)
