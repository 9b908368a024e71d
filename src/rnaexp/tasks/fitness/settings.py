"""What is asked of the fitness task; nothing here takes time to import: a wrong word is said at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rnaexp.data.assay_rows import TableLayout
from rnaexp.data.assays import Direction
from rnaexp.errors import InputError
from rnaexp.fitness.conventions import CONVENTIONS
from rnaexp.models.choices import Long


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
        if self.convention not in ("", *CONVENTIONS):
            message = f"--convention {self.convention!r}: must be {', '.join(CONVENTIONS[:-1])} or {CONVENTIONS[-1]}"
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
