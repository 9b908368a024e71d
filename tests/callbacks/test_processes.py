"""Two processes of one training read a share each; a process that is killed in a probe logs no step twice."""

import multiprocessing
import os
import signal
import time

import mlflow
import pytest

from rnaexp.callbacks import Probe
from tests.callbacks import processes
from tests.callbacks.test_probe import LETTERS, network
from tests.planted_sets import write_set


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    return {
        "validation": str(write_set(folder / "vl.dbn", 1, 6, "v")),
        "test": str(write_set(folder / "ts.dbn", 2, 7, "t")),
    }


@pytest.fixture(scope="module")
def server():
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["tests.callbacks.processes"])
    return made


def test_two_processes_have_the_figures_of_one_read_half_each_and_the_first_logs(sets, server, tmp_path):
    answers = server.Queue()
    both = [server.Process(target=processes.one_of_two, args=(rank, tmp_path, sets, answers)) for rank in range(2)]
    for each in both:
        each.start()
    told = sorted(answers.get(timeout=300) for _ in both)
    for each in both:
        each.join(60)
    alone = Probe(LETTERS, **sets)(network(), 0)
    same = [name for name in alone if name not in ("rnaexp/seconds", "rnaexp/share_of_training")]
    for _, found, _, _, history, failed, _, shards, total in told:
        assert {name: found[0][name] for name in same} == {name: alone[name] for name in same}
        assert found[1:] == [{}, {}]
        assert failed == 2
        assert ["planted" in str(error) for error in history["error"]] == [False, True, True]
        assert shards == [10.0, 11.0, 12.0]
        assert total == 2.0
    read = [each[2] for each in told]
    ids = {f"v{at}" for at in range(6)} | {f"t{at}" for at in range(7)}
    assert set(read[0]) | set(read[1]) == ids
    assert not set(read[0]) & set(read[1])
    assert min(map(len, read)) >= 6
    assert [each[3] for each in told] == [[0], []]
    assert [each[6] for each in told] == [[0, 2], [1]]


def test_killed_in_a_probe_and_resumed_from_its_checkpoint_it_logs_no_step_twice(sets, server, tmp_path):
    first = server.Process(target=processes.train, args=(tmp_path, sets, True))
    first.start()
    deadline = time.monotonic() + 300
    while not (tmp_path / "inside").exists() and first.is_alive():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.kill(int((tmp_path / "inside").read_text()), signal.SIGKILL)
    first.join(60)
    assert first.exitcode == -signal.SIGKILL
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    run_id = (tmp_path / "run").read_text()
    before = {each.step: each.value for each in client.get_metric_history(run_id, "rnaexp/pairs/f1")}
    assert list(before) == [0, 1, 2, 3, 4], "the figures of step 5 were not there yet"

    second = server.Process(target=processes.train, args=(tmp_path, sets, False))
    second.start()
    second.join(300)
    assert second.exitcode == 0
    assert (tmp_path / "history").read_text() == "4,5,6,7", "step 3 is in the checkpoint, step 4 is done again"
    for name in ("rnaexp/pairs/f1", "rnaexp/letters/loss", "rnaexp/seconds"):
        logged = client.get_metric_history(run_id, name)
        assert [each.step for each in logged] == [0, 1, 2, 3, 4, 5, 6, 7]
    now = {each.step: each.value for each in client.get_metric_history(run_id, "rnaexp/pairs/f1")}
    assert {step: now[step] for step in before} == before
