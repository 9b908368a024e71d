"""RNAs of a user's own: every record that can be read, and for each of the others what is wrong with it, and where."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from rnaexp.data.fasta import loose_records, read_fasta, rna_of_record
from rnaexp.data.folder import groups_of, read_group, with_alignment
from rnaexp.data.letters import Unknown, changes_of
from rnaexp.data.names import distinct, renamed_note
from rnaexp.data.public_csv import loose_rows, read_csv
from rnaexp.data.readers import reader_of
from rnaexp.data.text import Source, read_source
from rnaexp.errors import InputError
from rnaexp.rna import Rna


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A record that was left out; `line` None: of the file as a whole; `name` "": it has none."""

    path: Path
    line: int | None
    name: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.path}" if self.line is None else f"{self.path}:{self.line}"
        return f"{where}: {self.name}: {self.reason}" if self.name else f"{where}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRnas:
    """What could be read of a file or folder `name`, in its order.

    `places`: file and line of each id. `notes`: what was changed in what was read. `changes`: the same of each RNA of
    which its place is known, by id and in words.
    """

    name: str
    rnas: tuple[Rna, ...]
    faults: tuple[Fault, ...]
    places: Mapping[str, tuple[Path, int | None]]
    notes: tuple[str, ...]
    changes: Mapping[str, str] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """Number of records, good and bad."""
        return len(self.rnas) + len(self.faults)


# An RNA, its file and line, and what reading changed in it.
_Found = tuple[Rna, Path, int | None, str]


@dataclass(slots=True)
class _Reading:
    """What has been read so far."""

    found: list[_Found] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)


# Name and line of a record, its letters as they stand, and what reads it: the RNA and the number of gaps taken out.
_Record = tuple[str, int, str, Callable[[], tuple[Rna, int]]]


def read_own(path: Path, *, unknown: Unknown = "ambiguous") -> OwnRnas:
    """Every RNA of a file or folder that can be read.

    Records of FASTA and rows of CSV are read one by one; a file of another format is one record. Gaps in FASTA are
    taken out; a name that was seen before gets `.2`.
    Raises: InputError if the file or folder itself cannot be read.
    """
    reading = _Reading()
    if path.is_dir():
        for group in groups_of(path)[0]:
            _read_group(reading, group, unknown)
    else:
        _read_file(reading, path, unknown)
    named, renamed = _name_each(reading)
    return OwnRnas(
        name=path.name,
        rnas=tuple(rna for rna, *_ in named.values()),
        faults=tuple(reading.faults),
        places={name: (file, line) for name, (_, file, line, _) in named.items()},
        changes={name: changed for name, (*_, changed) in named.items() if changed},
        notes=_notes(reading, renamed, unknown),
    )


def _read_group(reading: _Reading, group: list[Path], unknown: Unknown) -> None:
    """Files of one stem: a structure and its alignment are one record."""
    try:
        if len(group) == 1:
            _read_file(reading, group[0], unknown)
        else:
            reading.found += [(rna, file, None, _counted(rna)) for rna, file in read_group(group, unknown)]
    except InputError as error:
        reading.faults.append(_fault(error, group[0], None, ""))


def _read_file(reading: _Reading, path: Path, unknown: Unknown) -> None:
    """Raises: InputError if records cannot be distinguished."""
    source = read_source(path)
    reader = reader_of(path, source)
    if reader is read_fasta:
        _read_each(reading, path, _of_fasta(source, unknown))
    elif reader is read_csv:
        _read_each(reading, path, _of_csv(source, unknown))
    else:
        reading.found += [(rna, path, None, _counted(rna)) for rna in reader(source, unknown)]


def _counted(rna: Rna) -> str:
    """Where the letters of a file are not at hand."""
    return f"{rna.letters_changed} letters read as N" if rna.letters_changed else ""


def _of_fasta(source: Source, unknown: Unknown) -> Iterator[_Record]:
    for record in loose_records(source):
        read = partial(rna_of_record, source, record, unknown)
        yield record.name, record.line, record.sequence, read


def _of_csv(source: Source, unknown: Unknown) -> Iterator[_Record]:
    for row in loose_rows(source):
        yield row.name, row.line, row.letters, lambda row=row: (row.rna(source, unknown), 0)  # type: ignore[misc]


def _read_each(reading: _Reading, path: Path, records: Iterable[_Record]) -> None:
    """Raises: InputError if the file's layout is lost before any record was read."""
    try:
        for record in records:
            _read_one(reading, path, record)
    except InputError as error:
        if not reading.found and not reading.faults:
            raise
        reading.faults.append(_fault(error, path, None, ""))


def _read_one(reading: _Reading, path: Path, record: _Record) -> None:
    name, line, letters, read = record
    try:
        rna, gaps = read()
    except InputError as error:
        reading.faults.append(_fault(error, path, line, name))
    else:
        reading.found.append((rna, path, line, changes_of(letters)))
        reading.gaps += [gaps] if gaps else []


def _fault(error: InputError, path: Path, line: int | None, name: str) -> Fault:
    where = path if error.path is None else Path(error.path)
    reason = error.message.removeprefix(f"{name}: ")
    return Fault(path=where, line=error.line or line, name=name, reason=reason)


def _name_each(reading: _Reading) -> tuple[dict[str, _Found], list[tuple[str, str]]]:
    """RNAs by name: an alignment joins the RNA of its id, any other second of a name gets a name of its own."""
    apart = list[_Found]()
    joined = dict[str, int]()  # where the RNA stands that an alignment of its id may join
    for rna, path, line, changed in reading.found:
        at = joined.get(rna.id)
        if at is None or (rna.alignment is None) == (apart[at][0].alignment is None):
            joined.setdefault(rna.id, len(apart))
            apart.append((rna, path, line, changed))
            continue
        first, first_path, first_line, of_first = apart[at]
        try:
            apart[at] = (*with_alignment(first, first_path, rna, path), first_line, of_first or changed)
        except InputError as error:
            reading.faults.append(_fault(error, path, line, rna.id))
    names, renamed = distinct([rna.id for rna, *_ in apart])
    named = {name: (replace(one[0], id=name), *one[1:]) for name, one in zip(names, apart, strict=True)}
    return named, renamed


def _notes(reading: _Reading, renamed: list[tuple[str, str]], unknown: Unknown) -> tuple[str, ...]:
    """One line for each kind of change."""
    changed = [rna.letters_changed for rna, *_ in reading.found if rna.letters_changed]
    notes = []
    if changed:
        what = "IUPAC codes" if unknown == "ambiguous" else "letters other than A C G U T N"
        notes.append(f"{sum(changed)} {what} of {len(changed)} RNAs were read as N")
    if reading.gaps:
        notes.append(
            f"{sum(reading.gaps)} gaps of {len(reading.gaps)} RNAs were removed; an alignment has the ending .a2m, "
            ".a3m or .sto"
        )
    if renamed:
        notes.append(renamed_note(renamed))
    return tuple(notes)
