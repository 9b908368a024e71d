"""An assay from a table of measured variants: whole sequences, or mutations of a wild type."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rnaexp.choices import Direction
from rnaexp.data.assay_rows import Row, Table, read_rows
from rnaexp.data.assays import Assay, Variant
from rnaexp.data.letters import LetterError, normalise
from rnaexp.data.mutants import NUMBERINGS, MutantError, Numbering, mutated, new_letter, numbering, old_letter, undone
from rnaexp.data.names import distinct, renamed_note
from rnaexp.data.own import Fault
from rnaexp.data.readers import read_file
from rnaexp.data.table_layout import TableLayout
from rnaexp.errors import InputError

Report = Callable[[Sequence[Fault], Sequence[str]], None]


def refuse_faults(faults: Sequence[Fault], notes: Sequence[str]) -> None:
    """Raises: InputError for the first bad row."""
    if faults:
        first = faults[0]
        message = f"{first.name}: {first.reason}" if first.name else first.reason
        raise InputError(message, path=first.path, line=first.line)


def read_assay(
    path: Path,
    *,
    wild_type: str = "",
    direction: Direction = "higher",
    layout: TableLayout | None = None,
    report: Report = refuse_faults,
) -> Assay:
    """A CSV, TSV or JSON-lines table with `score` and `sequence`, or `score` and `mutant` of a known wild type.

    Names of columns: `assay_rows.COLUMNS`, or those of `layout`. `wild_type`: a sequence or a FASTA file, instead of a
    column; where a table has sequences and mutants, the wild type is what is left without the mutations. `report` is
    given bad rows and what was changed before the others become an assay; by default a bad row is refused.
    Raises: InputError naming file and line.
    """
    table, given = read_rows(path, layout or TableLayout())
    known = _given(wild_type) if wild_type else _of_column(table, given)
    if not any(row.sequence for row in table.rows):
        _apply_mutants(table, known, (layout or TableLayout()).first)
    elif known is None:
        known = _undo_mutants(table, (layout or TableLayout()).first)
    _refuse_repeats(table)
    _name_apart(table)
    report(sorted(table.faults, key=lambda fault: fault.line or 0), table.notes)
    if not table.rows:
        message = "no variants"
        raise table.source.error(message)
    return Assay(
        name=path.resolve().name,
        variants=tuple(Variant(id=row.name, sequence=row.sequence, score=row.score) for row in table.rows),
        wild_type=known,
        direction=direction,
        source=str(path),
    )


def _of_column(table: Table, named: Mapping[str, int]) -> str | None:
    if len(named) > 1:
        line = list(named.values())[1]
        message = "a second wild type: an assay has one, so give each its own file"
        raise table.source.error(message, line)
    return next(iter(named), None)


def _apply_mutants(table: Table, wild_type: str | None, first: int | None) -> None:
    """Sequences from mutations of the wild type."""
    if not table.rows:
        return
    if wild_type is None:
        message = "only mutations and no sequences: say of what, by --wild-type SEQUENCE or FASTA"
        raise table.source.error(message)
    if first is None:
        found = numbering(((wild_type, row.mutant or ()) for row in table.rows), old_letter)
        first = 1 if not found.total else found.first
        if first is None:
            raise table.source.error(_undecided(table.rows, wild_type, found))

    def apply(row: Row) -> None:
        row.sequence = mutated(wild_type, row.mutant or (), first)

    table.each(apply)
    table.notes.append(f"mutations are numbered from {first}")


def _undecided(rows: Sequence[Row], wild_type: str, found: Numbering) -> str:
    each = sorted(zip(NUMBERINGS, found.fits, strict=True))
    counts = ", ".join(f"{fit} of {found.total} if it is {first}" for first, fit in each)
    if found.both:
        return (
            f"is the wild type's first base 0 or 1 here? The letters of the mutations fit both ({counts}): say "
            "--offset 0 or --offset 1"
        )
    return (
        f"the letters of the mutations are not those of the wild type ({counts}; {_first_wrong(rows, wild_type)}): is "
        "it theirs? --offset N says that the table calls its first base N"
    )


def _first_wrong(rows: Sequence[Row], wild_type: str) -> str:
    """The first row that does not fit, counted from 1."""
    for row in rows:
        try:
            mutated(wild_type, row.mutant or (), 1)
        except MutantError as error:
            return f"line {row.line}, counted from 1: {error}"
    return ""


def _undo_mutants(table: Table, first: int | None) -> str | None:
    """The wild type of a table that has both sequences and mutants; None where they do not say one.

    A row of another wild type is a fault.
    """
    if any(row.mutant is None for row in table.rows) or not any(row.mutant for row in table.rows):
        return None
    if first is None:
        found = numbering(((row.sequence, row.mutant or ()) for row in table.rows), new_letter)
        first = found.first
    if first is None:
        known = "fit 0 and 1 as the first base: --offset says which" if found.both else "are not in the sequences"
        table.notes.append(f"no wild type is known: the mutations {known}")
        return None
    start, origins = first, dict[int, str]()

    def undo(row: Row) -> None:
        origins[row.line] = undone(row.sequence, row.mutant or (), start)

    table.each(undo)
    wild_type = Counter(origins.values()).most_common(1)[0][0] if origins else None

    def same(row: Row) -> None:
        if origins[row.line] != wild_type:
            message = "without its mutations it is not the wild type of the other rows"
            raise MutantError(message)

    table.each(same)
    if wild_type is None:
        return None
    if "N" in wild_type:
        table.notes.append(f"the wild type has N at {wild_type.count('N')} positions: none is known")
        return None
    table.notes.append(f"wild type of {len(wild_type)} bases from sequences and mutants, numbered from {first}")
    return wild_type


def _refuse_repeats(table: Table) -> None:
    """A sequence that stood before is a fault: which of two measurements counts is for the user to say."""
    lines = dict[str, int]()

    def once(row: Row) -> None:
        if row.sequence in lines:
            message = f"its sequence was already in line {lines[row.sequence]}; average repeated measurements first"
            raise MutantError(message)
        lines[row.sequence] = row.line

    table.each(once)


def _name_apart(table: Table) -> None:
    """No two rows with one id."""
    names, renamed = distinct([row.name for row in table.rows])
    for row, name in zip(table.rows, names, strict=True):
        row.name = name
    if renamed:
        table.notes.append(renamed_note(renamed))


def _given(wild_type: str) -> str:
    """A sequence, or that of a file's only RNA."""
    text = wild_type.strip()
    try:
        return normalise(text, name="--wild-type")[0]
    except LetterError as error:
        if not Path(text).is_file():
            message = f"{error}; and no file has this name"
            raise InputError(message) from error
    rnas = read_file(Path(text))
    if len(rnas) != 1:
        message = f"{len(rnas)} RNAs; the wild type is one"
        raise InputError(message, path=text)
    return rnas[0].sequence
