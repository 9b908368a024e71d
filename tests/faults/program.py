"""The program in processes of its own that start in a hundredth of a second: forked after its imports, then `main`."""

import importlib
import multiprocessing
import os
import sys
import time
from pathlib import Path

_MODULES = (
    "rnaexp.experiment.verbs",
    "rnaexp.track.outbox",
    "rnaexp.track.push",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.artifact.local_artifact_repo",
    "matplotlib.pyplot",
    "RNA",
)
_DAY = 24 * 3600
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.faults.preloaded"])


def preload():
    """In the process that forks, once."""
    for name in _MODULES:
        importlib.import_module(name)


def program(words, folder, environment, at):
    """In the forked process: what `rnaexp WORDS` does there; its streams are files."""
    from rnaexp.__main__ import main

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(at / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, number)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
    sys.argv = ["rnaexp", *words]
    if jump := os.environ.get("TEST_CLOCK_JUMPS"):
        _jumping_clock(Path(jump))
    main()


def _jumping_clock(back):
    """The clock of this process goes back a day as soon as the file is there. The machine's own is left alone."""
    real, real_ns = time.time, time.time_ns
    time.time = lambda: real() - (_DAY if back.exists() else 0)
    time.time_ns = lambda: real_ns() - (_DAY * 10**9 if back.exists() else 0)


class Program:
    """A process of the program that runs; `wait` gives its exit code."""

    def __init__(self, words, folder, environment, at):
        at.mkdir(parents=True, exist_ok=True)
        self.at = at
        self._process = _PROCESSES.Process(target=program, args=(words, folder, environment, at))
        self._process.start()
        self.pid = self._process.pid

    @property
    def runs(self):
        return self._process.is_alive()

    def send(self, number):
        os.kill(self.pid, number)

    def wait(self, seconds=300):
        self._process.join(seconds)
        assert not self._process.is_alive(), f"still runs: {self.said}"
        code = self._process.exitcode
        return 128 - code if code < 0 else code  # as a shell says it: 137 of SIGKILL

    @property
    def answered(self):
        return (self.at / "stdout").read_text() if (self.at / "stdout").exists() else ""

    @property
    def said(self):
        return (self.at / "stderr").read_text() if (self.at / "stderr").exists() else ""
