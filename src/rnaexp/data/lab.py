"""The RNA-MSM lab's VL1 and TS, from the user's copy of the authors' shared drive.

Nobody here has seen these files. What is read is what the authors' code names: FASTA, labels `<id>.npz` with `olabel`
(a 0/1 matrix) and `missing_nt_index` (bases without coordinates, from 0), alignments `<id>.a2m_msa2`.
"""

import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rnaexp.data.alignments import read_a2m
from rnaexp.data.catalog import SetSpec
from rnaexp.data.clusters import clustered
from rnaexp.data.dataset import DataSet, content_sha256
from rnaexp.data.fasta import read_fasta
from rnaexp.data.text import read_source
from rnaexp.errors import InputError, UnavailableError
from rnaexp.rna import Pair, Rna

LAB_FOLDER = "RNAEXP_LAB_DATA"
_SUBFOLDERS = {"lab-vl1": ("VL1", "vl1", "VL"), "lab-ts": ("TS", "ts")}


def load_lab(spec: SetSpec) -> DataSet:
    """One side of the lab's data; cluster names hold within the set only."""
    folder = _folder(spec.name)
    found = [_labelled(folder, rna) for rna in _sequences(folder)]
    rnas = clustered([rna for rna, _ in found])
    return DataSet(
        name=spec.name,
        rnas=rnas,
        sha256=content_sha256(rnas),
        split=spec.split,
        evidence=spec.evidence,
        annotator=spec.annotator,
        notes=spec.notes,
        unresolved={rna.id: missing for rna, missing in found if missing},
    )


def _folder(name: str) -> Path:
    named = os.environ.get(LAB_FOLDER)
    expected = f"a folder with {_SUBFOLDERS[name][0]}/*.fasta, *.npz and *.a2m_msa2 from the authors' shared drive"
    if not named:
        message = f"{name} cannot be downloaded: set {LAB_FOLDER} to {expected}"
        raise UnavailableError(message)
    folder = next((Path(named) / sub for sub in _SUBFOLDERS[name] if (Path(named) / sub).is_dir()), None)
    if folder is None:
        message = f"{LAB_FOLDER}={named} is not {expected}"
        raise UnavailableError(message)
    return folder


def _sequences(folder: Path) -> list[Rna]:
    files = sorted(path for ending in ("*.fasta", "*.fa") for path in folder.rglob(ending))
    rnas = [rna for path in files for rna in read_fasta(read_source(path), "mask")]
    if not rnas or len({rna.id for rna in rnas}) != len(rnas):
        message = "no FASTA file here" if not rnas else "two FASTA records have one id"
        raise InputError(message, path=folder)
    return rnas


def _labelled(folder: Path, rna: Rna) -> tuple[Rna, tuple[int, ...]]:
    labels = _file_of(folder, rna.id, ".npz")
    if labels is None:
        message = f"no labels {rna.id}.npz"
        raise InputError(message, path=folder)
    pairs, missing = read_labels(labels, len(rna))
    rna = replace(rna, pairs=pairs)
    path = _file_of(folder, rna.id, ".a2m_msa2")
    if path is None:
        return rna, missing
    (aligned,) = read_a2m(read_source(path), "mask")
    if aligned.sequence != rna.sequence:
        message = f"its first row is not the sequence of {rna.id}"
        raise InputError(message, path=path)
    return replace(rna, alignment=aligned.alignment), missing


def _file_of(folder: Path, name: str, ending: str) -> Path | None:
    # Compared by name, never built from it: an id is data.
    return next((path for path in sorted(folder.rglob(f"*{ending}")) if path.name == name + ending), None)


def read_labels(path: Path, length: int) -> tuple[tuple[Pair, ...], tuple[int, ...]]:
    """Pairs and bases without coordinates (both from 0) of one npz.

    Raises: InputError if it is not the assumed layout.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            matrix, missing = np.asarray(arrays["olabel"]), np.atleast_1d(np.asarray(arrays["missing_nt_index"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        message = f"is no npz with arrays olabel and missing_nt_index ({error})"
        raise InputError(message, path=path) from error
    _check_layout(path, matrix, missing, length)
    first, second = np.nonzero(np.triu(matrix == 1, 1))
    return tuple((int(i), int(j)) for i, j in zip(first, second, strict=True)), tuple(
        sorted({int(at) for at in missing})
    )


def _check_layout(path: Path, matrix: Any, missing: Any, length: int) -> None:
    if matrix.shape != (length, length):
        message = f"olabel has shape {matrix.shape}, the sequence {length} bases"
        raise InputError(message, path=path)
    if not all(float(at).is_integer() and 0 <= at < length for at in missing.ravel()):
        message = f"missing_nt_index holds a position outside 0..{length - 1}"
        raise InputError(message, path=path)
