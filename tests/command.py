"""The program as a user runs it: a process of its own, in a folder of its own."""

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

from rnaexp.__main__ import _run

COMMAND = (sys.executable, "-m", "rnaexp")


def environment(**more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "RNAEXP_STORE"))}
    return kept | {"OMP_NUM_THREADS": "1"} | {key: str(value) for key, value in more.items()}


def rnaexp(*words, cwd, timeout=300, **variables):
    return subprocess.run(
        [*COMMAND, *map(str, words)],
        cwd=cwd,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def inside(*words, cwd, **variables):
    """As `rnaexp`, in this process: what takes ten seconds to import is imported once."""
    out, err = io.StringIO(), io.StringIO()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "RNAEXP_STORE"))} | variables
    with (
        mock.patch.dict(os.environ, kept, clear=True),
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = _run([str(word) for word in words])
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def start(*words, cwd, **variables):
    return subprocess.Popen(
        [*COMMAND, *map(str, words)],
        cwd=cwd,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(done):
    assert done.returncode == 0, done.stderr
    lines = done.stdout.strip().splitlines()
    assert len(lines) == 1, "one JSON object and nothing else on stdout"
    return json.loads(lines[0])


def runs(folder):
    """(name, kind, status) of every run in the folder's tracking store."""
    code = (
        "import json, mlflow\n"
        "from mlflow import MlflowClient\n"
        "from rnaexp.track.store import connect\n"
        "found = MlflowClient(tracking_uri='sqlite:///mlflow.db').search_runs([connect()])\n"
        "print(json.dumps([(r.info.run_name, r.data.tags.get('rnaexp.kind'), r.info.status, r.info.run_id,"
        " r.data.params, r.data.metrics) for r in found]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment(), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def entries(store: Path):
    """Every stored result with the moment it was written."""
    return {path.name: path.stat().st_mtime_ns for path in (store / "results").rglob("*") if path.is_file()}
