"""The form of a stored entry: one line that says what it is, then its arrays as an .npz.

Format 2: `rnaexp 2 <sha256> <key> <maker>`; the hash is over key, maker and arrays, so neither half an entry nor one
copied under another key is believed. `maker`: the code that alone can ask for the entry again, `-` if any may.
Format 1, of older stores: the sha256 of the arrays alone.
"""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Arrays = dict[str, np.ndarray]

ANY_CODE = "-"
MOST = 1024  # bytes that hold any first line
_NAME, _FORMAT = "rnaexp", "2"
_HEX = 64  # characters of a sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What the first line says. An entry of format 1 says nothing about key and maker."""

    format: int
    sha256: str
    key: str = ""
    maker: str = ANY_CODE


def encode(key: str, arrays: Mapping[str, np.ndarray], maker: str = ANY_CODE) -> bytes:
    """An entry in format 2. Raises: ValueError for an array of objects, which NumPy would pickle."""
    if objects := [name for name, array in arrays.items() if np.asarray(array).dtype.hasobject]:
        message = f"{', '.join(objects)}: arrays of objects are not stored"
        raise ValueError(message)
    written = io.BytesIO()
    np.savez(written, **arrays)  # type: ignore[arg-type]  # numpy 2.1 takes `allow_pickle` for one more array
    payload = written.getvalue()
    line = " ".join((_NAME, _FORMAT, _hash(key, maker, payload), key, maker))
    return line.encode() + b"\n" + payload


def decode(written: bytes, key: str) -> Arrays | None:
    """The arrays that are kept under this key; None if this is no whole entry, of another key or an unknown format."""
    label = read_label(written)
    if label is None or (label.format == 2 and label.key != key):
        return None
    start = written.index(b"\n") + 1
    payload = memoryview(written)[start:]
    of = hashlib.sha256(payload).hexdigest() if label.format == 1 else _hash(key, label.maker, payload)
    if of != label.sha256:
        return None
    stream = io.BytesIO(written)
    stream.seek(start)
    with np.load(stream, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def read_label(written: bytes) -> Label | None:
    """Of an entry or its beginning; None if it has no such line."""
    end = written.find(b"\n", 0, MOST)
    line = written[: max(end, 0)].decode("ascii", "replace")
    words = line.split(" ")
    if words == [line] and len(line) == _HEX:
        return Label(format=1, sha256=line)
    if len(words) == 5 and words[:2] == [_NAME, _FORMAT]:
        return Label(format=2, sha256=words[2], key=words[3], maker=words[4])
    return None


def _hash(key: str, maker: str, payload: bytes | memoryview) -> str:
    digest = hashlib.sha256(f"{key} {maker}\n".encode())
    digest.update(payload)
    return digest.hexdigest()
