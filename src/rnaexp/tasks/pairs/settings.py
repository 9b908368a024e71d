"""A task from the command line's options; nothing here takes time to import: a wrong option is reported at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from rnaexp.choices import LONG_HELP, TOKEN_PAIRS_HELP, Drawing, How, Long, TokenPairs
from rnaexp.classify.protocol import Reduction
from rnaexp.errors import InputError
from rnaexp.reading.loading import Loading
from rnaexp.settings import SettingsBase
from rnaexp.structure.protocol import ReadOut, Scoring, protocol_fields, scoring, squash_of
from rnaexp.track.names import titled

if TYPE_CHECKING:  # what it stands for takes time to import
    from rnaexp.structure.heads import TunedHead

Protocol = Literal["paper", "strict", "authors", "contacts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to do. `validation` None: nothing is tuned, only the oracle is reported (or `tuned` is applied)."""

    model: str
    test: str
    validation: str | None = None
    scoring: Scoring
    score_scale: Literal["raw", "z-score", "top"] = "raw"
    squash: Literal["none", "sigmoid"] = "none"
    alignment: How = "intact"
    related: Literal["drop", "keep"] = "drop"
    long: Long = "skip"
    families: str = ""  # a set with family labels to classify as well; empty: none
    tuned: "TunedHead | None" = None
    loading: Mapping[str, Any] = field(default_factory=dict)  # arguments of `models.load`

    @property
    def title(self) -> str:
        """Of its run: what sets it apart from other runs."""
        how = protocol_fields(self.scoring, ReadOut(score_scale=self.score_scale, squash=self.squash))["name"]
        altered = "" if self.alignment == "intact" else self.alignment
        return titled(self.model, self.test, how, altered)


class PairsSettings(SettingsBase):
    """Settings of the base-pair task; a choice that is left open is as the protocol says."""

    validation: str = Field(
        default="builtin-vl", description="Set to tune on: a name (see `rnaexp data list`), a file or a folder."
    )
    test: str = Field(default="builtin-ts", description="Set to test on: a name, a file or a folder.")
    protocol: Protocol = Field(
        default="paper",
        description="authors: as the released code; contacts: of proteins. The next options override it.",
    )
    min_separation: int = Field(
        default=0, ge=0, description="Smallest distance j - i of a pair; 0: as the protocol says."
    )
    pairs: Literal["all", "canonical"] | None = Field(
        default=None, description="Which pairs count; default: as the protocol says."
    )
    decoder: Literal["none", "greedy"] | None = Field(
        default=None, description="none: every call counts; greedy: one partner a base; default: as the protocol says."
    )
    averaging: Literal["per-rna", "pooled"] | None = Field(
        default=None, description="F1 as the mean over RNAs, or of all pairs pooled; default: as the protocol says."
    )
    match: Literal["exact", "relaxed"] | None = Field(
        default=None, description="relaxed: one of the two bases may be off by one; default: as the protocol says."
    )
    score_scale: Literal["raw", "z-score", "top"] = Field(
        default="raw",
        description="What a threshold means: the score, its z-score in the map, or a number of calls per base.",
    )
    alignment: How = Field(
        default="intact",
        description="How alignments are altered before they are read.",
    )
    related: Literal["drop", "keep"] = Field(
        default="drop", description="Validation RNAs with relatives in the test set."
    )
    families: str = Field(
        default="auto", description="Set of families for the overlap ratio; auto: builtin; none: not measured."
    )
    long: Long = Field(default="skip", description=LONG_HELP)
    token_pairs: TokenPairs = Field(default="mean", description=TOKEN_PAIRS_HELP)

    def task(self, model: str, loading: Loading, tuned: "TunedHead | None" = None) -> Task:
        """One model's task; `tuned`: a head that is applied as it is, under its own protocol.

        Raises: InputError for fields that do not go together, or no model.
        """
        if not model:
            message = "say which model: --model NAME (`rnaexp models` lists them)"
            raise InputError(message)
        try:
            squash = tuned.read_out.squash if tuned else squash_of(self.protocol)
            ReadOut(score_scale=self.score_scale, squash=squash)  # refuses what does not go together
            chosen = tuned.scoring if tuned else scoring(self.protocol, **self._overrides())
        except ValueError as error:
            raise InputError(str(error)) from error
        return Task(
            model=model,
            validation=self.validation or None,
            test=self.test,
            scoring=chosen,
            score_scale=self.score_scale,
            squash=squash,
            alignment=self.alignment,
            related=self.related,
            long=self.long,
            families=families_with(model, self.families),
            tuned=tuned,
            loading=loading.of(model, tuned.read_out.token_pairs if tuned else self.token_pairs),
        )

    def _overrides(self) -> dict[str, Any]:
        fields = ("pairs", "decoder", "averaging", "match")
        return {"min_separation": self.min_separation or None} | {name: getattr(self, name) for name in fields}


