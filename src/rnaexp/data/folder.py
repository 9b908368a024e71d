"""A folder as one set: files with one stem belong together (a structure and its alignment), as do equal ids."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from rnaexp.data.letters import Unknown
from rnaexp.data.public_csv import has_columns
from rnaexp.data.readers import ALIGNMENT_ENDINGS, ending, is_named_readable, read_file, recognise
from rnaexp.data.text import read_source, stem
from rnaexp.errors import InputError
from rnaexp.rna import Rna


@dataclass(frozen=True, slots=True)
class FolderContent:
    """What a folder held; `skipped` files are of no format read here."""

    rnas: list[Rna]
    skipped: tuple[Path, ...]


def read_folder(folder: Path, *, unknown: Unknown = "reject") -> FolderContent:
    """The RNAs of a folder's files in sorted order; an alignment joins the RNA of its file's stem, or of its own id.

    Raises: InputError if nothing is readable, a file is malformed, or two files hold one id.
    """
    groups, skipped = groups_of(folder)
    rnas: dict[str, tuple[Rna, Path]] = {}
    for group in groups:
        for rna, path in read_group(group, unknown):
            rnas[rna.id] = with_alignment(*rnas[rna.id], rna, path) if rna.id in rnas else (rna, path)
    return FolderContent([rna for rna, _ in rnas.values()], skipped)


def groups_of(folder: Path) -> tuple[list[list[Path]], tuple[Path, ...]]:
    """The readable files that share a stem, in sorted order, and the files of no format read here.

    Raises: InputError if nothing is readable.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    readable = [path for path in files if _is_readable(path)]
    if not readable:
        message = "no file of a format read here in this folder"
        raise InputError(message, path=folder)
    ordered = sorted(readable, key=lambda path: (stem(path), path.name))
    return [list(group) for _, group in groupby(ordered, key=stem)], tuple(
        path for path in files if path not in readable
    )


def _is_readable(path: Path) -> bool:
    if ending(path) == ".csv":  # a folder of RNAs may hold another table, as `rnaexp msa` writes one
        return has_columns(read_source(path))
    if is_named_readable(path):
        return True
    if path.suffix not in ("", ".txt"):
        return False
    try:
        return recognise(read_source(path)) is not None
    except InputError:
        return False


def read_group(paths: list[Path], unknown: Unknown) -> Iterable[tuple[Rna, Path]]:
    """The RNAs of files of one stem, each with its file, alignments joined. Raises: InputError."""
    alignments = [path for path in paths if ending(path) in ALIGNMENT_ENDINGS]
    others = [(rna, path) for path in paths if path not in alignments for rna in read_file(path, unknown=unknown)]
    aligned = [(rna, path) for path in alignments for rna in read_file(path, unknown=unknown)]
    if not others or not aligned:
        return others + aligned
    if len(others) != 1 or len(aligned) != 1:
        message = f"{len(others)} RNAs and {len(aligned)} alignments are named {stem(paths[0])}: which belong together?"
        raise InputError(message, path=aligned[0][1])
    return [(_joined(others[0][0], *aligned[0]), others[0][1])]


def with_alignment(first: Rna, first_path: Path, second: Rna, second_path: Path) -> tuple[Rna, Path]:
    """One RNA of two files: a structure and an alignment. Raises: InputError for two of one kind."""
    kinds = [ending(path) in ALIGNMENT_ENDINGS for path in (first_path, second_path)]
    if kinds[0] == kinds[1] or (first.alignment is not None) == (second.alignment is not None):
        message = f"id {second.id!r} already stands in {first_path.name}"
        raise InputError(message, path=second_path)
    if kinds[0]:
        return _joined(second, first, first_path), second_path
    return _joined(first, second, second_path), first_path


def _joined(rna: Rna, aligned: Rna, path: Path) -> Rna:
    if rna.sequence != aligned.sequence:
        message = f"its first row is not the sequence of {rna.id}"
        raise InputError(message, path=path)
    return replace(rna, alignment=aligned.alignment)
