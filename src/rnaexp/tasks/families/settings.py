"""What is asked of the families task; nothing here takes time to import: a wrong word is said at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rnaexp import models
from rnaexp.classify.controls import CONTROLS
from rnaexp.classify.protocol import EmbeddingProtocol, embedding_protocol
from rnaexp.errors import InputError
from rnaexp.models.choices import Long

if TYPE_CHECKING:
    from rnaexp.classify.measure import Design
    from rnaexp.data.stored_vectors import StoredVectors

SHUFFLED = "shuffled:"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifyTask:
    """Which model or control on which set. `loading`: arguments of `models.load`."""

    model: str
    families: str
    protocol: EmbeddingProtocol = field(default_factory=EmbeddingProtocol)
    loading: Mapping[str, Any] = field(default_factory=dict)
    design: "Design | None" = None  # how much is resampled, the usual without it
    long: Long = "skip"  # what becomes of RNAs longer than the model reads
    stored: "StoredVectors | None" = None  # the model's vectors from a file, instead of the model


def has_embedding(name: str) -> bool:
    """Whether a model of the catalogue can be asked for embeddings; baselines of pairs cannot."""
    return name in CONTROLS or models.spec(name.removeprefix(SHUFFLED)).output == "attention"


def protocol(name: str = "paper", **fields: Any) -> EmbeddingProtocol:
    """A protocol from the words of the command line; "" or 0 leaves the ready-made protocol's own value.

    Raises: InputError for a value that is not allowed.
    """
    try:
        return embedding_protocol(name, **{field: value or None for field, value in fields.items()})
    except ValueError as error:
        raise InputError(str(error)) from error
