"""Read the model that is in memory, between two training steps, and leave it and the training as they were."""

import contextlib
import random
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from rnaexp.callbacks import figures
from rnaexp.callbacks.budget import Account, bases_of, levels_of
from rnaexp.callbacks.letters import composition_loss, hidden_letters_loss
from rnaexp.errors import InputError, UnavailableError
from rnaexp.models.spec import Encoder
from rnaexp.models.wrap import wrap
from rnaexp.progress import say, silence
from rnaexp.reading.distributed import exchanged, in_step, training_rank
from rnaexp.reading.loading import Loading
from rnaexp.reading.processes import sharing
from rnaexp.reading.store import Store
from rnaexp.structure.evaluate import Evaluation
from rnaexp.structure.reading import DEPTH
from rnaexp.tasks.families.measure import Classified, classify
from rnaexp.tasks.pairs.deeper import certifying_depth
from rnaexp.tasks.pairs.measure import choose, tune_and_test
from rnaexp.tasks.pairs.sets import sets_of
from rnaexp.tasks.pairs.settings import PairsSettings, Task
from rnaexp.track.training_log import Log


@dataclass(kw_only=True)
class Probe:
    """What a model in training knows of base pairs, of letters and, if wanted, of families.

    `tokenizer`: as of `rnaexp.wrap`. `validation`, `test`: sets of base pairs; at each probe a head and a threshold are
    tuned on the first and tested on the second. `families`: a set with families, or "" for none; `unseen_by`: a model
    whose training families are left out of it. `every`: probe each so
    many steps; 0: at steps 0, 1, 2, 4, 8 and so on. `share`: of the training's time, all probes together (0.02: 2 %);
    `max_seconds`: of one probe. Both are kept by reading fewer RNAs, settled before a probe starts; a step for which
    even the fewest would take too long is passed over. `strict`: a failing probe ends the training; otherwise it is one
    warning and a row without numbers. `log`: into the MLflow run that is open, with the training step as `step`.

    A call reads the weights as they are. It changes nothing of the model, of its training mode or of any random state,
    and keeps no file. The processes of one training (`torch.distributed`) all call it and read a share of the RNAs
    each; all have the figures, and the first logs them.

    >>> import rnaexp.callbacks
    >>> letters = {"A": 5, "C": 6, "G": 7, "U": 8, "before": [2], "after": [3], "pad": 0, "mask": 4}
    >>> probe = rnaexp.callbacks.Probe(letters, every=100, share=0.02)
    >>> [step for step in range(1, 301) if probe.due(step)]
    [100, 200, 300]
    """

    tokenizer: Any = field(kw_only=False)
    validation: str = "builtin-vl"
    test: str = "builtin-ts"
    families: str = ""
    unseen_by: str = ""
    every: int = 0
    share: float = 0.0
    max_seconds: float = 0.0
    strict: bool = False
    log: bool = True
    failed: int = field(default=0, init=False)
    passed_over: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Raises: InputError for a wrong number, or for a set that is none: now, not after a day of training."""
        if self.every < 0:
            message = f"every={self.every}: must be at least 0 (0: at steps 0, 1, 2, 4, 8, ...)"
            raise InputError(message)
        self.cost = Account(share=self.share, most=self.max_seconds)
        self.mlflow = Log()
        self.first: Mapping[str, float] | None = None  # step and figures of the first probe of this training
        self._task = _task("probe", self.validation, self.test)
        self._levels = levels_of(sets_of(self._task))
        self._bases = [bases_of(each) for each in self._levels]
        self._rows: list[dict[str, Any]] = []
        self._controls: dict[tuple[int, str], Evaluation] = {}
        self._words: Classified | None = None
        self._depth = DEPTH

    @property
    def history(self) -> pd.DataFrame:
        """One row a probe: its step, every figure, seconds, and the error of one that failed."""
        return pd.DataFrame(self._rows)

    def due(self, step: int) -> bool:
        """Whether this step is one to probe at."""
        self.cost.begin()
        if self.every:
            return step % self.every == 0
        return step == 0 or step & (step - 1) == 0

    def __call__(self, model: Any, step: int) -> dict[str, float]:
        """The figures at this step, by the names they have in MLflow; empty if the probe failed and is not strict, or
        if the budget does not allow one now."""
        first = training_rank()[0] == 0
        with self.cost.probing():
            try:
                found = self._probed(model)
            except Exception as error:
                if self.strict:
                    raise
                self.failed += 1
                self._rows.append({"step": step, "error": f"{type(error).__name__}: {error}"})
                if first:
                    say(f"the probe at step {step} failed, training goes on: {error}")
                return {}
        if not found:
            self.passed_over += 1
            if first and self.passed_over == 1:
                say(f"the budget allows no probe at step {step} yet; further steps are passed over without a word")
            return {}
        self.first = self.first or {"step": step, **found}
        found |= _finite(figures.untrained(self.first))
        if self.cost.trained > 0 and step:
            found["rnaexp/share_of_training"] = self.cost.used
        self._rows.append({"step": step, **found})
        if self.log and first:
            self.mlflow.into_open_run(found, step)
        return found

    def _probed(self, model: Any) -> dict[str, float]:
        level = self._agreed()
        if level is None:
            return {}
        start = self.cost.clock()
        with _undisturbed(), sharing(), tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder))
            self._control("stems", level, store)  # what is imported and compiled now is no cost of the model's
            found, took = self._measured(model, level, store)
            more = None if self.cost.probes else self._agreed()  # now that it is known what one costs
            if more is not None and more < level:
                level, (found, _) = more, self._measured(model, more, store, took)
        self.cost.probes += 1
        seconds = round(self.cost.clock() - start, 3)
        return {**found, "rnaexp/rnas": float(len(self._levels[level][1].with_pairs)), "rnaexp/seconds": seconds}

    def _agreed(self) -> int | None:
        """How much of the sets the budget allows now: the same in every process."""
        level = self.cost.level(self._bases)
        return level if training_rank()[1] == 1 else exchanged(level)[0]

    def _measured(self, model: Any, level: int, store: Store, took: float = 0.0) -> tuple[dict[str, float], float]:
        """The figures on a part of the sets, and the seconds for its RNAs; `took`: for those that the store has."""
        start = self.cost.clock()
        encoder = in_step(lambda: wrap(_bare(model), self.tokenizer, name="probe"))
        wrapped = self.cost.clock()
        found = self._of_pairs(encoder, level, store)
        rest = took + self.cost.clock() - wrapped
        self.cost.rate = rest / self._bases[level]
        read = self.cost.clock()
        found |= self._of_families(encoder, store)
        self.cost.fixed = wrapped - start + self.cost.clock() - read
        return _finite(found), rest

    def _of_pairs(self, encoder: Encoder, level: int, store: Store) -> figures.Figures:
        sets = self._levels[level]
        how: dict[str, Any] = {"tuning": choose, "depth": self._depth}
        result = tune_and_test(self._task, store, silence, encoder, sets, **how)
        assert result.validation is not None
        # The next probe reads each RNA once: what this one needed, and a little more, for a model that has forgotten.
        needed = certifying_depth(result.validation), certifying_depth(result.test)
        self._depth = max(DEPTH, *(1.2 * each for each in needed))
        named = figures.controls_for(encoder, sets)
        found = figures.of_pairs(result, {name: self._control(name, level, store) for name in named})
        head: Any = self.first or found
        found["rnaexp/pairs/first_head_f1"] = figures.at_head(result, head, store)
        found["rnaexp/letters/loss"] = hidden_letters_loss(encoder, sets[1].rnas)
        if found["rnaexp/letters/loss"] is not None and sets[0] is not None:
            found[f"rnaexp/letters/{figures.WORDS}_loss"] = composition_loss(sets[0].rnas, sets[1].rnas)
        return found

    def _of_families(self, encoder: Encoder, store: Store) -> figures.Figures:
        if not self.families:
            return {}
        given = self.families, self.unseen_by
        self._words = self._words or classify(figures.families_task(figures.WORDS, *given), store, silence)
        return figures.of_families(figures.families_task("probe", *given), store, encoder, self._words)

    def _control(self, name: str, level: int, store: Store) -> Evaluation:
        """On the same RNAs, once."""
        if (level, name) not in self._controls:
            task = _task(name, self.validation, self.test)
            done = tune_and_test(task, store, silence, sets=self._levels[level]).evaluation
            assert done is not None
            self._controls[level, name] = done
        return self._controls[level, name]


def _finite(found: Mapping[str, float | None]) -> dict[str, float]:
    return {name: float(value) for name, value in found.items() if value is not None and np.isfinite(value)}


def _bare(model: Any) -> Any:
    """The network inside torch.compile's and DistributedDataParallel's wrappers.

    Raises: UnavailableError if each process has only a part of its weights.
    """
    model = getattr(model, "_orig_mod", model)
    model = getattr(model, "module", model)
    weights = model.parameters() if isinstance(model, torch.nn.Module) else ()
    if any(type(each).__name__ in ("DTensor", "FlatParameter") for each in weights):
        message = "its weights are sharded (FSDP), no process has them all; rnaexp watch reads its checkpoints"
        raise UnavailableError(message)
    return model


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


def _task(model: str, validation: str, test: str) -> Task:
    return PairsSettings(validation=validation, test=test, families="none").task(model, Loading())
