"""FASTA, plain or with a dot-bracket line after the sequence (as RNAfold writes it, energy included)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rnaexp.data.dot_bracket import BRACKETS
from rnaexp.data.letters import Unknown
from rnaexp.data.records import letters_at, refuse_duplicates, rna_at, structure_at
from rnaexp.data.text import Source
from rnaexp.rna import Rna

_ENERGY = re.compile(r"\s+\(?\s*[-+]?\d+(\.\d+)?(\s*kcal/mol)?\s*\)?\s*$")


@dataclass(slots=True)
class FastaRecord:
    """One record as it stands in the file; lines count from 1."""

    name: str
    line: int
    sequence: str = ""
    structure: str = ""
    structure_line: int = 0
    letter_lines: list[int] = field(default_factory=list)

    def line_of(self, position: int) -> int:
        """The line that holds a letter (position from 1)."""
        return self.letter_lines[position - 1]


def read_fasta(source: Source, unknown: Unknown = "reject") -> list[Rna]:
    """Every record as an RNA; the id is the first word of its header."""
    records = list(fasta_records(source))
    refuse_duplicates(source, ((record.name, record.line) for record in records))
    return [_rna(source, record, unknown) for record in records]


def _rna(source: Source, record: FastaRecord, unknown: Unknown) -> Rna:
    sequence, changed = letters_at(source, record.name, record.sequence, record.line, unknown, record.line_of)
    pairs = None
    if record.structure:
        pairs = structure_at(source, record.name, record.structure, len(sequence), record.structure_line)
    return rna_at(source, record.line, name=record.name, sequence=sequence, pairs=pairs, letters_changed=changed)


def fasta_records(source: Source, *, structures: bool = True) -> Iterator[FastaRecord]:
    """Records in order, nothing checked yet; in an alignment (`structures` False) dots are gaps."""
    record: FastaRecord | None = None
    for number, raw in source.numbered():
        line = raw.strip()
        if line.startswith(">"):
            if record is not None:
                yield record
            record = FastaRecord(_name(source, line, number), number)
        elif line:
            if record is None:
                message = f"expected a header that starts with '>', found {line[:30]!r}"
                raise source.error(message, number)
            if structures and _continues_structure(record, _ENERGY.sub("", line)):
                _extend_structure(source, record, _ENERGY.sub("", line), number)
            else:
                _extend_sequence(source, record, line, number)
    if record is None:
        message = "no FASTA record"
        raise source.error(message)
    yield record


def _name(source: Source, line: str, number: int) -> str:
    words = line[1:].split()
    if not words:
        message = "a header without an id"
        raise source.error(message, number)
    return words[0]


def _continues_structure(record: FastaRecord, line: str) -> bool:
    """A sequence with gaps (`AC.GU`) is no structure: that needs a real bracket, or dots alone."""
    if 0 < len(record.structure) < len(record.sequence):
        return True
    return set(line) <= BRACKETS and (not set(line).isdisjoint("()[]{}<>") or set(line) == {"."})


def _extend_structure(source: Source, record: FastaRecord, line: str, number: int) -> None:
    if not record.sequence:
        message = f"{record.name}: a structure before any sequence"
        raise source.error(message, number)
    record.structure += line
    record.structure_line = record.structure_line or number


def _extend_sequence(source: Source, record: FastaRecord, line: str, number: int) -> None:
    if record.structure:
        message = f"{record.name}: text after the structure: {line[:30]!r}"
        raise source.error(message, number)
    letters = "".join(line.split())
    record.sequence += letters
    record.letter_lines += [number] * len(letters)
