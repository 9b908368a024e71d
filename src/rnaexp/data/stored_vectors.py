"""Vectors of RNAs from a file that any tool wrote: by their keys, as they are."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from rnaexp.data.download import file_sha256
from rnaexp.data.plain_arrays import as_list, as_table, read_plain_pickle
from rnaexp.errors import InputError
from rnaexp.rna import Rna

# The released code's name first (heqin-zhu/structRFM, tasks/zeroshot/demo_task2_rfam.py), then plain ones, then those
# of `rnaexp embed`.
_VECTORS = ("seq_repr", "vectors", "embeddings", "vector", "embedding")
_KEYS = ("keys", "ids", "id")
ENDINGS = (".pkl", ".pickle", ".npz", ".parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVectors:
    """One vector for each key. `reasons`: why a key of the file has none."""

    path: Path
    sha256: str
    vectors: Float32[np.ndarray, "r d"]
    place: dict[str, int]
    reasons: dict[str, str] = field(default_factory=dict)

    def of(self, rnas: Sequence[Rna]) -> tuple[Float32[np.ndarray, "k d"], list[str]]:
        """The vectors of the RNAs that have one, by their ids, and for each RNA "" or why it has none.

        Raises: InputError if none has one.
        """
        reasons = [self._why_not(rna.id) for rna in rnas]
        rows = [self.place[rna.id] for rna, reason in zip(rnas, reasons, strict=True) if not reason]
        if not rows:
            message = (
                f"none of {len(rnas)} RNAs of the set is among its {len(self.place)} keys; the set's first is "
                f"{rnas[0].id!r}, the file's {next(iter(self.place), None)!r}"
            )
            raise InputError(message, path=self.path)
        return self.vectors[rows], reasons

    def _why_not(self, name: str) -> str:
        if name in self.reasons:
            return self.reasons[name]
        if name not in self.place:
            return f"not in {self.path.name}"
        vector = self.vectors[self.place[name]]
        return "" if np.isfinite(vector).all() and vector.any() else "its vector is not finite or all zero"


def read_vectors(path: Path) -> StoredVectors:
    """A pickle of the released code's layout ({keys, seq_repr}), an npz of arrays keys and vectors, or a Parquet file.

    Parquet: columns id and vector, as `rnaexp embed` writes it. A key that comes again counts as it comes last.

    Raises: InputError naming the file and what is wrong in it.
    """
    readers = {".npz": _of_npz, ".parquet": _of_parquet}
    if path.suffix not in ENDINGS:
        message = f"a file of vectors ends in {', '.join(ENDINGS)}"
        raise InputError(message, path=path)
    if not path.is_file():
        message = "no such file"
        raise InputError(message, path=path)
    try:
        keys, table, reasons = readers.get(path.suffix, _of_pickle)(path)
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        message = f"is no file of vectors: {error}"
        raise InputError(message, path=path) from error
    if len(keys) != len(table):
        message = f"{len(keys)} keys for {len(table)} vectors"
        raise InputError(message, path=path)
    return StoredVectors(
        path=path,
        sha256=file_sha256(path),
        vectors=np.asarray(table, np.float32),
        place={str(key): at for at, key in enumerate(keys)},
        reasons=reasons,
    )


_Read = tuple[Sequence[Any], np.ndarray, dict[str, str]]


def _of_pickle(path: Path) -> _Read:
    held = read_plain_pickle(path)
    if not isinstance(held, dict):
        message = f"a dictionary of keys and seq_repr was expected, found {type(held).__name__}"
        raise ValueError(message)
    return as_list(held[_first(_KEYS, held)]), as_table(held[_first(_VECTORS, held)]), {}


def _of_npz(path: Path) -> _Read:
    with np.load(path, allow_pickle=False) as held:
        keys, table = held[_first(_KEYS, held)], held[_first(_VECTORS, held)]
    if table.ndim != 2 or table.dtype.kind not in "biuf":
        message = f"vectors of shape {table.shape} and type {table.dtype}"
        raise ValueError(message)
    return keys.tolist(), table, {}


def _of_parquet(path: Path) -> _Read:
    import pyarrow.parquet as parquet

    columns = parquet.read_schema(path).names
    key, vector = _first(_KEYS, columns), _first(_VECTORS, columns)
    table = parquet.read_table(path, columns=[key, vector, *(["skipped"] if "skipped" in columns else [])]).to_pydict()
    rows = list(zip(table[key], table[vector], table.get("skipped", table[key]), strict=True))
    reasons = {str(name): str(why) if "skipped" in table else "no vector" for name, row, why in rows if row is None}
    kept = [(name, row) for name, row, _ in rows if row is not None]
    if len({len(row) for _, row in kept}) > 1:
        message = "vectors of unequal length"
        raise ValueError(message)
    return [name for name, _ in kept], np.array([row for _, row in kept], np.float32).reshape(len(kept), -1), reasons


def _first(names: Sequence[str], held: Any) -> str:
    found = next((name for name in names if name in held), None)
    if found is None:
        message = f"it holds {', '.join(map(str, held)) or 'nothing'}; one of {', '.join(names)} is needed"
        raise ValueError(message)
    return found
