"""Reading as one of several processes that torchrun started, through Lightning: each takes its share of the batches."""

import logging
import os
import warnings
from collections.abc import Sequence
from typing import Any

import lightning as L
import torch
from torch.utils.data import DataLoader

from rnaexp.models.spec import IN_MEMORY
from rnaexp.reading.maps import Reader, batches_of
from rnaexp.reading.processes import processes
from rnaexp.rna import Rna


class Reading(L.LightningModule):
    """A reader as Lightning runs it; nothing is gathered across processes."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self._reader = (reader,)
        # Lightning moves its modules to its device and in the end to the CPU: a network of the caller's stays in place.
        self.moved = reader.encoder if reader.encoder.spec.loader != IN_MEMORY else None

    def transfer_batch_to_device(self, batch: list[Rna], device: torch.device, dataloader_idx: int) -> list[Rna]:
        """RNAs are nouns, not tensors; the encoder puts its own input where its weights are."""
        return batch

    def predict_step(self, batch: list[Rna]) -> int:
        """Number of RNAs done; each is in the store when this returns."""
        return self._reader[0].predict_step(batch)


def predict_together(reader: Reader, rnas: Sequence[Rna]) -> None:
    """This process's share."""
    batches: Any = batches_of(rnas, reader.encoder, reader.reading.head)
    loader: Any = DataLoader(batches, batch_size=None, shuffle=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice on workers and checkpoints that does not apply to reading
        trainer = _trainer()
        trainer.predict(Reading(reader), loader, return_predictions=False)
        trainer.strategy.barrier()  # nobody looks for results before everybody has written theirs


def _trainer() -> L.Trainer:
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return L.Trainer(
        accelerator="auto",
        devices=here,
        num_nodes=max(1, processes() // here),
        strategy="ddp",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        inference_mode=True,
        use_distributed_sampler=True,
    )
