"""Settings of the fitness task; nothing here takes time to import, so a wrong option is reported at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from pydantic import Field

from rnaexp.choices import Convention, Direction, Long
from rnaexp.data.table_layout import TableLayout
from rnaexp.errors import InputError
from rnaexp.reading.loading import Loading
from rnaexp.settings import SettingsBase

if TYPE_CHECKING:
    from rnaexp.data.suites import Member


@dataclass(frozen=True, slots=True, kw_only=True)
class FitnessTask:
    """Which model or baseline on which assay; `suite`, `category`: where it is one of several.

    `convention` "": masked-marginal, pseudo-likelihood where no wild type is known, left-to-right of a decoder.
    `sample`: so many variants, drawn by `seed`; 0: all. `alignment`: a file whose first row is the wild type.
    `layout`: of a user's table. `long`: a variant longer than the model reads is left out, or an error. `strict`: a
    row that cannot be read is an error; else it is left out and listed, unless
    `silent`: another model's task has listed it.
    `loading`: for `models.load`.
    """

    model: str
    assay: str
    suite: str = ""
    category: str = ""
    convention: str = ""
    sample: int = 0
    seed: int = 0
    alignment: str = ""
    wild_type: str = ""
    direction: Direction | None = None
    layout: TableLayout = field(default_factory=TableLayout)
    long: Long = "skip"
    strict: bool = False
    silent: bool = False
    loading: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = get_args(Convention)
        if self.convention not in ("", *known):
            message = f"--convention {self.convention!r}: must be {', '.join(known[:-1])} or {known[-1]}"
            raise InputError(message)
        if self.direction not in (None, "higher", "lower"):
            message = f"--direction {self.direction!r}: must be higher or lower (which scores are fitter)"
            raise InputError(message)
        if self.sample < 0:
            message = f"--sample {self.sample}: must be at least 0 (all)"
            raise InputError(message)
        if self.long == "window":
            message = "--long window: a likelihood is that of a whole sequence; choose skip or error"
            raise InputError(message)


class FitnessSettings(SettingsBase):
    """Settings of the fitness task: an assay, how its table is laid out, and how variants are scored."""

    set: str = Field(
        ...,
        description="dms_trna, dms_f1u, or a CSV, TSV or JSON-lines file: score (or DMS_score) and sequence, or score "
        "and mutant (A1G, A1G:C2U) or hgvs_nt (n.1A>G) with --wild-type. Several assays in one table: the suite "
        "nabench-rna, or a folder of such files with a sheet (--sheet).",
    )
    sheet: str = Field(
        default="",
        description="A table with DMS_ID and RNA_TYPE, which names a folder's assays and their categories, as RNAGym's "
        "and NABench's do; without it, the one that lies in the folder.",
    )
    category: list[str] = Field(default=[], description="Only a suite's assays of this category; again for another.")
    convention: Convention | None = Field(
        default=None,
        description="Which sites are hidden when a letter is read: none, each mutated one in the wild type (RNAGym's "
        "wt-fill), each in the variant (its mut-fill), all mutated ones together (mask-fill), each letter's in its own "
        "sequence (match-fill), every site of the variant in turn; or, for decoders, from left to right. Default: "
        "masked-marginal; pseudo-likelihood where no wild type is known; left-to-right for a decoder.",
    )
    wild_type: str = Field(default="", description="A sequence or a FASTA file, instead of the table's column.")
    offset: int | None = Field(
        default=None,
        description="Number of the first base in the table; else 0 or 1, as the letters say.",
    )
    score_column: str = Field(default="", description="Column of the measured scores.")
    mutant_column: str = Field(default="", description="Column of the mutations.")
    sequence_column: str = Field(default="", description="Column of the variants' sequences.")
    direction: Direction | None = Field(default=None, description="Which scores of a file are fitter; else higher.")
    alignment: str = Field(
        default="",
        description="A2M, A3M or Stockholm, first row the wild type (`rnaexp msa`): for models that read alignments, "
        "and the baselines conservation and potts. Of a folder, each assay takes the file whose first row is its wild "
        "type.",
    )
    sample: int = Field(default=0, ge=0, description="So many variants, drawn by the seed; 0: all.")
    long: Literal["skip", "error"] = Field(default="skip", description="Variants longer than the model reads.")
    strict: bool = Field(default=False, description="End with an error if any row is left out.")

    @property
    def layout(self) -> TableLayout:
        """Of the user's table."""
        return TableLayout(
            score_column=self.score_column,
            mutant_column=self.mutant_column,
            sequence_column=self.sequence_column,
            first=self.offset,
        )

    @property
    def members(self) -> "tuple[Member, ...]":
        """The assays that are meant. Raises: InputError (see `suites.members`)."""
        from rnaexp.data.suites import members  # what it imports takes a second, and --help needs none of it

        return members(self.set, sheet=self.sheet, categories=self.category)

    def tasks(self, model: str, loading: Loading, *, silent: bool = False) -> tuple[FitnessTask, ...]:
        """One model's tasks, one for each assay; `silent`: what is wrong with the tables has been reported."""
        return tuple(self._task(model, member, loading, silent=silent) for member in self.members)

    def _task(self, model: str, member: "Member", loading: Loading, *, silent: bool) -> FitnessTask:
        return FitnessTask(
            model=model,
            assay=member.assay,
            suite=member.suite,
            category=member.category,
            convention=self.convention or "",
            sample=self.sample,
            seed=loading.seed,
            alignment=self.alignment,
            wild_type=self.wild_type,
            direction=self.direction,
            layout=self.layout,
            long=self.long,
            strict=self.strict,
            silent=silent,
            loading=loading.of(model),
        )
