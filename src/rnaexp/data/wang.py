"""The sets of arXiv 2505.09087 from the pickles of its data record, or from a user's folder with them.

Nobody here has seen these files. Names and layout are those that released code reads (heqin-zhu/structRFM at cf3a343,
tasks/zeroshot): (name, sequence, contact matrix, index) for structure, the index unused there; (index, label, sequence)
for Rfam, a label's family being what stands before its first "_"; (family, key, sequence) for ArchiveII.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rnaexp.data.catalog import SetSpec
from rnaexp.data.clusters import clustered
from rnaexp.data.dataset import DataSet, content_sha256
from rnaexp.data.deposit import DOI, fetch_deposited
from rnaexp.data.download import cache_folder
from rnaexp.data.kept import kept_files, kept_folder, key_of
from rnaexp.data.letters import LetterError, normalise
from rnaexp.data.plain_arrays import as_list, as_table, read_plain_pickle
from rnaexp.errors import InputError, UnavailableError
from rnaexp.rna import Pair, Rna

WANG_FOLDER = "RNAEXP_WANG_DATA"
WANG_DOI = "10.5281/zenodo.14430869"  # as tasks/zeroshot/README.md of structRFM names it
# File and number of RNAs, as the code or the file's own name states it.
_FILES: dict[str, tuple[str, int | None]] = {
    "wang-vl40": ("VL_40_key_seq_contact_idx.pkl", 40),
    "wang-ts70": ("TS_70_key_seq_contact_idx.pkl", 70),
    "wang-casp14": ("casp14_key_seq_contact.pkl", None),
    "wang-casp15": ("casp15_key_seq_contact.pkl", None),
    "wang-rfam": ("random_sample_max10_n24607_rf4170.pkl", 24607),
    "wang-archiveii": ("archivell_n3864_dataset.pkl", 3864),
}


def load_structures(spec: SetSpec) -> DataSet:
    """One of the sets with pairs; cluster names hold within the set only."""
    return _loaded(spec, _with_pairs, clustered)


def load_rfam_sample(spec: SetSpec) -> DataSet:
    """The Rfam sample; its families are its clusters."""
    return _loaded(spec, _of_rfam, tuple)


def load_archiveii_sample(spec: SetSpec) -> DataSet:
    """ArchiveII as the record has it; its families are its clusters."""
    return _loaded(spec, _of_archiveii, tuple)


def _loaded(spec: SetSpec, read: Callable[[list[Any]], Rna], finish: Callable[[list[Rna]], tuple[Rna, ...]]) -> DataSet:
    name, stated = _FILES[spec.name]
    path = _path(spec.name, name)
    try:
        items = as_list(read_plain_pickle(path))
    except ValueError as error:
        raise InputError(str(error), path=path) from error
    rnas = [_read(item, at, read, path) for at, item in enumerate(items)]
    rnas, notes = _under_own_names(rnas)
    if stated is not None and stated != len(items):
        notes.append(f"holds {len(items)} RNAs, {stated} are stated: not the record's file, or another version of it")
    if changed := sum(rna.letters_changed for rna in rnas):
        notes.append(f"{changed} letters were replaced by N")
    done = finish(rnas)
    return DataSet(
        name=spec.name,
        rnas=done,
        sha256=content_sha256(done),
        split=spec.split,
        licence=spec.licence,
        urls=(f"https://doi.org/{WANG_DOI}",),
        evidence=spec.evidence,
        annotator=spec.annotator,
        notes=(*spec.notes, *notes),
    )


def own_folder() -> Path | None:
    """The folder that the user named, if any."""
    return Path(named) if (named := os.environ.get(WANG_FOLDER)) else None


def _path(name: str, file: str) -> Path:
    """The user's own copy, or the record's.

    Raises: UnavailableError.
    """
    advice = f"put {file} into a folder and set {WANG_FOLDER} to it"
    if own := own_folder():
        found = sorted(path for path in own.rglob("*.pkl") if path.name == file)
        if not found:
            message = f"{name}: no {file} in {WANG_FOLDER}={own}"
            raise UnavailableError(message)
        return found[0]
    try:
        kept = cache_folder() / "records" / key_of(DOI, WANG_DOI, file)
        folder = kept_folder(kept, lambda made: fetch_deposited(WANG_DOI, file, made))
    except UnavailableError as error:
        message = f"{name}: {error}; {advice}"
        raise UnavailableError(message) from error
    return next(iter(kept_files(folder).values()))


def _read(item: Any, at: int, read: Callable[[list[Any]], Rna], path: Path) -> Rna:
    try:
        return read(as_list(item))
    except (ValueError, LetterError) as error:
        message = f"item {at} is not of the layout that is read here: {error}"
        raise InputError(message, path=path) from error


def _with_pairs(item: list[Any]) -> Rna:
    if len(item) not in (3, 4):
        message = f"{len(item)} parts for name, sequence, contacts and index"
        raise ValueError(message)
    rna = _rna(item[0], item[1])
    return replace(rna, pairs=_pairs(as_table(item[2]), rna))


def _pairs(contacts: np.ndarray, rna: Rna) -> tuple[Pair, ...]:
    if contacts.shape != (len(rna), len(rna)):
        message = f"{rna.id}: contacts of shape {contacts.shape} for {len(rna)} bases"
        raise ValueError(message)
    if not np.isin(contacts, (0, 1)).all():
        message = f"{rna.id}: contacts other than 0 and 1"
        raise ValueError(message)
    return tuple((int(i), int(j)) for i, j in np.argwhere(np.triu(contacts, 1)))


def _of_rfam(item: list[Any]) -> Rna:
    _, label, sequence = _three(item)
    family = label.split("_")[0] if isinstance(label, str) else ""
    return replace(_rna(label, sequence), family=family, cluster=family)


def _of_archiveii(item: list[Any]) -> Rna:
    family, key, sequence = _three(item)
    if not isinstance(family, str) or not family:
        message = f"family {family!r} is no word"
        raise ValueError(message)
    return replace(_rna(key, sequence), family=family, cluster=family)


def _three(item: list[Any]) -> list[Any]:
    if len(item) != 3:
        message = f"{len(item)} parts for three"
        raise ValueError(message)
    return item


def _rna(name: Any, sequence: Any) -> Rna:
    if not (isinstance(name, str) and name and isinstance(sequence, str) and sequence):
        message = f"name {name!r} and its sequence must be words"
        raise ValueError(message)
    letters, changed = normalise(sequence, name=name, unknown="mask")
    return Rna(id=name, sequence=letters, letters_changed=changed)


def _under_own_names(rnas: list[Rna]) -> tuple[list[Rna], list[str]]:
    """A name that comes again gets its number, so that no RNA stands for another."""
    seen, found = Counter[str](), []
    for rna in rnas:
        seen[rna.id] += 1
        found.append(rna if seen[rna.id] == 1 else replace(rna, id=f"{rna.id}#{seen[rna.id]}"))
    again = sum(count - 1 for count in seen.values())
    return found, [f"{again} names come more than once and got a number"] if again else []
