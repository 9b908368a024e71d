"""Where a run's data came from, as MLflow asks: `mlflow.data.get_source(run.inputs.dataset_inputs[0]).load()`."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from mlflow.data.dataset_source import DatasetSource

from rnaexp.data.assay_sets import is_named_assay, load_assay
from rnaexp.data.families import Selection, load_families
from rnaexp.data.sets import load_set
from rnaexp.errors import InputError

SOURCE_TYPE = "rnaexp"


class SetSource(DatasetSource):  # type: ignore[misc]
    """A set by its name, found by rnaexp as a run finds it; a file or folder of a user's by its path."""

    def __init__(self, *, name: str, uri: str, sha256: str) -> None:
        self.name, self.uri, self.sha256 = name, uri, sha256

    @staticmethod
    def _get_source_type() -> str:
        return SOURCE_TYPE

    def load(self, **_: Any) -> Any:
        """The set: of RNAs, of families, or of measured variants.

        Raises: InputError where it is not here, or no longer what the run read; UnavailableError.
        """
        found: InputError | None = None
        for read in _readers(self.name):
            try:
                if (data := read(self.name)).sha256 == self.sha256:
                    return data
            except InputError as error:
                found = found or error
        message = f"{self.name}: nothing here under that name has the sha256 {self.sha256[:8]} that the run read"
        raise InputError(message) from found

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return False  # it is made by rnaexp alone

    @classmethod
    def _resolve(cls, raw_source: Any) -> "SetSource":
        message = f"{raw_source!r} is not resolved to a set of rnaexp"
        raise NotImplementedError(message)

    def to_dict(self) -> dict[str, str]:
        """As MLflow keeps it."""
        return {"name": self.name, "uri": self.uri, "sha256": self.sha256}

    @classmethod
    def from_dict(cls, source_dict: Mapping[str, Any]) -> "SetSource":
        """Of what `to_dict` gave."""
        return cls(name=source_dict["name"], uri=source_dict["uri"], sha256=source_dict["sha256"])


def _readers(name: str) -> tuple[Callable[[str], Any], ...]:
    """One name may stand for RNAs and for the families chosen of them: the hash says which was read."""
    if is_named_assay(name):
        return (load_assay,)
    return (partial(load_families, selection=Selection()), load_set)
