"""Lightning with a probe on the way: python examples/probe_lightning.py --steps 4000; then rnaexp ui."""

import lightning as L
import torch
import typer
from tiny_bert import IDS, Pieces, network

from rnaexp.callbacks import Probe
from rnaexp.callbacks.lightning import LightningProbe


class Module(L.LightningModule):
    def training_step(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        return self.model(**batch).loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=1e-3)


def train(*, steps: int = 4000, probed: bool = True) -> torch.nn.Module:
    logger = L.pytorch.loggers.MLFlowLogger(run_name="tiny BERT, Lightning", tracking_uri="sqlite:///mlflow.db")
    callbacks, module = [LightningProbe(Probe(IDS, every=50, share=0.1))] if probed else [], Module()
    module.model = network()
    trainer = L.Trainer(max_epochs=1, accelerator="cpu", logger=logger, callbacks=callbacks, enable_checkpointing=False)
    trainer.fit(module, torch.utils.data.DataLoader(Pieces(16 * steps), batch_size=16))
    return module.model


if __name__ == "__main__":
    typer.run(train)
