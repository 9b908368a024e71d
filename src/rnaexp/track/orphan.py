"""Stop when the `mlflow run` that started us is gone: SIGTERM to it leaves its child running and the run open."""

import os
import signal
import threading
import time
from pathlib import Path

import psutil


def watch_parent(every_seconds: float = 1.0) -> threading.Thread | None:
    """Under `mlflow run` (MLFLOW_RUN_ID is set): send ourselves SIGTERM once that process has ended.

    Call before the first run is opened, which takes MLFLOW_RUN_ID out of the environment.
    """
    if "MLFLOW_RUN_ID" not in os.environ:
        return None
    launcher = _launcher(psutil.Process().parents())
    watch = threading.Thread(target=_watch, args=(launcher, every_seconds), name="orphan-watch", daemon=True)
    watch.start()
    return watch


def _launcher(ancestors: list[psutil.Process]) -> psutil.Process | None:
    """The nearest ancestor that is MLflow, past any shell between; else whoever started that shell.

    None if we are orphans already.
    """
    found = next((process for process in ancestors if _is_mlflow(process)), None)
    if found is None:
        found = next((process for process in ancestors if not _is_shell(process)), None)
    return None if found is None or found.pid == 1 else found


def _is_mlflow(process: psutil.Process) -> bool:
    return any(Path(word).name == "mlflow" for word in _command(process)[:4])


def _is_shell(process: psutil.Process) -> bool:
    return Path((_command(process) or [""])[0]).name in ("bash", "sh", "dash", "zsh")


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def _watch(launcher: psutil.Process | None, every_seconds: float) -> None:
    while launcher is not None and _lives(launcher):
        time.sleep(every_seconds)
    os.kill(os.getpid(), signal.SIGTERM)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
