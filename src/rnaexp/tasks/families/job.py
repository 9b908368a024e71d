"""Overlap of families of one model or control as the runner runs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rnaexp import models
from rnaexp.classify.controls import CONTROLS
from rnaexp.errors import InputError
from rnaexp.models.spec import Encoder
from rnaexp.progress import Announce
from rnaexp.reading.processes import is_first_process
from rnaexp.reading.read import unreadable
from rnaexp.reading.store import Store
from rnaexp.tasks.context import Context
from rnaexp.tasks.families import record as tables
from rnaexp.tasks.families.measure import Classified, classify
from rnaexp.tasks.families.protocol_choices import protocol_choices
from rnaexp.tasks.families.representations import cka_figure, compare_layers
from rnaexp.tasks.families.settings import ClassifyTask, has_embedding
from rnaexp.tasks.families.tracking import describe, record_classification
from rnaexp.track.names import safe_name, titled
from rnaexp.track.runs import RunHandle

_SHOWN = 3  # skipped RNAs in one line


@dataclass(frozen=True, slots=True, kw_only=True)
class FamiliesJob:
    """`choices`: also change each choice of the protocol once. `beside`: a model whose layers are compared with it."""

    task: ClassifyTask
    encoder: Encoder | None = None
    choices: bool = False
    beside: str = ""

    @property
    def model(self) -> str:
        """Its name."""
        return self.task.model

    @property
    def label(self) -> str:
        """In messages."""
        return f"{self.task.model} on {self.task.families}"

    @property
    def title(self) -> str:
        """Of the run: the model, the set, the protocol."""
        return titled(self.model, self.task.families, self.task.protocol.name)

    @property
    def tags(self) -> Mapping[str, object]:
        """None of its own."""
        return {}

    def measure(self, context: Context) -> "FamiliesOutcome":
        """Raises: InputError, UnavailableError."""
        if self.encoder is None and self.task.stored is None and not has_embedding(self.model):
            message = f"{self.model} has no embeddings to classify by; choose a language model or a control"
            raise InputError(message)
        if self.beside and not has_embedding(self.beside):
            message = f"--beside {self.beside}: it has no embeddings; choose a language model"
            raise InputError(message)
        result = classify(self.task, context.store, context.announce, self.encoder)
        changed = None
        if self.choices:
            changed = protocol_choices(self.task, context.store, context.announce, result.encoder)
        layers, notes = None, list[str]()
        if self.beside and is_first_process():
            layers, notes = _layers(result, self.beside, context.announce)
        return FamiliesOutcome(
            result=result,
            store=context.store,
            choices=changed,
            beside=self.beside,
            layers=layers,
            further=tuple(notes),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FamiliesOutcome:
    """All that was found, until it is logged."""

    result: Classified
    store: Store
    choices: pd.DataFrame | None
    beside: str
    layers: pd.DataFrame | None
    further: tuple[str, ...]

    @property
    def metrics(self) -> Mapping[str, float | None]:
        """Headline figures."""
        return tables.metrics(self.result)

    @property
    def rows(self) -> pd.DataFrame:
        """One row an RNA that has a vector."""
        rnas = self.result.rnas
        return pd.DataFrame({"rna": [rna.id for rna in rnas], "family": [rna.family for rna in rnas]})

    @property
    def notes(self) -> list[str]:
        """RNAs that are not in the figures, or only in windows."""
        result, found = self.result, list(self.further)
        name = result.data.name
        if result.skipped:
            reasons = "; ".join(f"{one.id}: {one.reason}" for one in result.skipped[:_SHOWN])
            more = ", ..." if len(result.skipped) > _SHOWN else ""
            found.append(f"{len(result.skipped)} RNAs of {name} are not in the figures ({reasons}{more})")
        if windowed := result.windowed:
            found.append(f"{len(windowed)} RNAs of {name} were read in windows ({', '.join(windowed[:_SHOWN])})")
        if result.matched is None:
            found.append(f"no length-matched figures on {name}: {result.unmatched_reason}")
        return found

    def log(self, run: RunHandle) -> None:
        """Headline figures into the model's run, all of it into a child."""
        run.params({"model": self.result.task.model})
        run.describe(describe(self.result))
        record_classification(run, self.result, self.store)
        if self.choices is not None:
            run.table(self.choices, "protocol_choices.csv")
        if self.layers is not None:
            name = f"cka_{safe_name(self.beside)}"
            run.table(self.layers, f"{name}.csv")
            figure = cka_figure(self.layers, self.result.task.model, self.beside, self.result.data.name)
            run.figure(figure, f"{name}.png")

    def record(self, run_id: str | None) -> dict[str, Any]:
        """What `--json` prints."""
        return tables.as_json(self.result, run_id)


def _layers(result: Classified, beside: str, announce: Announce) -> tuple[pd.DataFrame, list[str]]:
    """Every layer of both models compared, and a remark on it.

    Raises: InputError for a control, which has no layers.
    """
    name, encoder = result.task.model, result.encoder
    if encoder is None or name != encoder.spec.name or beside in CONTROLS:
        message = f"--beside compares two models' layers; {name} and {beside} are not both models"
        raise InputError(message)
    other = models.load(**{**result.task.loading, "name": beside, "weights": None, "config": None})
    notes = []
    if apart := sum(bool(unreadable(other, rna)) for rna in result.rnas):
        notes.append(f"{apart} of {len(result.rnas)} RNAs that {beside} cannot read are not compared layer by layer")
    return compare_layers(encoder, other, result.rnas, announce), notes
