"""Lists, tuples, dictionaries, strings, numbers and numpy arrays out of a pickle; nothing else is ever built.

A pickle is a program: `pickle.load` runs what its author wrote. Here every name in it is refused before it is called,
except the few by which numpy writes an array, and these stand for objects of our own: no code of numpy's sees the
pickle's bytes before shape, type and size are checked.
"""

import math
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rnaexp.errors import InputError

_KINDS = re.compile(r"[biuf][1248]|f16|[SU]\d{1,9}|O8?|b1|\?")


class PlainArray:
    """An array as its pickle describes it; `numpy` makes it, `items` gives the list of an array of objects."""

    __slots__ = ("data", "dtype", "fortran", "shape")

    def __init__(self, shape: Any, dtype: Any, data: Any, *, fortran: bool = False) -> None:
        self.shape, self.dtype, self.data, self.fortran = shape, dtype, data, fortran

    def __setstate__(self, state: Any) -> None:
        """What numpy writes after the empty array: version, shape, type, order, data."""
        _, self.shape, self.dtype, fortran, self.data = state
        self.fortran = bool(fortran)

    def numpy(self) -> np.ndarray:
        """Raises: ValueError if type, shape and bytes do not belong together."""
        if not isinstance(self.dtype, _Type) or not isinstance(self.data, bytes | bytearray):
            message = "an array without a plain type or without its bytes"
            raise ValueError(message)
        dtype, shape = self.dtype.numpy(), _checked_shape(self.shape)
        if math.prod(shape) * dtype.itemsize != len(self.data):
            message = f"an array of shape {shape} and type {dtype} with {len(self.data)} bytes"
            raise ValueError(message)
        flat = np.frombuffer(bytes(self.data), dtype)
        return flat.reshape(shape, order="F" if self.fortran else "C")

    def items(self) -> list[Any]:
        """Of an array of objects in one dimension, or of numbers or strings, as a list."""
        if isinstance(self.data, list) and len(_checked_shape(self.shape)) == 1:
            return self.data
        found: list[Any] = self.numpy().tolist()
        return found


class _Type:
    """A numpy type: its name, and the byte order that follows."""

    __slots__ = ("name", "order")

    def __init__(self, name: Any, *_: Any) -> None:
        if not isinstance(name, str) or not _KINDS.fullmatch(name):
            message = f"an array of type {name!r}; only numbers, strings and lists of them are opened"
            raise pickle.UnpicklingError(message)
        self.name, self.order = name, "|"

    def __setstate__(self, state: Any) -> None:
        if state[1] not in ("<", ">", "|", "="):
            message = f"byte order {state[1]!r}"
            raise pickle.UnpicklingError(message)
        self.order = state[1]

    def numpy(self) -> np.dtype[Any]:
        if self.name.startswith("O"):
            message = "an array of objects holds no numbers"
            raise ValueError(message)
        return np.dtype(self.order + self.name)


class _Name:
    """Stands in for a function that a pickle names: it can be called and, unlike a function, not altered."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *words: Any) -> Any:
        return self._make(*words)

    def __setstate__(self, state: Any) -> None:
        message = "it alters a function"
        raise pickle.UnpicklingError(message)


def _scalar(dtype: Any, data: Any) -> Any:
    return PlainArray((), dtype, data).numpy()[()].item()


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> PlainArray:
    return PlainArray(shape, dtype, data, fortran=order == "F")


def _bytes(text: str, _encoding: str = "latin1") -> bytes:
    return text.encode("latin1")


_EMPTY, _TYPE, _SCALAR, _BUFFER = (
    _Name(lambda *_: PlainArray((0,), None, b"")),
    _Name(_Type),
    _Name(_scalar),
    _Name(_from_buffer),
)
_ALLOWED = {
    ("numpy", "ndarray"): _Name(lambda *_: None),
    ("numpy", "dtype"): _TYPE,
    ("_codecs", "encode"): _Name(_bytes),
    # numpy 1 and numpy 2 name them differently.
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _EMPTY for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _SCALAR for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _BUFFER for core in ("core", "_core")},
}


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Raises: pickle.UnpicklingError for every name but numpy's few."""
        if (module, name) not in _ALLOWED:
            message = f"it names {module}.{name}; only arrays, lists, tuples, strings and numbers are opened"
            raise pickle.UnpicklingError(message)
        return _ALLOWED[module, name]


def read_plain_pickle(path: Path) -> Any:
    """What the pickle holds, arrays as `PlainArray`.

    Raises: InputError for a pickle that names anything else, or is damaged.
    """
    try:
        with path.open("rb") as file:
            return _Plain(file).load()
    except (
        pickle.UnpicklingError,
        EOFError,
        ValueError,
        IndexError,
        KeyError,
        AttributeError,
        TypeError,
        OverflowError,
        RecursionError,
        MemoryError,
    ) as error:
        message = f"refused or damaged pickle: {error}"
        raise InputError(message, path=path) from error


def as_list(value: Any) -> list[Any]:
    """A list, a tuple, or an array in one dimension.

    Raises: ValueError for anything else.
    """
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, PlainArray):
        return value.items()
    message = f"a list was expected, found {type(value).__name__}"
    raise ValueError(message)


def as_table(value: Any) -> np.ndarray:
    """Numbers in two dimensions: an array, or a list of arrays or lists of equal length.

    Raises: ValueError for anything else.
    """
    if isinstance(value, PlainArray) and not isinstance(value.data, list):
        table = value.numpy()
    else:
        rows = [each.numpy() if isinstance(each, PlainArray) else _row(each) for each in as_list(value)]
        if len({row.shape for row in rows}) > 1:
            message = "rows of unequal length"
            raise ValueError(message)
        table = np.stack(rows) if rows else np.zeros((0, 0))
    if table.ndim != 2 or table.dtype.kind not in "biuf":
        message = f"numbers in two dimensions were expected, found {table.dtype} in {table.ndim}"
        raise ValueError(message)
    return table


def _row(values: Any) -> np.ndarray:
    if not isinstance(values, list | tuple) or not all(isinstance(each, bool | int | float) for each in values):
        message = "a row that is no list of numbers"
        raise ValueError(message)
    return np.asarray(values)


def _checked_shape(shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, tuple) or not all(isinstance(each, int) and each >= 0 for each in shape) or len(shape) > 4:
        message = f"an array of shape {shape!r}"
        raise ValueError(message)
    return shape
