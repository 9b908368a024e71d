"""Alignments in the coordinates of one RNA: A2M, A3M and aligned FASTA; columns where it has a gap are cut."""

import hashlib
import string
from collections.abc import Sequence
from itertools import compress

from rnaexp.data.fasta import FastaRecord, fasta_records
from rnaexp.data.letters import GAPS, LetterError, Unknown, normalise_row
from rnaexp.data.records import letters_at, rna_at
from rnaexp.data.text import Source
from rnaexp.rna import Alignment, Rna

_INSERTIONS = str.maketrans("", "", string.ascii_lowercase + ".")


def read_a2m(source: Source, unknown: Unknown = "reject") -> list[Rna]:
    """The first row as an RNA with its alignment. All rows are equally long; letter case means nothing."""
    return [_aligned(source, list(fasta_records(source, structures=False)), unknown)]


def read_a3m(source: Source, unknown: Unknown = "reject") -> list[Rna]:
    """The first row as an RNA with its alignment; lower-case letters of the other rows are insertions, dropped."""
    first, *others = fasta_records(source, structures=False)
    for record in others:
        record.sequence = record.sequence.translate(_INSERTIONS)
    first.sequence = first.sequence.replace(".", "")
    return [_aligned(source, [first, *others], unknown)]


def _aligned(source: Source, records: list[FastaRecord], unknown: Unknown) -> Rna:
    target = records[0]
    text = "".join(letter for letter in target.sequence if letter not in GAPS)
    sequence, changed = letters_at(source, target.name, text, target.line, unknown)
    rows = [
        row_at(source, record.name, record.sequence, record.line, len(target.sequence), unknown) for record in records
    ]
    alignment = in_coordinates_of(0, [record.name for record in records], rows, sequence, source_sha256=digest(source))
    return rna_at(
        source, target.line, name=target.name, sequence=sequence, alignment=alignment, letters_changed=changed
    )


def row_at(source: Source, name: str, text: str, line: int, columns: int, unknown: Unknown) -> str:
    """One aligned row in A C G U N and '-', its width checked."""
    if len(text) != columns:
        message = f"row {name}: {len(text)} columns, the first row has {columns}"
        raise source.error(message, line)
    try:
        return normalise_row(text, name=name, unknown=unknown)
    except LetterError as error:
        raise source.error(str(error), line) from error


def in_coordinates_of(
    target: int,
    names: Sequence[str],
    rows: Sequence[str],
    sequence: str,
    *,
    source_sha256: str | None = None,
    structure_aware: bool | None = None,
) -> Alignment:
    """Rows cut to the columns where row `target` has a base, that row first as `sequence`.

    A row with no base left is dropped: it says nothing about this RNA.
    """
    has_base = [letter != "-" for letter in rows[target]]
    cut = [(name, "".join(compress(row, has_base))) for name, row in zip(names, rows, strict=True)]
    others = [(name, row) for at, (name, row) in enumerate(cut) if at != target and row.strip("-")]
    return Alignment(
        names=(names[target], *(name for name, _ in others)),
        rows=(sequence, *(row for _, row in others)),
        source_sha256=source_sha256,
        structure_aware=structure_aware,
    )


def digest(source: Source) -> str:
    """Hash of a file's text, the same for any line ending and compression."""
    return hashlib.sha256("\n".join(source.lines).encode()).hexdigest()
