"""The CSV of the public sets: id, sequence, base_pairs (a JSON list of [i, j] from 1), optional structure and len."""

import csv
import json
import sys
from collections.abc import Iterator

from rnaexp.data.letters import Unknown
from rnaexp.data.records import integer_at, letters_at, pair_at, refuse_duplicates, rna_at, structure_at
from rnaexp.data.text import Source
from rnaexp.rna import Pair, Rna

_NEEDED = {"id", "sequence"}


def read_csv(source: Source, unknown: Unknown = "reject") -> list[Rna]:
    """Every row as an RNA; pairs come from `base_pairs`, else from `structure`, else are unknown."""
    rows = list(_rows(source))
    refuse_duplicates(source, ((row["id"], line) for line, row in rows))
    return [_rna(source, row, line, unknown) for line, row in rows]


def has_columns(source: Source) -> bool:
    """Whether the header is that of a table of RNAs."""
    return set(next(csv.reader(source.lines), ())) >= _NEEDED


def _rows(source: Source) -> Iterator[tuple[int, dict[str, str]]]:
    # A pair list of a long RNA passes the module's default of 131,072 characters a field.
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    reader = csv.reader(source.lines, strict=True)
    try:
        header = next(reader)
        if not set(header) >= _NEEDED or len(set(header)) != len(header):
            message = f"expected columns id, sequence, base_pairs; found {', '.join(header)[:80]}"
            raise source.error(message, 1)
        found = 0
        for row in reader:
            if row:
                found += 1
                yield reader.line_num, _fields(source, header, row, reader.line_num)
    except csv.Error as error:
        message = f"not a CSV row: {error}"
        raise source.error(message, reader.line_num) from error
    if not found:
        message = "no row below the header"
        raise source.error(message, 1)


def _fields(source: Source, header: list[str], row: list[str], line: int) -> dict[str, str]:
    if len(row) != len(header):
        message = f"{len(row)} fields, the header has {len(header)}"
        raise source.error(message, line)
    return dict(zip(header, row, strict=True))


def _rna(source: Source, row: dict[str, str], line: int, unknown: Unknown) -> Rna:
    name = row["id"].strip()
    sequence, changed = letters_at(source, name, row["sequence"].strip(), line, unknown)
    if row.get("len") and integer_at(source, row["len"], line, "len") != len(sequence):
        message = f"{name}: len is {row['len']}, the sequence has {len(sequence)} bases"
        raise source.error(message, line)
    pairs = _pairs(source, row, name, line, len(sequence))
    return rna_at(source, line, name=name, sequence=sequence, pairs=pairs, letters_changed=changed)


def _pairs(source: Source, row: dict[str, str], name: str, line: int, length: int) -> tuple[Pair, ...] | None:
    if row.get("base_pairs"):
        return tuple(pair_at(source, i, j, length, line) for i, j in _listed(source, row["base_pairs"], name, line))
    if row.get("structure"):
        return structure_at(source, name, row["structure"], length, line)
    return None


def _listed(source: Source, text: str, name: str, line: int) -> list[list[int]]:
    try:
        listed: list[list[int]] = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"{name}: base_pairs is no JSON list ({error})"
        raise source.error(message, line) from error
    whole = isinstance(listed, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(type(at) is int for at in pair) for pair in listed
    )
    if not whole:
        message = f"{name}: base_pairs is no list of [i, j] in whole numbers"
        raise source.error(message, line)
    return listed
