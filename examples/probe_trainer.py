"""transformers' Trainer with a probe on the way: python examples/probe_trainer.py --steps 4000; then rnaexp ui."""

import mlflow
import torch
import typer
from tiny_bert import IDS, Pieces, network
from transformers import Trainer, TrainingArguments

from rnaexp.callbacks import Probe
from rnaexp.callbacks.transformers import TrainerProbe


def train(*, steps: int = 4000, probed: bool = True) -> torch.nn.Module:
    model, probe = network(), Probe(IDS, every=50, share=0.1)
    settings = TrainingArguments(
        output_dir="checkpoints", max_steps=steps, per_device_train_batch_size=16, learning_rate=1e-3, use_cpu=True,
        save_strategy="no", logging_steps=50, report_to="mlflow", disable_tqdm=True,
    )  # fmt: skip
    callbacks = [TrainerProbe(probe)] if probed else []
    with mlflow.start_run(run_name="tiny BERT, Trainer"):
        Trainer(model=model, args=settings, train_dataset=Pieces(16 * steps), callbacks=callbacks).train()
    return model


if __name__ == "__main__":
    typer.run(train)
