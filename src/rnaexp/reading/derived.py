"""Statistics and pictures that are made once: kept by the content of what went in and by the code that makes them."""

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from rnaexp.reading.entry import Arrays
from rnaexp.reading.processes import processes
from rnaexp.reading.store import Store, key_of

_T = TypeVar("_T")
_PACKAGE = Path(__file__).parents[1]
_LIBRARIES = (
    "numpy",
    "scipy",
    "pandas",
    "torch",
    "numba",
    "optuna",
    "networkx",
    "matplotlib",
    "openTSNE",
    "plotly",
    "scikit-learn",
    "viennarna",
)
_SKELETON = "skeleton"  # the value as JSON; arrays and bytes lie next to it under their numbers


def derived(store: Store, what: str, inputs: Sequence[Any], compute: Callable[[], _T]) -> _T:
    """What `compute` makes of these inputs by the present code: from the store, else made and kept there.

    Inputs and result consist of plain values, arrays, tables and dataclasses of rnaexp; whatever decides the result
    must be among the inputs, or in the code. Several processes keep nothing: each makes its part, in step with the
    others.
    """
    if processes() > 1:
        return compute()
    key = key_of({"derived": what, "of": content(inputs), "code": _code()})
    place = store.derived
    entry = place.get(key)
    if entry is not None:
        found: _T = unpacked(entry)
        return found
    made = compute()
    place.put(key, packed(made), maker=maker())
    return made


def content(value: Any) -> str:
    """Hash of a value: equal for equal content, of whatever objects.

    Raises: TypeError for what is no plain value, array, table or dataclass.
    """
    digest = hashlib.sha256()
    for name, array in packed(value).items():
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


@cache
def maker() -> str:
    """The present code, which alone can find what it derived."""
    return hashlib.sha256(" ".join(_code()).encode()).hexdigest()[:16]


@cache
def _code() -> list[str]:
    """The source of rnaexp, and the versions of what it computes with."""
    return [source_sha256(), *(f"{name} {version(name)}" for name in _LIBRARIES)]


@cache
def source_sha256() -> str:
    """One hash over all of rnaexp's own source: another version of it may answer otherwise."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        digest.update(str(path.relative_to(_PACKAGE)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def packed(value: Any) -> Arrays:
    """The value as an entry of the store. Raises: TypeError."""
    arrays: Arrays = {}
    skeleton = json.dumps(_taken_apart(value, arrays)).encode()
    return {_SKELETON: np.frombuffer(skeleton, np.uint8), **arrays}


def unpacked(entry: Mapping[str, np.ndarray]) -> Any:
    """The value of an entry that `packed` made."""
    return _restored(json.loads(entry[_SKELETON].tobytes()), entry)


def _taken_apart(value: Any, arrays: Arrays) -> Any:
    """Plain JSON; what is none is a pair of its kind and its parts."""

    def parts(values: Sequence[Any]) -> list[Any]:
        return [_taken_apart(each, arrays) for each in values]

    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.ndarray | np.generic | bytes):
        return _as_array(value, arrays)
    if isinstance(value, pd.DataFrame):
        return _table(value, parts)
    if isinstance(value, tuple | list):
        return {"kind": type(value).__name__ if type(value) in (tuple, list) else _refuse(value), "of": parts(value)}
    if isinstance(value, Mapping):
        return {"kind": "dict", "of": parts(list(value)), "values": parts(list(value.values()))}
    if is_dataclass(value) and type(value).__module__.startswith("rnaexp."):
        known = {one.name: getattr(value, one.name) for one in fields(value) if one.init}
        return {"kind": _name(type(value)), "of": list(known), "values": parts(list(known.values()))}
    return _refuse(value)


def _as_array(value: np.ndarray | np.generic | bytes, arrays: Arrays) -> dict[str, Any]:
    name = str(len(arrays))
    if isinstance(value, bytes):
        arrays[name] = np.frombuffer(zlib.compress(value), np.uint8)
        return {"kind": "bytes", "of": name}
    if value.dtype.hasobject:
        _refuse(value)
    arrays[name] = np.asarray(value)
    return {"kind": "array" if isinstance(value, np.ndarray) else "number", "of": name}


def _table(frame: pd.DataFrame, parts: Callable[[Sequence[Any]], list[Any]]) -> dict[str, Any]:
    if not frame.index.equals(pd.RangeIndex(len(frame))):
        message = "a table with an index of its own cannot be kept"
        raise TypeError(message)
    columns = [[str(name), str(column.dtype), parts(column.tolist())] for name, column in frame.items()]
    return {"kind": "table", "of": columns, "rows": len(frame)}


def _restored(value: Any, entry: Mapping[str, np.ndarray]) -> Any:
    if not isinstance(value, dict):
        return value
    kind, of = value["kind"], value["of"]

    def parts(values: Sequence[Any]) -> list[Any]:
        return [_restored(each, entry) for each in values]

    if kind in ("array", "number"):
        return entry[of] if kind == "array" else entry[of][()]
    if kind == "bytes":
        return zlib.decompress(entry[of].tobytes())
    if kind in ("tuple", "list"):
        return tuple(parts(of)) if kind == "tuple" else parts(of)
    if kind == "dict":
        return dict(zip(parts(of), parts(value["values"]), strict=True))
    if kind == "table":
        columns = {name: pd.Series(parts(values), dtype=dtype) for name, dtype, values in of}
        return pd.DataFrame(columns, index=pd.RangeIndex(value["rows"]))
    module, _, name = kind.partition(":")
    if not module.startswith("rnaexp."):
        _refuse(value)
    return getattr(import_module(module), name)(**dict(zip(of, parts(value["values"]), strict=True)))


def _name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _refuse(value: Any) -> Any:
    message = f"{type(value).__name__} cannot be kept"
    raise TypeError(message)
