"""Read the model that is in memory, between two training steps, and leave it and the training as they were."""

import contextlib
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from rnaexp.errors import InputError, UnavailableError
from rnaexp.models.spec import Encoder, LetterModel
from rnaexp.models.wrap import wrap
from rnaexp.progress import say, silence
from rnaexp.reading.loading import Loading
from rnaexp.reading.store import Store
from rnaexp.rna import Rna
from rnaexp.tasks.families.measure import classify
from rnaexp.tasks.families.settings import ClassifyTask
from rnaexp.tasks.pairs.measure import tune_and_test
from rnaexp.tasks.pairs.sets import sets_of
from rnaexp.tasks.pairs.settings import PairsSettings, Task

_HIDDEN = 0.15  # share of the letters of each test RNA that are hidden, always the same ones
_CONTROL = "stems"  # complementary stacks, nothing learned: its line stands beside the model's


class Probe:
    """What a model in training knows of base pairs, of letters and, if asked, of families.

    `tokenizer`: as of `rnaexp.wrap`. `validation`, `test`: sets of base pairs; at each probe a head and a threshold are
    tuned on the first and tested on the second. `families`: a set with families, or "" for none. `every`: probe each so
    many steps; 0: at steps 0, 1, 2, 4, 8 and so on. `strict`: a failing probe ends the training; otherwise it is one
    warning and a row without numbers. `log`: into the MLflow run that is open, with the training step as `step`.

    A call reads the weights as they are. It changes nothing of the model, of its training mode or of any random state,
    and keeps no file.

    >>> import rnaexp.callbacks
    >>> letters = {"A": 5, "C": 6, "G": 7, "U": 8, "before": [2], "after": [3], "pad": 0, "mask": 4}
    >>> probe = rnaexp.callbacks.Probe(letters, every=100)
    >>> [step for step in range(1, 301) if probe.due(step)]
    [100, 200, 300]
    """

    def __init__(
        self,
        tokenizer: Any,
        *,
        validation: str = "builtin-vl",
        test: str = "builtin-ts",
        families: str = "",
        every: int = 0,
        strict: bool = False,
        log: bool = True,
    ) -> None:
        if every < 0:
            message = f"every={every}: must be at least 0 (0: at steps 0, 1, 2, 4, 8, ...)"
            raise InputError(message)
        self.tokenizer, self.families, self.every, self.strict, self.log = tokenizer, families, every, strict, log
        self.failed = 0
        self._task = _task("probe", validation, test)
        self._sets = sets_of(self._task)  # a wrong name ends here, not after a day of training
        self._rows: list[dict[str, Any]] = []
        self._control: float | None = None

    @property
    def history(self) -> pd.DataFrame:
        """One row a probe: its step, every figure, seconds, and the error of one that failed."""
        return pd.DataFrame(self._rows)

    def due(self, step: int) -> bool:
        """Whether this step is one to probe at."""
        if self.every:
            return step % self.every == 0
        return step == 0 or step & (step - 1) == 0

    def __call__(self, model: Any, step: int) -> dict[str, float]:
        """The figures at this step, by the names they have in MLflow; empty if the probe failed and is not strict."""
        start = time.monotonic()
        try:
            if int(os.environ.get("WORLD_SIZE", "1")) > 1:
                message = "training in several processes is not probed yet: probe a checkpoint with rnaexp run"
                raise UnavailableError(message)
            with _undisturbed(), tempfile.TemporaryDirectory() as folder:
                found = self._figures(wrap(_bare(model), self.tokenizer, name="probe"), Store(Path(folder)))
        except Exception as error:
            if self.strict:
                raise
            self.failed += 1
            self._rows.append({"step": step, "error": f"{type(error).__name__}: {error}"})
            say(f"the probe at step {step} failed, training goes on: {error}")
            return {}
        found["rnaexp/seconds"] = round(time.monotonic() - start, 3)
        self._rows.append({"step": step, **found})
        if self.log:
            _into_open_run(found, step)
        return found

    def _figures(self, encoder: Encoder, store: Store) -> dict[str, float]:
        result = tune_and_test(self._task, store, silence, encoder, self._sets)
        done, tuned = result.evaluation, result.tuned
        assert done is not None
        assert tuned is not None
        found = {
            "rnaexp/pairs/f1": done.f1.mean,
            "rnaexp/pairs/f1_low": done.f1.low,
            "rnaexp/pairs/f1_high": done.f1.high,
            "rnaexp/pairs/p_at_n": done.p_at_n,
            "rnaexp/pairs/oracle_f1": result.oracle.f1.mean,
            "rnaexp/pairs/layer": float(tuned.layer),
            "rnaexp/pairs/head": float(tuned.head),
            f"rnaexp/pairs/{_CONTROL}_f1": self._control_f1(store),
            "rnaexp/letters/loss": hidden_letters_loss(encoder, self._sets[1].rnas),
        }
        if self.families:
            measured = classify(ClassifyTask(model="probe", families=self.families), store, silence, encoder)
            estimator = measured.task.protocol.estimator
            found["rnaexp/families/overlap_ratio"] = measured.every.overlaps[estimator]
            found["rnaexp/families/auroc"] = measured.every.auroc.value
        return {name: float(value) for name, value in found.items() if value is not None and np.isfinite(value)}

    def _control_f1(self, store: Store) -> float:
        """Of the control on the same RNAs, once."""
        if self._control is None:
            control = _task(_CONTROL, self._task.validation or "", self._task.test)
            done = tune_and_test(control, store, silence, sets=self._sets).evaluation
            self._control = float("nan") if done is None else done.f1.mean
        return self._control


def hidden_letters_loss(encoder: Encoder, rnas: Any) -> float | None:
    """Mean negative log-probability (nats) of hidden letters, the same ones at every call; None without letters."""
    if not isinstance(encoder, LetterModel):
        return None
    losses: list[float] = []
    for rna in rnas:
        hidden = _hidden(rna)
        try:
            encoder.check(rna)
            table = encoder.predict_letters([rna], [hidden])[0]
        except (UnavailableError, InputError):
            continue
        losses += [-float(table[at, "ACGU".index(rna.sequence[at])]) for at in hidden]
    return float(np.mean(losses)) if losses else None


def _hidden(rna: Rna) -> list[int]:
    known = [at for at, letter in enumerate(rna.sequence) if letter != "N"]
    count = max(1, round(_HIDDEN * len(known)))
    return sorted(random.Random(rna.sequence).sample(known, min(count, len(known))))


def _bare(model: Any) -> Any:
    """The network inside torch.compile's and DistributedDataParallel's wrappers."""
    model = getattr(model, "_orig_mod", model)
    return getattr(model, "module", model)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Random states and autocast as if nothing had happened in between."""
    python, numpy_state = random.getstate(), np.random.get_state()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        with torch.random.fork_rng(range(torch.cuda.device_count())), torch.autocast(device, enabled=False):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy_state)


def _into_open_run(found: dict[str, float], step: int) -> None:
    mlflow = sys.modules.get("mlflow")
    if mlflow is not None and mlflow.active_run() is not None:
        mlflow.log_metrics(found, step=step)


def _task(model: str, validation: str, test: str) -> Task:
    return PairsSettings(validation=validation, test=test, families="none").task(model, Loading())
