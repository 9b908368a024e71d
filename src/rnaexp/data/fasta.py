"""FASTA, plain or with a dot-bracket line after the sequence (as RNAfold writes it, energy included)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rnaexp.data.dot_bracket import BRACKETS
from rnaexp.data.letters import GAPS, Unknown
from rnaexp.data.records import letters_at, refuse_duplicates, rna_at, structure_at
from rnaexp.data.text import Source
from rnaexp.rna import Rna

_ENERGY = re.compile(r"\s+\(?\s*[-+]?\d+(\.\d+)?(\s*kcal/mol)?\s*\)?\s*$")


@dataclass(slots=True)
class FastaRecord:
    """One record as it stands in the file; lines count from 1. `fault`: what is wrong with its layout, and where."""

    name: str
    line: int
    sequence: str = ""
    structure: str = ""
    structure_line: int = 0
    letter_lines: list[int] = field(default_factory=list)
    fault: tuple[str, int] | None = None

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


def rna_of_record(source: Source, record: FastaRecord, unknown: Unknown) -> tuple[Rna, int]:
    """A record as one RNA, and how many gaps were taken out; with a structure a gap is refused.

    Raises: InputError naming file and line.
    """
    if record.fault is not None:
        raise source.error(*record.fault)
    gaps = sum(letter in GAPS for letter in record.sequence)
    if record.structure or not gaps:
        return _rna(source, record, unknown), 0
    # A letter in the place of each gap, so that an error still names the position in the file.
    filled = record.sequence.translate(dict.fromkeys(map(ord, GAPS), "A"))
    letters, changed = letters_at(source, record.name, filled, record.line, unknown, record.line_of)
    bases = "".join(now for was, now in zip(record.sequence, letters, strict=True) if was not in GAPS)
    if not bases:
        message = f"{record.name}: nothing but gaps"
        raise source.error(message, record.line)
    return rna_at(source, record.line, name=record.name, sequence=bases, letters_changed=changed), gaps


def fasta_records(source: Source, *, structures: bool = True) -> Iterator[FastaRecord]:
    """Records in order; in an alignment (`structures` False) dots are gaps.

    Raises: InputError for the first record whose layout is wrong.
    """
    for record in loose_records(source, structures=structures):
        if record.fault is not None:
            raise source.error(*record.fault)
        yield record


def loose_records(source: Source, *, structures: bool = True) -> Iterator[FastaRecord]:
    """Records in order, those whose layout is wrong with their `fault`; of what precedes the first header, one more."""
    record: FastaRecord | None = None
    for number, raw in source.numbered():
        line = raw.strip()
        if line.startswith(">"):
            if record is not None:
                yield record
            record = _headed(line, number)
        elif line:
            if record is None:
                record = FastaRecord("", number)
                record.fault = (f"expected a header that starts with '>', found {line[:30]!r}", number)
            if record.fault is None:
                _extend(record, line, number, structures=structures)
    if record is None:
        message = "no FASTA record"
        raise source.error(message)
    yield record


def _headed(line: str, number: int) -> FastaRecord:
    words = line[1:].split()
    if not words:
        return FastaRecord("", number, fault=("a header without an id", number))
    return FastaRecord(words[0], number)


def _extend(record: FastaRecord, line: str, number: int, *, structures: bool) -> None:
    """Add a line of letters or of brackets."""
    brackets = _ENERGY.sub("", line)
    if not (structures and _continues_structure(record, brackets)):
        _extend_sequence(record, line, number)
    elif not record.sequence:
        record.fault = (f"{record.name}: a structure before any sequence", number)
    else:
        record.structure += brackets
        record.structure_line = record.structure_line or number


def _continues_structure(record: FastaRecord, line: str) -> bool:
    """A sequence with gaps (`AC.GU`) is no structure: that needs a real bracket, or dots alone."""
    if 0 < len(record.structure) < len(record.sequence):
        return True
    return set(line) <= BRACKETS and (not set(line).isdisjoint("()[]{}<>") or set(line) == {"."})


def _extend_sequence(record: FastaRecord, line: str, number: int) -> None:
    if record.structure:
        record.fault = (f"{record.name}: text after the structure: {line[:30]!r}", number)
        return
    letters = "".join(line.split())
    record.sequence += letters
    record.letter_lines += [number] * len(letters)
