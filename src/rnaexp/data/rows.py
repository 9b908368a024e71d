"""Rows of a CSV, TSV or JSON-lines table with their lines; a row that cannot be read comes as its error."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rnaexp.data.text import Source
from rnaexp.errors import InputError

FORMATS = (".csv", ".tsv", ".jsonl", ".parquet")
Row = Mapping[str, Any]


def rows_of(source: Source, path: Path) -> Iterator[tuple[int, Row | InputError]]:
    """Each row by its columns. Lines before the header that start with `#` are remarks.

    Raises: InputError for a file of another ending.
    """
    ending = Path(path.name.removesuffix(".gz")).suffix.lower()
    if ending not in FORMATS:
        message = f"not a table of variants: expected {', '.join(FORMATS)} (may be gzipped)"
        raise source.error(message)
    if ending == ".jsonl":
        yield from _json_rows(source)
    else:
        yield from _table_rows(source, "\t" if ending == ".tsv" else ",")


def _json_rows(source: Source) -> Iterator[tuple[int, Row | InputError]]:
    for line, text in source.numbered():
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except ValueError as error:
            message = f"not JSON: {error}"
            yield line, source.error(message, line)
            continue
        yield line, row if isinstance(row, dict) else source.error("not a JSON object", line)


def _table_rows(source: Source, separator: str) -> Iterator[tuple[int, Row | InputError]]:
    header: list[str] = []
    for line, text in source.numbered():
        if not text.strip() or (not header and text.startswith("#")):
            continue
        cells = next(csv.reader([text], delimiter=separator))
        if not header:
            header = [cell.strip() for cell in cells]
        elif len(cells) != len(header):
            message = f"{len(cells)} cells, the header has {len(header)}"
            yield line, source.error(message, line)
        else:
            yield line, dict(zip(header, cells, strict=True))
