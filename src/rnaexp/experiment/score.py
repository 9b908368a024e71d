"""`rnaexp score`: another tool's pairs, maps or vectors stand in for a model."""

from dataclasses import dataclass, replace
from pathlib import Path

from rnaexp import models
from rnaexp.classify.controls import CONTROLS
from rnaexp.data.stored_vectors import read_vectors
from rnaexp.errors import InputError
from rnaexp.experiment import verbs
from rnaexp.experiment.conclude import Output
from rnaexp.experiment.runner import Labels
from rnaexp.models.files import FileEncoder, load_maps, load_pairs
from rnaexp.reading.left_out import list_left_out
from rnaexp.structure.heads import untuned_head
from rnaexp.tasks.contacts.settings import completed
from rnaexp.tasks.families.job import FamiliesJob
from rnaexp.tasks.families.settings import ClassifyTask, protocol
from rnaexp.tasks.pairs.settings import ScoreSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Where a tool's pairs, or its maps, are: a folder with a file an RNA, named by its id and `suffix`."""

    pairs: Path | None = None
    maps: Path | None = None
    heads_per_layer: int = 0
    suffix: str = ""

    @property
    def folder(self) -> Path:
        """Raises: InputError unless one of the two is given."""
        found = [folder for folder in (self.pairs, self.maps) if folder is not None]
        if len(found) != 1:
            message = "give either --pairs or --maps"
            raise InputError(message)
        return found[0]

    def load(self, name: str) -> FileEncoder:
        """Raises: InputError."""
        folder = self.folder
        if self.pairs is not None:
            return load_pairs(folder, name=name, suffix=self.suffix)
        return load_maps(folder, name=name, heads_per_layer=self.heads_per_layer or None, suffix=self.suffix)


def score(name: str, settings: ScoreSettings, files: Files, labels: Labels, *, json: bool) -> None:
    """Another tool's output as a row: its files stand in for the model.

    An RNA whose file is missing or wrong is left out, and listed in `skipped.csv`.
    Raises: InputError also, if the settings are strict, for such an RNA.
    """
    _refuse_taken(name, models.names())
    encoder = files.load(name)
    task = completed(settings.task(name))
    if encoder.binary and task.validation is None:
        # Pairs without scores leave nothing to tune: every one of them is a call.
        called = untuned_head(name, threshold=0.5, scoring=task.scoring, weights=encoder.fingerprint)
        task = replace(task, tuned=called)
    record = verbs.pairs([task], Output(json=json), encoder=encoder, labels=labels)
    if record is not None and record["skipped"]:
        list_left_out(files.folder, record["skipped"], strict=settings.strict)


def score_vectors(name: str, embeddings: Path, settings: ScoreSettings, labels: Labels, *, json: bool) -> None:
    """A file of vectors on one set with families; they are taken as they are unless a reduction is named.

    Raises: InputError, UnavailableError.
    """
    _refuse_taken(name, (*models.names(), *CONTROLS))
    if not settings.set:
        message = "--embeddings goes with --set, a set with families such as wang-rfam or rfam-500"
        raise InputError(message)
    chosen = protocol(settings.protocol, reduction=settings.reduction, negatives=settings.negatives)
    task = ClassifyTask(model=name, families=settings.set, protocol=chosen, stored=read_vectors(embeddings))
    verbs.families([FamiliesJob(task=task)], Output(json=json), labels)


def _refuse_taken(name: str, known: tuple[str, ...]) -> None:
    if not name.strip() or name in known:
        message = f"--name {name!r}: choose a name that no model of the catalogue has"
        raise InputError(message)
