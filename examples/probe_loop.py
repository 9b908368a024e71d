"""A loop of one's own with a probe on the way: python examples/probe_loop.py --steps 4000; then rnaexp ui."""

import mlflow
import torch
import typer
from tiny_bert import IDS, Pieces, network

from rnaexp.callbacks import Probe


def train(*, steps: int = 4000, probed: bool = True) -> torch.nn.Module:
    model, probe = network(), Probe(IDS, every=50, share=0.1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    with mlflow.start_run(run_name="tiny BERT, bare loop"):
        for step, batch in enumerate(torch.utils.data.DataLoader(Pieces(16 * steps), batch_size=16)):
            if probed and probe.due(step):
                probe(model, step)
            loss = model(**batch).loss
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
            if step % 50 == 0:
                mlflow.log_metric("loss", loss.item(), step)
    print(probe.cost)
    return model


if __name__ == "__main__":
    typer.run(train)
