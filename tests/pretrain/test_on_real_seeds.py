"""The shipped recipe on Rfam's seeds, cut short: real letters, a real kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rnaexp.pretrain.checkpoint import log_lines
from rnaexp.pretrain.fit import STATE
from tests.command import environment

RECIPES = Path(__file__).parents[2] / "experiments" / "pretrain"


def begin(derived, folder, steps):
    """The command, and the process it was started as."""
    text = (RECIPES / "msm_nano.toml").read_text().splitlines()
    lines = ['tested_on = ""' if line.startswith("steps = [") else line for line in text]
    lines = [f"steps = {steps}" if line.startswith("steps = ") else line for line in lines]
    (folder / "recipe.toml").write_text("\n".join(lines))
    (folder / "excluded_rfam.tsv").write_text((RECIPES / "excluded_rfam.tsv").read_text())
    words = ["pretrain", "recipe.toml", "--out", "out", "--device", "cpu", "--save-every", "0.5"]
    command = [sys.executable, "-m", "rnaexp", *words, "--data", str(derived / "rfam_seed.sto.gz")]
    return command, subprocess.Popen(command, cwd=folder, env=environment() | {"OMP_NUM_THREADS": "1"})


def check(folder, steps, at_most):
    told = list(log_lines(folder / "out"))
    losses = {line["step"]: line["loss"] for line in told if "loss" in line}
    assert list(losses) == sorted(losses), "no step was trained twice"
    assert max(line["step"] for line in told) == steps
    card = (folder / "out" / "README.md").read_text()
    unigram = float(card.split("(unigram entropy): ")[1].split()[0])
    assert list(losses.values())[-1] < unigram - at_most
    assert json.loads((folder / "out" / "config.json").read_text())["rnaexp_reads"] == "alignment"


@pytest.mark.fault
def test_the_shipped_recipe_learns_from_real_seeds_within_seconds_and_survives_a_kill(derived, tmp_path):
    command, process = begin(derived, tmp_path, steps=200)
    state = tmp_path / "out" / STATE
    while not state.is_file():
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    subprocess.run(command, cwd=tmp_path, env=environment() | {"OMP_NUM_THREADS": "1"}, check=True, timeout=300)
    check(tmp_path, 200, at_most=0.2)


@pytest.mark.fault
@pytest.mark.slow
def test_after_two_minutes_a_hidden_columns_letters_cost_less_than_by_composition(derived, tmp_path):
    command, process = begin(derived, tmp_path, steps=2400)  # two minutes on a core of 2025
    time.sleep(60)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    subprocess.run(command, cwd=tmp_path, env=environment() | {"OMP_NUM_THREADS": "1"}, check=True, timeout=900)
    check(tmp_path, 2400, at_most=0.05)
