"""Settings of the families task; nothing here takes time to import, so a wrong option is reported at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from rnaexp.choices import Long
from rnaexp.classify.protocol import EmbeddingProtocol, Estimator, Pooling, Reduction, Unit, embedding_protocol
from rnaexp.errors import InputError
from rnaexp.reading.loading import Loading
from rnaexp.settings import SettingsBase

if TYPE_CHECKING:
    from rnaexp.classify.measure import Design
    from rnaexp.data.stored_vectors import StoredVectors

LONG_HELP = (
    "RNAs longer than the model reads: left out and counted, read in overlapping parts (each base's vector is the "
    "mean over the parts that hold it), or an error."
)


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
    """Whether a model of the catalogue has embeddings; baselines of pairs cannot."""
    from rnaexp import models
    from rnaexp.classify.controls import CONTROLS

    return name in CONTROLS or models.spec(name.removeprefix(models.SHUFFLED)).output == "attention"


class FamiliesSettings(SettingsBase):
    """Settings of the families task; a choice that is left open is as the protocol says."""

    set: str = Field(
        default="builtin",
        description="rfam-500, rfam-seed, archiveii, builtin, a Stockholm file (a block a family) or a folder (a file "
        "a family).",
    )
    protocol: Literal["paper", "authors"] = Field(
        default="paper", description="authors: released code. The next options override its fields."
    )
    pooling: Pooling | None = Field(default=None, description="How the vectors of an RNA's bases become one.")
    reduction: Reduction | None = Field(default=None, description="Of the pooled vector.")
    constant: Literal["keep", "drop"] | None = Field(default=None, description="What becomes of the zero frequency.")
    centring: Literal["none", "mean"] | None = Field(default=None, description="mean: subtract the set's mean vector.")
    axes: Literal["natural", "permuted"] | None = Field(default=None, description="Whether their order counts.")
    estimator: Estimator | None = Field(default=None, description="Of the headline; all are reported.")
    bins: int = Field(default=0, ge=0, description="Of the histogram.")
    special_tokens: Literal["cut", "kept"] | None = Field(
        default=None, description="kept: pool the model's tokens, its own included."
    )
    unit: Unit | None = Field(default=None, description="Of the headline: area, or iou (intersection over union).")
    pairs: str = Field(default="", description="all, or drawn-N: N of each class drawn as well.")
    negatives: Literal["distinct", "per-sequence"] | None = Field(
        default=None, description="Of drawn pairs: of two families, or of two sequences, whose family may be one."
    )
    repetitions: int = Field(default=0, ge=0, description="Of the drawing.")
    selection: Literal["unlike", "all"] | None = Field(
        default=None, description="unlike (the next three count) or all of the set's RNAs."
    )
    members: int = Field(default=0, ge=0, description="RNAs a family at most.")
    identity: float = Field(default=0.0, ge=0, description="Members at least this alike to a chosen one are left out.")
    max_bases: int = Field(default=0, ge=0, description="Longer RNAs are left out.")
    alignments: Literal["none", "own"] | None = Field(
        default=None, description="What a model of alignments reads: the RNA alone, or its family's own alignment."
    )
    unseen_by: str = Field(
        default="",
        description="Leave out families this model was trained on; auto: the model itself, where they are listed; "
        "none.",
    )
    below_identity: float = Field(
        default=0.0, ge=0, description="Also measure homologs less alike than this apart, e.g. 0.6; 0: do not."
    )
    long: Long = Field(default="skip", description=LONG_HELP)

    def task(self, model: str, loading: Loading) -> ClassifyTask:
        """One model's task. Raises: InputError for fields that do not go together."""
        overrides = {field: getattr(self, field) for field in type(self).model_fields if field not in _NOT_OF_PROTOCOL}
        return ClassifyTask(
            model=model,
            families=self.set,
            protocol=protocol(self.protocol, seed=loading.seed, **overrides),
            loading=loading.of(model),
            long=self.long,
        )


class EmbedSettings(SettingsBase):
    """How one's own RNAs become vectors."""

    pooling: Pooling = Field(default="mean", description="How the vectors of an RNA's bases become one.")
    reduction: Literal["fft-magnitude", "fft-resample", "random-projection"] = Field(
        default="fft-magnitude", description="Of the pooled vector."
    )
    tokens: int = Field(default=8192, ge=1, description="Bases in one batch, padding included.")
    strict: bool = Field(default=False, description="Exit with an error if any record is left out.")
    long: Long = Field(default="skip", description=LONG_HELP)
    shard: str = Field(
        default="",
        description="i/n: only every n-th part of 1,024 RNAs, starting with the i-th (1..n), into the store; "
        "merge: the file of what is in the store, or an error if a part is missing.",
    )


_NOT_OF_PROTOCOL = ("set", "protocol", "long")


def protocol(name: str = "paper", **fields: Any) -> EmbeddingProtocol:
    """A protocol from the words of the command line; "" or 0 leaves the ready-made protocol's own value.

    Raises: InputError for a value that is not allowed.
    """
    try:
        return embedding_protocol(name, **{field: value or None for field, value in fields.items()})
    except ValueError as error:
        raise InputError(str(error)) from error