class WatchSettings(PairsSettings):
    """Settings for every checkpoint of a training."""

    families: str = Field(default="none", description="Set of families for the overlap ratio; none: not measured.")


class AppliedSettings(SettingsBase):
    """Settings for a head that was tuned before."""

    test: str = Field(default=..., description="Set to test on: a name, a file or a folder.")
    long: Long = Field(default="skip", description=LONG_HELP)
    related: Literal["drop", "keep"] = Field(
        default="drop", description="Test RNAs with relatives among those the head was tuned on."
    )

    def task(self, model: str, loading: Loading, tuned: "TunedHead") -> Task:
        """One model's task. Raises: InputError."""
        settings = PairsSettings(validation="", test=self.test, long=self.long, related=self.related, families="none")
        return settings.task(model, loading, tuned)


class SearchSettings(SettingsBase):
    """Settings of a larger search."""

    validation: str = Field(default="builtin-vl", description="Set to search on: a name, a file or a folder.")
    test: str = Field(default="builtin-ts", description="Set to test on, once.")
    protocol: Literal["paper", "strict", "authors"] = Field(default="paper", description="How pairs are judged.")
    min_separation: int = Field(
        default=0, ge=0, description="Smallest distance j - i of a pair; 0: as the protocol says."
    )
    alignment: How = Field(default="intact", description="How alignments are altered before they are read.")
    trials: int = Field(default=200, ge=1, description="How many configurations Optuna tries.")
    storage: str = Field(
        default="",
        description="Optuna RDB URL that several workers share, such as postgresql://...; empty: studies.db in the "
        "store, where a search is kept when it has ended.",
    )

    def task(self, model: str, loading: Loading) -> Task:
        """One model's task. Raises: InputError."""
        settings = PairsSettings(
            validation=self.validation,
            test=self.test,
            protocol=self.protocol,
            min_separation=self.min_separation,
            alignment=self.alignment,
            families="none",
        )
        return settings.task(model, loading)


class ScoreSettings(SettingsBase):
    """How another tool's output is read and judged."""

    test: str = Field(default="", description="Set to test on: a name, a file or a folder.")
    set: str = Field(default="", description="With --embeddings: the set with families, as in rnaexp classify.")
    reduction: Reduction = Field(default="none", description="With --embeddings; none: the vectors as they are.")
    negatives: Literal["distinct", "per-sequence"] | None = Field(
        default=None, description="With --embeddings and drawn pairs."
    )
    heads_per_layer: int = Field(default=0, ge=0, description="Split [h n n] into layers of so many; 0: one layer.")
    suffix: str = Field(default="", description="What follows the RNA's id in a file's name, before its ending.")
    validation: str = Field(default="", description="Set to tune on; without it only the oracle is known.")
    protocol: Protocol = Field(default="paper", description="How it is judged; for embeddings paper or authors.")
    min_separation: int = Field(
        default=0, ge=0, description="Smallest distance j - i of a pair; 0: as the protocol says."
    )
    related: Literal["drop", "keep"] = Field(
        default="drop", description="Validation RNAs with relatives in the test set."
    )
    strict: bool = Field(
        default=False, description="Exit with an error if any RNA is left out; default: score the others."
    )

    def task(self, name: str) -> Task:
        """The tool's task. Raises: InputError."""
        settings = PairsSettings(
            validation=self.validation,
            test=self.test,
            protocol=self.protocol,
            min_separation=self.min_separation,
            related=self.related,
            families="none",
        )
        return settings.task(name, Loading())


class HeadSettings(SettingsBase):
    """Which tuned head is used."""

    tuned: str = Field(
        default="",
        description="Tuned head: JSON file, MLflow run id, or `shipped` (with rnaexp); default: your newest, "
        "else the shipped one.",
    )
    tune: bool = Field(
        default=False, description="If there is no tuned head, tune one on the built-in validation set first."
    )


class PredictSettings(SettingsBase):
    """What becomes of records that cannot be read as they are, and which structure is drawn."""

    strict: bool = Field(default=False, description="Exit with an error if any record is left out.")
    long: Long = Field(default="skip", description=LONG_HELP)
    pseudoknots: bool = Field(
        default=False, description="Also draw crossing pairs (pseudoknots), found by a second pass."
    )
    fold: bool = Field(
        default=False, description="Draw ViennaRNA's structure, with the model's scores as soft constraints."
    )

    @property
    def drawing(self) -> Drawing:
        """Which structure is drawn."""
        return Drawing(pseudoknots=self.pseudoknots, fold=self.fold)


def families_with(model: str, word: str) -> str:
    """The set to classify as well; the toy's embeddings mean nothing, it is classified only where a set is named."""
    if word == "auto":
        return "" if model == "planted" else "builtin"
    return "" if word == "none" else word
