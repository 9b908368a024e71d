"""Settings of the fitness task; nothing here takes time to import, so a wrong option is reported at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pydantic import Field

from rnaexp.choices import Convention, Direction, Long
from rnaexp.data.table_layout import TableLayout
from rnaexp.errors import InputError
from rnaexp.reading.loading import Loading
from rnaexp.settings import SettingsBase


@dataclass(frozen=True, slots=True, kw_only=True)
class FitnessTask:
    """Which model or baseline on which assay.

    `convention` "": masked-marginal, pseudo-likelihood where no wild type is known, left-to-right of a decoder.
    `sample`: so many variants, drawn by `seed`; 0: all. `alignment`: a file whose first row is the wild type.
    `layout`: of a user's table. `long`: a variant longer than the model reads is left out, or an error. `strict`: a
    row that cannot be read is an error; else it is left out and listed, unless
    `silent`: another model's task has listed it.
    `loading`: for `models.load`.
    """

    model: str
    assay: str
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
        "and mutant (A1G, A1G:C2U) or hgvs_nt (n.1A>G) with --wild-type.",
    )
    convention: Convention | None = Field(
        default=None,
        description="Each mutated site hidden in the wild type, nothing hidden, hidden in the variant, every site of "
        "the variant, or (decoders) from left to right. Else masked-marginal, pseudo-likelihood where no wild type is "
        "known, left-to-right of a decoder.",
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
        "and the baseline conservation.",
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

    def task(self, model: str, loading: Loading, *, silent: bool = False) -> FitnessTask:
        """One model's task; `silent`: what is wrong with the table has been reported."""
        return FitnessTask(
            model=model,
            assay=self.set,
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
