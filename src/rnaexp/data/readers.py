"""Which reader a file gets: by its ending, else by its first line that says something."""

import re
from collections.abc import Callable
from pathlib import Path

from rnaexp.data.alignments import read_a2m, read_a3m
from rnaexp.data.fasta import read_fasta
from rnaexp.data.letters import Unknown
from rnaexp.data.pair_tables import SPOT_HEADER, read_bpseq, read_ct
from rnaexp.data.public_csv import read_csv
from rnaexp.data.spot_rna import read_labelled
from rnaexp.data.stockholm import read_stockholm
from rnaexp.data.text import Source, read_source
from rnaexp.errors import InputError
from rnaexp.rna import Rna

FORMATS = "FASTA, Stockholm, A2M, A3M, CT, BPSEQ, CSV, Parquet, SPOT-RNA labels, PDB, mmCIF"
Reader = Callable[[Source, Unknown], list[Rna]]


def _read_structure(source: Source, unknown: Unknown) -> list[Rna]:
    from rnaexp.data.coordinates import read_coordinates  # biotite takes a second to import

    return read_coordinates(source, unknown)


_READERS: dict[str, Reader] = {
    **dict.fromkeys((".fa", ".fasta", ".fna", ".fas", ".seq", ".dbn", ".db", ".dot"), read_fasta),
    **dict.fromkeys((".sto", ".stk", ".stockholm"), read_stockholm),
    **dict.fromkeys((".a2m", ".a2m_msa2", ".afa", ".faclean"), read_a2m),
    ".a3m": read_a3m,
    ".ct": read_ct,
    ".bpseq": read_bpseq,
    **dict.fromkeys((".csv", ".parquet"), read_csv),
    **dict.fromkeys((".cif", ".mmcif", ".pdb", ".ent"), _read_structure),
}
ALIGNMENT_ENDINGS = frozenset((".a2m", ".a2m_msa2", ".afa", ".faclean", ".a3m"))

_SIGNATURES: tuple[tuple[re.Pattern[str], Reader], ...] = (
    (re.compile(r"# STOCKHOLM 1\."), read_stockholm),
    (re.compile(r">\s*\S"), read_fasta),
    (re.compile(r"data_\S"), _read_structure),
    (re.compile(r"(HEADER|TITLE |ATOM  |HETATM|MODEL |REMARK|CRYST1)"), _read_structure),
    (re.compile(r"id,"), read_csv),
    (re.compile(r"1\s+\S\s+\d+\s*$"), read_bpseq),
    (re.compile(r"\d+\s+\S"), read_ct),
)


def ending(path: Path) -> str:
    """The ending that names a format, lower-case, compression aside."""
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def read_file(path: Path, *, unknown: Unknown = "reject") -> list[Rna]:
    """All RNAs of one file.

    Raises: InputError naming file and line.
    """
    source = read_source(path)
    return reader_of(path, source)(source, unknown)


def reader_of(path: Path, source: Source) -> Reader:
    """The reader for a file. Raises: InputError if there is none."""
    reader = _READERS.get(ending(path)) or recognise(source)
    if reader is None:
        message = f"neither its ending nor its first line is that of a format read here ({FORMATS})"
        raise InputError(message, path=path)
    return reader


def recognise(source: Source) -> Reader | None:
    """The reader whose signature the first line that says something bears."""
    if SPOT_HEADER.match(source.lines[0]):
        return read_labelled
    first = next((line for line in source.lines if line.strip() and not _is_remark(line)), "")
    return next((reader for signature, reader in _SIGNATURES if signature.match(first)), None)


def _is_remark(line: str) -> bool:
    return line.startswith("#") and not line.startswith("# STOCKHOLM")


def is_named_readable(path: Path) -> bool:
    """Whether the ending alone promises RNAs."""
    return ending(path) in _READERS
