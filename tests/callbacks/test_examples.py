"""The examples train, have their curve in MLflow, and end with the same weights to the bit as without the probe."""

import importlib
import sys
from pathlib import Path

import mlflow
import pytest
import torch

import rnaexp.track.training_log as logs

FOLDER = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("name", ["probe_loop", "probe_trainer", "probe_lightning"])
def test_an_example_trains_the_same_weights_with_its_probe_and_shows_its_curve(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    monkeypatch.setattr(logs, "PATIENCE", 600.0)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    try:
        example = importlib.import_module(name)
        with_probe, without = example.train(steps=3), example.train(steps=3, probed=False)
    finally:
        mlflow.set_tracking_uri(None)
    assert with_probe is not without
    for one, other in zip(with_probe.parameters(), without.parameters(), strict=True):
        assert torch.equal(one, other)
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    runs = client.search_runs([each.experiment_id for each in client.search_experiments()])
    logged = [[each.step for each in client.get_metric_history(run.info.run_id, "rnaexp/pairs/f1")] for run in runs]
    assert sorted(logged) == [[], [0]]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("probe_*.py")), ids=lambda path: path.stem)
def test_an_example_is_short(path):
    assert len(path.read_text().splitlines()) <= 30
