"""Rows of the fault table that need the whole program: kills, signals, several processes, MLflow's own launcher."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from rnaexp.data.dot_bracket import to_dot_bracket
from rnaexp.models.planted import stems

from .command import answer, entries, environment, rnaexp, runs, start
from .planted_sets import write_set

ROOT = Path(__file__).parents[1]
RUN = ("run", "--model", "viennarna", "--validation", "validation.fa", "--test", "test.fa", "--related", "drop")

pytestmark = pytest.mark.fault


def slow_set(path, seed, rnas, prefix):
    """RNAs long enough that folding each takes a while."""
    rng = np.random.default_rng(seed)
    lines = []
    for at in range(rnas):
        sequence = "".join(rng.choice(list("ACGU"), 320))
        lines += [f">{prefix}{at}", sequence, to_dot_bracket(320, stems(sequence))]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """A folder with slow sets and what an undisturbed run says of them."""
    place = tmp_path_factory.mktemp("slow")
    slow_set(place / "validation.fa", 1, 8, "v")
    slow_set(place / "test.fa", 2, 8, "t")
    return place, answer(rnaexp(*RUN, "--json", cwd=place))


def disturbed(slow, folder):
    for name in ("validation.fa", "test.fa"):
        shutil.copy(slow[0] / name, folder / name)
    return folder / ".rnaexp"


def wait_for_results(process, store, at_least):
    while process.poll() is None and len(entries(store)) < at_least:
        time.sleep(0.05)


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_any_moment_a_run_resumes_to_the_same_numbers(slow, tmp_path, kills):
    store = disturbed(slow, tmp_path)
    chance = random.Random(kills)
    finished = {}
    for kill in range(kills):
        process = start(*RUN, cwd=tmp_path)
        wait_for_results(process, store, min(len(finished) + 1, 15) if kill < 14 else 15)
        time.sleep(chance.uniform(0, 0.3))
        process.kill()
        process.communicate()
        now = entries(store)
        whole = {name: at for name, at in now.items() if not name.startswith(".")}
        assert finished.items() <= whole.items(), "a finished RNA was computed again"
        finished = whole
    assert finished
    resumed = answer(rnaexp(*RUN, "--json", cwd=tmp_path))
    assert finished.items() <= entries(store).items(), "a finished RNA was computed again"
    assert resumed["structure"] == slow[1]["structure"]


def test_a_second_identical_run_computes_nothing(slow):
    before = entries(slow[0] / ".rnaexp")
    again = answer(rnaexp(*RUN, "--again", "--json", cwd=slow[0]))
    assert again["structure"] == slow[1]["structure"]
    assert entries(slow[0] / ".rnaexp") == before


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_signal_ends_the_run_as_killed_with_143_and_it_can_be_resumed(slow, tmp_path, number):
    store = disturbed(slow, tmp_path)
    process = start(*RUN, cwd=tmp_path)
    wait_for_results(process, store, 1)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143, said
    assert "Traceback" not in said
    assert [status for _, kind, status, *_ in runs(tmp_path) if kind == "parent"] == ["KILLED"]
    assert len(entries(store)) < 16
    assert answer(rnaexp(*RUN, "--json", cwd=tmp_path))["structure"] == slow[1]["structure"]


def test_a_run_that_fails_is_not_shown_as_finished(tmp_path):
    write_set(tmp_path / "one.fa", 1, 4, "v")
    done = rnaexp("run", "--model", "planted", "--validation", "one.fa", "--test", "one.fa", cwd=tmp_path)
    assert done.returncode == 65
    assert [status for _, _, status, *_ in runs(tmp_path)] == ["FAILED"]


def test_six_first_starts_at_once_on_a_fresh_database_all_finish(tmp_path):
    write_set(tmp_path / "v.fa", 1, 4, "v")
    write_set(tmp_path / "t.fa", 2, 4, "t")
    words = ("run", "--model", "random", "--validation", "v.fa", "--test", "t.fa", "--related", "keep", "--again")
    several = [start(*words, cwd=tmp_path) for _ in range(6)]
    for process in several:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
    assert [status for _, kind, status, *_ in runs(tmp_path) if kind == "parent"] == ["FINISHED"] * 6


def test_two_processes_under_torchrun_account_for_every_rna(slow, tmp_path):
    disturbed(slow, tmp_path)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29517", "-m"]
    done = subprocess.run(
        [*launcher, "rnaexp", *RUN, "--json"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert answer(done)["structure"] == slow[1]["structure"]
    assert [kind for _, kind, *_ in runs(tmp_path)].count("parent") == 1


def test_mlflow_run_does_what_rnaexp_run_does_in_the_run_it_opened(tmp_path):
    write_set(tmp_path / "v.fa", 1, 4, "v")
    write_set(tmp_path / "t.fa", 2, 4, "t")
    variables = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
        "RNAEXP_STORE": tmp_path / ".rnaexp",
        # --env-manager=local does not touch PATH: the environment must be active.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    parameters = {"model": "planted", "validation": tmp_path / "v.fa", "test": tmp_path / "t.fa", "related": "keep"}
    words = [word for name, value in parameters.items() for word in ("-P", f"{name}={value}")]
    subprocess.run(
        [
            sys.executable,
            "-m",
            "mlflow",
            "run",
            str(ROOT),
            "--env-manager=local",
            "--experiment-name",
            "rnaexp",
            *words,
        ],
        cwd=tmp_path,
        env=environment(**variables),
        check=True,
        capture_output=True,
        timeout=300,
    )
    bare = answer(
        rnaexp("run", *[w for name, value in parameters.items() for w in (f"--{name}", value)], "--json", cwd=tmp_path)
    )
    parents = [run for run in runs(tmp_path) if run[1] == "parent"]
    assert [status for _, _, status, *_ in parents] == ["FINISHED"] * 2
    assert parents[0][5]["structure.f1"] == parents[1][5]["structure.f1"] == bare["structure"]["f1"]


def test_a_model_that_gives_no_number_for_an_rna_is_named_and_counts_zero_there(tmp_path, announce, monkeypatch):
    from rnaexp import models
    from rnaexp.reading.store import Store
    from rnaexp.structure.protocol import Scoring
    from rnaexp.tasks.pairs.record import per_rna
    from rnaexp.tasks.pairs.result import Task
    from rnaexp.tasks.pairs.run import run_structure

    toy = models.load("planted")
    real = type(toy).raw_layer

    def broken(self, rna, layer):
        maps = real(self, rna, layer)
        if rna.id == "t1" and layer == 2:
            maps[3, 4, 5] = float("nan")
        return maps

    monkeypatch.setattr(type(toy), "raw_layer", broken)
    sets = [str(write_set(tmp_path / f"{name}.fa", seed, 4, name)) for seed, name in ((1, "v"), (2, "t"))]
    task = Task(model="planted", validation=sets[0], test=sets[1], scoring=Scoring(), related="keep")
    result = run_structure(task, Store(tmp_path / "store"), announce, toy)
    failed = [one for one in result.skipped if one.failed]
    assert [one.id for one in failed] == ["t1"]
    assert "layer 2 head 3" in failed[0].reason
    f1 = result.evaluation.per_rna.set_index("rna")["f1"]
    assert (f1["t1"], set(f1.index)) == (0, {"t0", "t1", "t2", "t3"})
    assert result.evaluation.f1.mean == pytest.approx(f1[["t0", "t2", "t3"]].sum() / 4)
    shown = per_rna(result).set_index("rna").loc["t1"]
    assert (shown["status"], "layer 2 head 3" in shown["reason"]) == ("failed", True)
    assert result.coverage == pytest.approx(0.75)


def test_an_rna_longer_than_the_model_reads_is_skipped_with_its_reason(tmp_path, announce):
    from rnaexp import models
    from rnaexp.errors import TooLongError
    from rnaexp.reading.store import Store
    from rnaexp.structure.protocol import Scoring
    from rnaexp.tasks.pairs.result import Task
    from rnaexp.tasks.pairs.run import run_structure

    toy = models.load("planted")

    def check(rna):
        if rna.id == "t2":
            message = f"{rna.id}: {len(rna)} bases; planted reads at most 10"
            raise TooLongError(message)

    toy.check = check
    sets = [str(write_set(tmp_path / f"{name}.fa", seed, 4, name)) for seed, name in ((1, "v"), (2, "t"))]
    task = Task(model="planted", validation=sets[0], test=sets[1], scoring=Scoring(), related="keep")
    result = run_structure(task, Store(tmp_path / "store"), announce, toy)
    assert [(one.id, one.failed) for one in result.skipped] == [("t2", False)]
    assert "at most 10" in result.skipped[0].reason
