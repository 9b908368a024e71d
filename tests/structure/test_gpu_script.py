"""The script that is run where a GPU is at hand, on a CPU: what it compares, and that it runs."""

from pathlib import Path

import pytest
import torch

from rnaexp.models import load

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return __import__("gpu")


@torch.inference_mode()
def test_tables_of_the_same_numbers_are_equal_and_those_of_fewer_digits_are_not(gpu, tmp_path):
    gpu.write_checkpoint(tmp_path, gpu.TOY.network)
    rna, cpu = gpu.random_rna(40), load(str(tmp_path), device="cpu")
    assert gpu.compared(cpu, cpu, rna) == {"differs": 0.0, "kept by both": 1.0}
    found = gpu.compared(cpu, load(str(tmp_path), device="cpu", precision="bf16"), rna)
    assert found["differs"] > 0
    assert found["kept by both"] < 1


def test_it_runs_and_a_toy_leaves_no_figures(gpu, tmp_path, capsys):
    gpu.main(device="cpu", csv=tmp_path / "none.csv", toy=True)
    assert capsys.readouterr().out.count("bf16") == 2
    assert not (tmp_path / "none.csv").exists()
