"""Sets of proteins, for the reference task of contacts: a file or folder of PDB or mmCIF, never a set of RNAs."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from rnaexp.data.dataset import DataSet, Split, content_sha256
from rnaexp.data.protein_files import Note, read_proteins
from rnaexp.data.readers import ending
from rnaexp.data.sets import set_names
from rnaexp.data.text import read_source
from rnaexp.errors import InputError
from rnaexp.rna import Protein, Rna

_ENDINGS = frozenset((".cif", ".mmcif", ".pdb", ".ent"))
_WANTED = "contacts are read from structures of proteins: a file or folder of PDB or mmCIF"


def load_proteins(path: str) -> DataSet:
    """The protein chains of a file or folder; of chains of one sequence the one with most residues resolved.

    `notes` say what was left out. No set of proteins ships with rnaexp, so there is none by name.

    Raises: InputError for a set of RNAs, for anything that is no structure, and for a damaged file.
    """
    where = Path(path)
    if path in set_names():
        message = f"{path} is a set of RNAs; {_WANTED}"
        raise InputError(message)
    if not where.exists():
        message = f"no file or folder is named {path!r}; {_WANTED}"
        raise InputError(message)
    files, others = _files(where)
    proteins, notes = _read(files)
    if not proteins:
        message = f"no protein chain in it; {_WANTED}"
        raise InputError(message, path=where)
    kept, doubles = _distinct(proteins)
    notes += [Note("files of another format left out", file.name) for file in others] + doubles
    return DataSet(
        name=where.resolve().name,
        rnas=tuple(kept),
        sha256=content_sha256(kept),
        split="all",
        evidence="3d",
        annotator="C-beta (Gly: C-alpha) nearer than 8 angstrom",
        notes=_note_lines(notes),
    )


def in_two_parts(data: DataSet) -> tuple[DataSet, DataSet]:
    """Half of the clusters to tune on, half to test on: relatives stay together, whatever the files' order or names.

    Raises: InputError where all chains are related.
    """
    by_cluster: dict[str | None, list[Rna]] = {}
    for rna in data.rnas:
        by_cluster.setdefault(rna.cluster, []).append(rna)
    if len(by_cluster) < 2:
        message = (
            f"{data.name}: its {len(data)} chains are one cluster of relatives: none is left to test on; give  "
            "another set to tune on: --validation"
        )
        raise InputError(message)
    drawn = sorted(by_cluster.values(), key=lambda some: min(_drawn(rna) for rna in some))
    return (
        _part(data, "validation", [rna for some in drawn[::2] for rna in some]),
        _part(data, "test", [rna for some in drawn[1::2] for rna in some]),
    )


def _drawn(rna: Rna) -> str:
    return hashlib.sha256(rna.sequence.encode()).hexdigest()


def _part(data: DataSet, split: Split, rnas: Sequence[Rna]) -> DataSet:
    order = {rna.id: at for at, rna in enumerate(data.rnas)}
    own = tuple(sorted(rnas, key=lambda rna: order[rna.id]))
    return replace(data, name=f"{data.name}-{split}", rnas=own, sha256=content_sha256(own), split=split)


def _files(where: Path) -> tuple[list[Path], list[Path]]:
    """Files of structures, and the others."""
    if where.is_file():
        if ending(where) not in _ENDINGS:
            message = f"neither PDB nor mmCIF (.pdb, .ent, .cif, .mmcif, each also .gz); {_WANTED}"
            raise InputError(message, path=where)
        return [where], []
    files = sorted(path for path in where.iterdir() if path.is_file() and not path.name.startswith("."))
    structures = [path for path in files if ending(path) in _ENDINGS]
    return structures, [path for path in files if path not in structures]


def _read(files: Iterable[Path]) -> tuple[list[Protein], list[Note]]:
    found: dict[str, tuple[Protein, Path]] = {}
    notes: list[Note] = []
    for path in files:
        proteins, of_file = read_proteins(read_source(path))
        notes += of_file
        for protein in proteins:
            if protein.id in found:
                message = f"chain {protein.id!r} already stands in {found[protein.id][1].name}"
                raise InputError(message, path=path)
            found[protein.id] = protein, path
    return [protein for protein, _ in found.values()], notes


def _distinct(proteins: Sequence[Protein]) -> tuple[list[Protein], list[Note]]:
    """The best resolved chain of each sequence, the first of equals."""
    best: dict[str, Protein] = {}
    for protein in proteins:
        known = best.setdefault(protein.sequence, protein)
        if len(protein.unresolved) < len(known.unresolved):
            best[protein.sequence] = protein
    kept = {protein.id for protein in best.values()}
    what = "further chains of one sequence left out, the best resolved one is kept"
    return (
        [protein for protein in proteins if protein.id in kept],
        [Note(what, protein.id) for protein in proteins if protein.id not in kept],
    )


def _note_lines(notes: Sequence[Note]) -> tuple[str, ...]:
    """One line for each thing that was done, with the first chains of it."""
    lines = []
    for what, same in groupby(sorted(notes, key=lambda note: note.what), key=lambda note: note.what):
        chains = [note.chain for note in same]
        lines.append(f"{len(chains)} {what}: {', '.join(chains[:5])}{', ...' if len(chains) > 5 else ''}")
    return tuple(lines)
