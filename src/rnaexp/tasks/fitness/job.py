"""Fitness of one model or baseline as the runner runs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from rnaexp.models.spec import Encoder
from rnaexp.tasks.context import Context
from rnaexp.tasks.fitness import record as tables
from rnaexp.tasks.fitness.measure import Fitness, measure_fitness
from rnaexp.tasks.fitness.settings import FitnessTask
from rnaexp.tasks.fitness.tracking import record_fitness
from rnaexp.track.names import titled
from rnaexp.track.runs import RunHandle


@dataclass(frozen=True, slots=True, kw_only=True)
class FitnessJob:
    """`encoder`: the model, where it is loaded already."""

    task: FitnessTask
    encoder: Encoder | None = None

    @property
    def model(self) -> str:
        """Its name."""
        return self.task.model

    @property
    def label(self) -> str:
        """In messages."""
        return f"{self.task.model} on {self.task.assay}"

    @property
    def title(self) -> str:
        """Of the run: the model, the set, the protocol."""
        return titled(self.model, self.task.assay, self.task.convention or "fitness")

    @property
    def tags(self) -> Mapping[str, object]:
        """None of its own."""
        return {}

    def measure(self, context: Context) -> "FitnessOutcome":
        """Raises: InputError, UnavailableError."""
        announce = partial(context.announce, unit="variants")
        return FitnessOutcome(result=measure_fitness(self.task, context.store, announce, self.encoder))


@dataclass(frozen=True, slots=True, kw_only=True)
class FitnessOutcome:
    """All that was found, until it is logged."""

    result: Fitness

    @property
    def metrics(self) -> Mapping[str, float | None]:
        """Headline figures."""
        return tables.metrics(self.result)

    @property
    def rows(self) -> pd.DataFrame:
        """One row a variant."""
        result = self.result
        rows = pd.DataFrame({"sequence": [each.sequence for each in result.assay.mutants]})
        rows["measured"], rows["score"], rows["skipped"] = result.measured, result.scores, result.reasons
        return rows

    @property
    def notes(self) -> list[str]:
        """Caveats of the assay, and the diagnosis."""
        result = self.result
        where = f"{result.judged.name} on {result.assay.name}, {result.convention}"
        return [f"{where}: {line}" for line in (*result.assay.caveats, *tables.diagnose(result))]

    def log(self, run: RunHandle) -> None:
        """Headline figures into the model's run, all of it into a child."""
        record_fitness(run, self.result)

    def record(self, run_id: str | None) -> dict[str, Any]:
        """What `--json` prints."""
        return tables.as_json(self.result, run_id)
