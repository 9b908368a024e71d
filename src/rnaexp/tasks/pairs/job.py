"""Base pairs of one model as the runner runs them, with the families as well where a set is named."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rnaexp.models import lasting_name
from rnaexp.models.spec import IN_MEMORY, Encoder
from rnaexp.progress import Announce
from rnaexp.reading.large import let_go
from rnaexp.reading.read import read_alone
from rnaexp.reading.store import Store
from rnaexp.tasks.context import Context
from rnaexp.tasks.families.measure import Classified, classify
from rnaexp.tasks.families.record import headline as families_headline
from rnaexp.tasks.families.settings import ClassifyTask
from rnaexp.tasks.families.tracking import record_classification
from rnaexp.tasks.pairs import record as tables
from rnaexp.tasks.pairs.contrasts import Answer, f1_of
from rnaexp.tasks.pairs.result import Result, Task
from rnaexp.tasks.pairs.run import run_structure
from rnaexp.tasks.pairs.sets import unjudged
from rnaexp.tasks.pairs.tracking import record
from rnaexp.track.runs import RunHandle


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsJob:
    """`encoder`: the model, where it is loaded already."""

    task: Task
    encoder: Encoder | None = None

    @property
    def model(self) -> str:
        """Its name."""
        return self.task.model

    @property
    def label(self) -> str:
        """In messages."""
        return self.task.model

    @property
    def title(self) -> str:
        """Of the run: the model, the set, the protocol."""
        return self.task.title

    @property
    def tags(self) -> Mapping[str, object]:
        """None of its own."""
        return {}

    def measure(self, context: Context) -> "PairsOutcome":
        """Tune, freeze, test, and classify families as well.

        Raises: InputError, LeakageError, UnavailableError.
        """
        result = run_structure(self.task, context.store, context.announce, self.encoder)
        families = None
        if self.task.families and result.encoder.spec.output == "attention":
            classifying = ClassifyTask(model=self.model, families=self.task.families, long=self.task.long)
            families = classify(classifying, context.store, context.announce, result.encoder)
        return PairsOutcome(
            result=result,
            of_sets=tuple(unjudged(result)),
            families=families,
            store=context.store,
            announce=context.announce,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsOutcome:
    """All that was found, until it is logged. `of_sets`: notes on the sets themselves."""

    result: Result
    of_sets: tuple[str, ...]
    store: Store
    announce: Announce
    families: Classified | None = None

    @property
    def metrics(self) -> Mapping[str, float | None]:
        """Headline figures."""
        return tables.metrics(self.result)

    @property
    def rows(self) -> pd.DataFrame:
        """One row an RNA."""
        return tables.per_rna(self.result)

    @property
    def notes(self) -> list[str]:
        """Relatives, RNAs read alone or in windows, RNAs without a score."""
        return [*_relatives(self.result), *self.of_sets, *_read(self.result), *_skipped(self.result)]

    def log(self, run: RunHandle) -> None:
        """A tuned head of base pairs is kept in the store as well: the newest is what `predict` uses."""
        result = self.result
        lasting = result.encoder.spec.loader != IN_MEMORY and result.task.scoring.molecule.brackets
        if result.tuned is not None and result.validation is not None and lasting:
            self.store.put_tuned(lasting_name(result.task.model), result.tuned.to_json())
        record(run, result, self.store, self.announce)
        if self.families is not None:
            record_classification(run, self.families, self.store)
        let_go(result.tested)
        let_go(result.test.whole)

    def record(self, run_id: str | None) -> dict[str, Any]:
        """What `--json` prints; with the families' headline figures where they were classified as well."""
        found = tables.as_json(self.result, run_id)
        if self.families is not None:
            found["families"] = families_headline(self.families)
        return found

    def answer(self, record: dict[str, Any]) -> Answer:
        """What is compared with other models: the record, F1 RNA by RNA, and the same of its controls."""
        done, assessed = self.result.evaluation, self.result.assessment
        f1 = None if done is None else f1_of(done)
        same = {"protocol": record["protocol"], "control": True}  # of how k-mers become bases a control knows nothing
        controls = {} if assessed is None else assessed.controls
        of_controls = [Answer(record={**each.record, **same}, f1=f1_of(each.evaluation)) for each in controls.values()]
        return Answer(record=record, f1=f1, controls=tuple(of_controls))


def _relatives(result: Result) -> list[str]:
    if result.related and result.validation is not None:
        done = "were not tuned on" if result.task.related == "drop" else "were tuned on all the same (--related keep)"
        return [
            f"{len(result.related)} {result.task.scoring.molecule.items} of {result.validation.data.name} have "
            f"relatives in {result.test.data.name} and {done}: {', '.join(result.related)}"
        ]
    return []


def _read(result: Result) -> list[str]:
    alone, windowed = read_alone(result.encoder, result.test.rnas, result.test.data.name), tables.windowed(result)
    return [line for line in (alone, windowed and f"{result.test.data.name}: {windowed}") if line]


def _skipped(result: Result) -> list[str]:
    """A line for each reason, with the first three that it holds for."""
    reasons: dict[str, list[str]] = {}
    for one in result.skipped:
        why = f"{'failed' if one.failed else 'skipped'}: {one.reason.removeprefix(one.id + ': ')}"
        reasons.setdefault(why, []).append(one.id)
    return [
        f"{len(ids)} {result.task.scoring.molecule.items} {why} ({', '.join(ids[:3])}{', ...' if len(ids) > 3 else ''})"
        for why, ids in reasons.items()
    ]
