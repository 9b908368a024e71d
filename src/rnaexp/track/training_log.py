"""A probe's figures into MLflow: each step once, and no server that hangs or fails stops a training."""

import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLateError
from typing import Any

from rnaexp.progress import say

PATIENCE = 30.0  # seconds that a training waits for MLflow, until it has answered again
_KEY = "rnaexp/seconds"  # every probe has it


class Log:
    """What was logged into which run. What MLflow has not taken in time is sent in the background."""

    def __init__(self) -> None:
        self.failed = 0
        self._steps: dict[str, set[int]] = {}
        self._worker: ThreadPoolExecutor | None = None
        self._late: Future[None] | None = None

    def into_open_run(self, figures: Mapping[str, float], step: int) -> None:
        """Into the run that is open in this process, if there is one."""
        mlflow = sys.modules.get("mlflow")
        run = None if mlflow is None else mlflow.active_run()
        if mlflow is not None and run is not None:
            self.into(mlflow.MlflowClient(), run.info.run_id, figures, step)

    def into(self, client: Any, run_id: str, figures: Mapping[str, float], step: int) -> None:
        """Into this run, unless it has the step: a training that was killed does its last steps again."""
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, "rnaexp probe")
        sent = self._worker.submit(self._send, client, run_id, figures, step)
        try:
            sent.result(PATIENCE if self._late is None or self._late.done() else 0)
        except TooLateError:
            self._late = sent
            sent.add_done_callback(lambda done: self._count(done, step))
            say(f"MLflow has not taken step {step} in time; training goes on, it is sent in the background")
        except Exception:
            self._count(sent, step)

    def _send(self, client: Any, run_id: str, figures: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric
        from mlflow.utils.time import get_current_time_millis

        if run_id not in self._steps:
            self._steps[run_id] = {each.step for each in client.get_metric_history(run_id, _KEY)}
        if step in self._steps[run_id]:
            return
        now = get_current_time_millis()
        client.log_batch(run_id, [Metric(name, value, now, step) for name, value in figures.items()])
        self._steps[run_id].add(step)

    def _count(self, done: Future[None], step: int) -> None:
        if (error := done.exception()) is not None:
            self.failed += 1
            say(f"MLflow did not take step {step}, training goes on: {error}")
