"""Tables of measured variants as people have them, row by row: which column is which, and what a row's cells say."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnaexp.data.mutants import Mutant, MutantError, parse_mutant
from rnaexp.data.own import Fault
from rnaexp.data.records import letters_at
from rnaexp.data.rows import rows_of
from rnaexp.data.table_layout import Column, TableLayout
from rnaexp.data.text import Source, read_source
from rnaexp.errors import InputError

# What each column is called: by us, by RNAGym and NABench (mutant, DMS_score, sequence), by MaveDB (accession, hgvs_nt,
# score or scores.score), by ProteinGym (mutated_sequence).
COLUMNS: dict[Column, tuple[str, ...]] = {
    "id": ("id", "accession"),
    "sequence": ("sequence", "seq", "mutated_sequence"),
    "mutant": ("mutant", "hgvs_nt"),
    "score": ("score", "DMS_score", "scores.score"),
    "wild_type": ("wild_type",),
}
_UNMEASURED = frozenset(("", "na", "n/a", "nan", "none", "null"))


class NoColumnError(InputError):
    """A row without a column that is needed."""


@dataclass(slots=True)
class Row:
    """One row while it is read."""

    line: int
    name: str
    score: float
    sequence: str = ""
    mutant: Mutant | None = None
    letters_changed: int = 0


@dataclass(slots=True)
class Table:
    """What has been read so far; a row with a fault is in `faults` only."""

    source: Source
    path: Path
    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def each(self, read: Callable[[Row], None]) -> None:
        """Keep the rows that `read` does not complain of."""
        kept = []
        for row in self.rows:
            try:
                read(row)
            except (InputError, MutantError) as error:
                self.faults.append(self.fault(row.line, row.name, error))
            else:
                kept.append(row)
        self.rows = kept

    def fault(self, line: int, name: str, error: Exception) -> Fault:
        """What is wrong with a row."""
        reason = error.message if isinstance(error, InputError) else str(error)
        return Fault(path=self.path, line=line, name=name, reason=reason.removeprefix(f"{name}: "))


def read_rows(path: Path, layout: TableLayout) -> tuple[Table, dict[str, int]]:
    """Rows with a score, and the wild types that a column names with their lines."""
    source = read_source(path)
    table, wild_types, unmeasured, count = Table(source, path), dict[str, int](), 0, 0
    for line, row in rows_of(source, path):
        count += 1
        if isinstance(row, InputError):
            table.faults.append(table.fault(line, "", row))
            continue
        name = f"variant {count}"
        try:
            cells = _cells(source, line, row, layout)
            name = _text(cells.get("id")) or _text(cells.get("mutant")) or name
            if _text(cells["score"]).lower() in _UNMEASURED and not isinstance(cells["score"], bool):
                unmeasured += 1
                continue
            parsed = _parsed(source, line, name, cells)
            if text := _text(cells.get("wild_type")):
                wild_types.setdefault(letters_at(source, "wild type", text, line, "reject")[0], line)
            table.rows.append(parsed)
        except (InputError, MutantError) as error:
            if isinstance(error, NoColumnError) and count == 1:
                raise  # a table of other columns: no row will be better
            table.faults.append(table.fault(line, name, error))
    if unmeasured:
        table.notes.append(f"{unmeasured} of {count} rows have no score and are left out")
    if changed := [row.letters_changed for row in table.rows if row.letters_changed]:
        table.notes.append(f"{sum(changed)} IUPAC codes of {len(changed)} variants were read as N")
    return table, wild_types


def _parsed(source: Source, line: int, name: str, cells: Mapping[Column, Any]) -> Row:
    score = _number(source, line, name, cells["score"])
    if "sequence" not in cells:
        return Row(line, name, score, mutant=parse_mutant(_text(cells["mutant"])))
    sequence, changed = letters_at(source, name, _text(cells["sequence"]), line, "ambiguous")
    mutant = None
    if "mutant" in cells:
        try:
            mutant = parse_mutant(_text(cells["mutant"]))
        except MutantError:
            mutant = None  # the sequence says what it is; the column may hold any other name
    return Row(line, name, score, sequence, mutant, changed)


def _cells(source: Source, line: int, row: Mapping[str, Any], layout: TableLayout) -> dict[Column, Any]:
    """The cells we read, by our names. Raises: InputError for a table without them."""
    found: dict[Column, Any] = {}
    for column, names in COLUMNS.items():
        wanted = layout.named(column)
        name = next((name for name in ([wanted] if wanted else names) if name in row), None)
        if name is not None:
            found[column] = row[name]
        elif wanted:
            raise _no_column(source, line, wanted, row)
    if "score" not in found:
        raise _no_column(source, line, " or ".join(COLUMNS["score"]), row, "; --score-column names it")
    if "sequence" not in found and "mutant" not in found:
        known = " or ".join(COLUMNS["sequence"] + COLUMNS["mutant"])
        raise _no_column(source, line, known, row, "; --sequence-column or --mutant-column names it")
    return found


def _no_column(source: Source, line: int, name: str, row: Mapping[str, Any], advice: str = "") -> NoColumnError:
    message = f"no column {name}; there are {', '.join(map(str, row))}{advice}"
    return NoColumnError(message, path=source.path, line=line)


def _number(source: Source, line: int, name: str, cell: object) -> float:
    try:
        score = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        message = f"{name}: score {cell!r} is not a number"
        raise source.error(message, line) from error
    if not math.isfinite(score) or isinstance(cell, bool):
        message = f"{name}: score {cell!r} is not a finite number; leave unmeasured variants out"
        raise source.error(message, line)
    return score


def _text(value: object) -> str:
    """A cell's text; missing, null and blank are all empty."""
    return "" if value is None else str(value).strip()
