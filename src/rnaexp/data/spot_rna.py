"""SPOT-RNA's PDB sets: a zip (or folders) of one-record FASTA files and label files, one of each per RNA."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

from rnaexp.data.fasta import FastaRecord, fasta_records
from rnaexp.data.letters import Unknown
from rnaexp.data.pair_tables import PairLabels, read_spot_labels
from rnaexp.data.records import letters_at, rna_at
from rnaexp.data.text import Source, read_source, source
from rnaexp.errors import InputError
from rnaexp.rna import Rna

_MAX_MEMBER_BYTES = 10_000_000


def read_zip(path: Path, split: str) -> list[Rna]:
    """The RNAs of one split (`VL1`, `TS1`, `TS2`) in the order of their ids, read in memory.

    Sequence files without a label file of the same name (the zip holds one, a list of another set) are no RNAs of
    the split; a label file without its sequence is an error. P is pseudouridine and reads as U; other letters as N.
    """
    with _opened(path) as archive:
        members = _members(archive, path)
        labels = _files_under(members, f"{split}_labels")
        sequences = _files_under(members, f"{split}_sequences")
        if not labels:
            message = f"no {split}_labels in this zip"
            raise InputError(message, path=path)
        return [
            _rna(_text(archive, sequences.get(name), path, name), _text(archive, labels[name], path, name), "mask")
            for name in sorted(labels)
        ]


def read_labelled(labels: Source, unknown: Unknown = "reject") -> list[Rna]:
    """A label file on disk, its sequence in the folder next to it (`TS1_labels/x` and `TS1_sequences/x`)."""
    path = Path(labels.path)
    sequences = path.parent.parent / path.parent.name.replace("_labels", "_sequences") / path.name
    if sequences == path or not sequences.is_file():
        message = "a SPOT-RNA label file holds pairs but no sequence; put the folder `..._sequences` next to its folder"
        raise labels.error(message, 1)
    return [_rna(read_source(sequences), labels, unknown)]


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    except (OSError, zipfile.BadZipFile) as error:
        message = f"is no readable zip ({error})"
        raise InputError(message, path=path) from error


def _members(archive: zipfile.ZipFile, path: Path) -> Sequence[zipfile.ZipInfo]:
    # Nothing is extracted; a name that would leave a folder still shows that this is not the file it claims to be.
    for member in archive.infolist():
        parts = member.filename.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or ":" in parts[0]:
            message = f"refused: its member {member.filename!r} leads out of the folder"
            raise InputError(message, path=path)
        if member.file_size > _MAX_MEMBER_BYTES:
            message = f"refused: its member {member.filename!r} has {member.file_size} bytes"
            raise InputError(message, path=path)
    return [member for member in archive.infolist() if not member.is_dir()]


def _files_under(members: Sequence[zipfile.ZipInfo], folder: str) -> dict[str, str]:
    return {
        Path(member.filename).name: member.filename for member in members if Path(member.filename).parent.name == folder
    }


def _text(archive: zipfile.ZipFile, member: str | None, path: Path, name: str) -> Source:
    if member is None:
        message = f"{name}: a label file without a sequence file"
        raise InputError(message, path=path)
    try:
        return source(archive.read(member), path=f"{path}!{member}")
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        message = f"its member {member} cannot be read ({error})"
        raise InputError(message, path=path) from error


def _rna(sequences: Source, labels: Source, unknown: Unknown) -> Rna:
    record, table = _only_record(sequences), read_spot_labels(labels)
    pseudouridines = record.sequence.upper().count("P")
    text = record.sequence.replace("P", "U").replace("p", "u")
    sequence, masked = letters_at(sequences, record.name, text, record.line, unknown, record.line_of)
    _refuse_mismatch(labels, record, table)
    return rna_at(
        sequences,
        record.line,
        name=record.name,
        sequence=sequence,
        pairs=table.pairs,
        letters_changed=pseudouridines + masked,
    )


def _only_record(sequences: Source) -> FastaRecord:
    records = list(fasta_records(sequences))
    if len(records) != 1:
        message = f"expected one record, found {len(records)}"
        raise sequences.error(message)
    return records[0]


def _refuse_mismatch(labels: Source, record: FastaRecord, table: PairLabels) -> None:
    if (table.name, table.length) != (record.name, len(record.sequence)):
        message = (
            f"labels of {table.name} with {table.length} bases stand with a sequence of {record.name} "
            f"with {len(record.sequence)}"
        )
        raise labels.error(message, 1)
