"""What processes of their own do in test_processes.py: forked from one server that has imported all this once."""

import os
import time
from pathlib import Path

import lightning as L
import mlflow
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import distributed

import rnaexp.callbacks.probe as probes
from rnaexp.callbacks import Probe
from rnaexp.callbacks.lightning import LightningProbe
from rnaexp.reading.cached import cached_shards
from rnaexp.reading.maps import Reader
from rnaexp.reading.processes import sharing
from rnaexp.reading.store import Store
from tests.callbacks.test_probe import LETTERS, Module, batches, network

KILLED_AT, CHECKPOINT_EVERY, LAST = 5, 3, 7


def one_of_two(rank, folder, sets, answers):
    """A rank of a training: three probes, of which the second fails in wrapping and the third in reading, on rank 1."""
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    read, logged, by_rank, entries = [], [], Reader.predict_step, []

    def reads(self, batch):
        if self.encoder.spec.name == "probe":
            read.extend(rna.id for rna in batch)
        return by_rank(self, batch)

    Reader.predict_step = reads
    model = torch.nn.parallel.DistributedDataParallel(network())
    probe = Probe(LETTERS, **sets)
    probe.mlflow.into_open_run = lambda found, step: logged.append(step)
    found = [probe(model, 0)]
    first_read = list(read)

    def fails(*_, **__):
        message = "planted"
        raise OSError(message)

    wrap = probes.wrap
    probes.wrap = fails if rank else wrap
    found.append(probe(model, 1))
    probes.wrap, Reader.predict_step = wrap, fails if rank else by_rank
    found.append(probe(model, 2))
    Reader.predict_step = by_rank
    with sharing():
        made = cached_shards(Store(Path(folder) / str(rank)), ["a", "b", "c"], lambda at: entry(entries, at), print)
        shards = [float(each["value"][0]) for each in made]
    total = torch.ones(1)
    distributed.all_reduce(total)  # the training's own exchange still fits
    answers.put((rank, found, first_read, logged, probe.history, probe.failed, entries, shards, float(total)))
    distributed.destroy_process_group()


def entry(entries, at):
    entries.append(at)
    return {"value": torch.tensor([10.0 + at]).numpy()}


def train(folder, sets, dies):
    """Lightning, a probe after every step, the training's own checkpoints; `dies`: waits in a probe to be killed."""
    folder = Path(folder)
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mine = folder / "run"
    loss = probes.hidden_letters_loss
    probe = Probe(LETTERS, every=1, **sets)

    def waits(*given):
        if dies and len(probe.history) == KILLED_AT:
            (folder / "inside").write_text(str(os.getpid()))
            time.sleep(600)
        return loss(*given)

    probes.hidden_letters_loss = waits
    kept = ModelCheckpoint(folder / "kept", filename="{step}", every_n_train_steps=CHECKPOINT_EVERY, save_top_k=-1)
    with mlflow.start_run(run_id=mine.read_text() if mine.exists() else None) as run:
        mine.write_text(run.info.run_id)
        trainer = L.Trainer(
            max_steps=LAST, accelerator="cpu", logger=False, default_root_dir=folder, enable_progress_bar=False,
            enable_model_summary=False, callbacks=[LightningProbe(probe), kept],
        )  # fmt: skip
        loader = torch.utils.data.DataLoader(batches() * 2, batch_size=None)
        trainer.fit(Module(), loader, ckpt_path=None if dies else folder / "kept" / f"step={CHECKPOINT_EVERY}.ckpt")
    (folder / "history").write_text(",".join(str(step) for step in probe.history["step"]))
