"""Tensors out of a plain Python pickle, as some labs publish their weights; nothing but tensors is ever built.

`torch.load(weights_only=True)` opens torch's own files alone. A pickle that was made with `pickle.dump` of a state
dictionary names a handful of functions; every other name in it is refused before it is called.
"""

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch._utils import _rebuild_parameter, _rebuild_tensor_v2


def _storage(data: bytes) -> Any:
    """What `torch.storage._load_from_bytes` does, without its right to run code."""
    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


def _bytes(text: str, _encoding: str = "latin1") -> bytes:
    """What the oldest protocol writes for bytes."""
    return text.encode("latin1")


_ALLOWED: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("_codecs", "encode"): _bytes,
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    ("torch.storage", "_load_from_bytes"): _storage,
}


class _Tensors(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """The few names that a state dictionary needs.

        Raises: pickle.UnpicklingError for any other.
        """
        if (module, name) not in _ALLOWED:
            message = f"it names {module}.{name}, and only tensors are opened"
            raise pickle.UnpicklingError(message)
        return _ALLOWED[module, name]


def is_plain_pickle(path: Path) -> bool:
    """A pickle whose first object is no number: torch's own files are zip files, or begin with a number."""
    with path.open("rb") as file:
        start = file.read(16)
    first = start[11:12] if start[2:3] == pickle.FRAME else start[2:3]
    return start[:1] == pickle.PROTO and first in (pickle.EMPTY_DICT, pickle.GLOBAL, pickle.SHORT_BINUNICODE)


def read_plain_pickle(path: Path) -> Any:
    """What the pickle holds.

    Raises: pickle.UnpicklingError for a pickle that names anything but tensors, or is damaged.
    """
    try:
        with path.open("rb") as file:
            return _Tensors(file).load()
    except (EOFError, ValueError, IndexError, KeyError, AttributeError, TypeError, RuntimeError, MemoryError) as error:
        message = f"damaged or not a pickle of tensors: {error}"
        raise pickle.UnpicklingError(message) from error
