"""A text file as numbered lines: UTF-8 with or without a byte order mark, any line ending, gzip by content.

A table in Parquet is read as the lines of the same table in CSV.
"""

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnaexp.errors import InputError

_PARQUET = b"PAR1"


@dataclass(frozen=True, slots=True)
class Source:
    """One file's text; it names itself and the line (from 1) in every error."""

    path: Path | str
    lines: tuple[str, ...]

    def numbered(self) -> Iterator[tuple[int, str]]:
        """Each line with its number from 1."""
        return enumerate(self.lines, start=1)

    def error(self, message: str, line: int | None = None) -> InputError:
        """The error to raise for something wrong in this file."""
        return InputError(message, path=self.path, line=line)

    @property
    def stem(self) -> str:
        """The file's name without its endings."""
        return stem(Path(self.path))


def stem(path: Path) -> str:
    """File name without a compression and one format ending: `2DRB_1.a2m_msa2.gz` gives `2DRB_1`."""
    return Path(path.name.removesuffix(".gz")).stem


def read_source(path: Path) -> Source:
    """Read a text file.

    Raises: InputError if it is missing, empty, binary, not UTF-8 or a damaged gzip.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise InputError(message, path=path) from error
    return source(content, path=path)


def source(content: bytes, *, path: Path | str) -> Source:
    """Bytes as numbered lines; `path` is what errors name."""
    plain = _unzipped(content, path).removeprefix(b"\xef\xbb\xbf")
    if plain.startswith(_PARQUET):
        plain = _as_csv(plain, path)
    if not plain.strip():
        message = "is empty"
        raise InputError(message, path=path)
    lines = plain.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return Source(path, tuple(_decoded(line, number, path) for number, line in enumerate(lines, start=1)))


def _unzipped(content: bytes, path: Path | str) -> bytes:
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        message = f"is a damaged gzip file ({error})"
        raise InputError(message, path=path) from error


def _as_csv(content: bytes, path: Path | str) -> bytes:
    """A header and a line for each row; lists and arrays as JSON, nothing for what is missing."""
    import pandas as pd  # half a second, and other files need none

    try:
        table = pd.read_parquet(io.BytesIO(content))
    except (OSError, ValueError) as error:
        message = f"is a damaged Parquet file ({error})"
        raise InputError(message, path=path) from error
    written: bytes = table.map(_cell).to_csv(index=False, lineterminator="\n").encode()
    return written


def _cell(value: Any) -> Any:
    plain = value.tolist() if hasattr(value, "tolist") else value
    if not isinstance(plain, list):
        return " ".join(plain.split()) if isinstance(plain, str) else plain
    return json.dumps([each.tolist() if hasattr(each, "tolist") else each for each in plain])


def _decoded(line: bytes, number: int, path: Path | str) -> str:
    # Rfam's own seed file has author names in other encodings; nothing is read from those lines but known tags.
    errors = "replace" if line.startswith(b"#=GF") else "strict"
    try:
        text = line.decode("utf-8", errors)
    except UnicodeDecodeError as error:
        message = f"byte {line[error.start]:#04x} is not UTF-8 text; is this a binary file?"
        raise InputError(message, path=path, line=number) from error
    if "\0" in text:
        message = "a zero byte: this is a binary file"
        raise InputError(message, path=path, line=number)
    return text
