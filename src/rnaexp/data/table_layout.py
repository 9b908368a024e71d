"""What a user says of a table of measured variants."""

from dataclasses import dataclass
from typing import Literal

Column = Literal["id", "sequence", "mutant", "score", "wild_type"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLayout:
    """What the user says of a table: names of columns ("": as `COLUMNS`), and the number of the wild type's first base.

    `first` None: 0 or 1, whichever the letters say.
    """

    score_column: str = ""
    mutant_column: str = ""
    sequence_column: str = ""
    first: int | None = None

    def named(self, column: Column) -> str:
        """The user's name for a column, "" if none was given."""
        return {"score": self.score_column, "mutant": self.mutant_column, "sequence": self.sequence_column}.get(
            column, ""
        )
