"""Tables of the public sets: id, sequence, base_pairs (a JSON list of [i, j] from 1) or a structure in dot-bracket.

Optional: len, which must be right, and family. `secondary_structure` is what hub data sets call the structure; what
else an id may be called stands in `_IDS`.
"""

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from rnaexp.data.letters import Unknown
from rnaexp.data.records import integer_at, letters_at, pair_at, refuse_duplicates, rna_at, structure_at
from rnaexp.data.text import Source
from rnaexp.rna import Pair, Rna

_NEEDED = {"id", "sequence"}
_IDS = ("uid", "pseudobase_ids", "psuedobase_ids")  # in RNAGym's tables, the last as it is misspelt there


def read_csv(source: Source, unknown: Unknown = "reject") -> list[Rna]:
    """Every row as an RNA; pairs come from `base_pairs`, else from `structure`, else are unknown."""
    rows = [(row.line, row.fields(source)) for row in loose_rows(source)]
    refuse_duplicates(source, ((fields["id"], line) for line, fields in rows))
    return [_rna(source, fields, line, unknown) for line, fields in rows]


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in the file, of any number of cells; `line` counts from 1."""

    line: int
    header: list[str]
    cells: list[str]

    @property
    def name(self) -> str:
        """Its id; "" where the row does not reach it."""
        return self._cell("id")

    @property
    def letters(self) -> str:
        """Its sequence as it stands; "" where the row does not reach it."""
        return self._cell("sequence")

    def _cell(self, column: str) -> str:
        return dict(zip(self.header, self.cells, strict=False)).get(column, "").strip()

    def fields(self, source: Source) -> dict[str, str]:
        """Its cells by column. Raises: InputError if there are more or fewer than in the header."""
        if len(self.cells) != len(self.header):
            message = f"{len(self.cells)} fields, the header has {len(self.header)}"
            raise source.error(message, self.line)
        return dict(zip(self.header, self.cells, strict=True))

    def rna(self, source: Source, unknown: Unknown) -> Rna:
        """Raises: InputError naming file and line."""
        return _rna(source, self.fields(source), self.line, unknown)


def has_columns(source: Source) -> bool:
    """Whether the header is that of a table of RNAs."""
    return set(_header(next(csv.reader(source.lines), []))) >= _NEEDED


def _header(columns: list[str]) -> list[str]:
    """The columns, the first of `_IDS` as `id` where none is called so."""
    name = next((each for each in _IDS if each in columns), "id")
    return columns if "id" in columns else ["id" if column == name else column for column in columns]


def loose_rows(source: Source) -> Iterator[Row]:
    """Every row as it stands. Raises: InputError for another header, or what is no CSV."""
    # A pair list of a long RNA passes the module's default of 131,072 characters a field.
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    reader = csv.reader(source.lines, strict=True)
    try:
        header = _header(next(reader))
        if not set(header) >= _NEEDED or len(set(header)) != len(header):
            message = f"expected columns id, sequence, base_pairs; found {', '.join(header)[:80]}"
            raise source.error(message, 1)
        found = 0
        for row in reader:
            if row:
                found += 1
                yield Row(reader.line_num, header, row)
    except csv.Error as error:
        message = f"not a CSV row: {error}"
        raise source.error(message, reader.line_num) from error
    if not found:
        message = "no row below the header"
        raise source.error(message, 1)


def _rna(source: Source, row: dict[str, str], line: int, unknown: Unknown) -> Rna:
    name = row["id"].strip()
    sequence, changed = letters_at(source, name, row["sequence"].strip(), line, unknown)
    if row.get("len") and integer_at(source, row["len"], line, "len") != len(sequence):
        message = f"{name}: len is {row['len']}, the sequence has {len(sequence)} bases"
        raise source.error(message, line)
    pairs = _pairs(source, row, name, line, len(sequence))
    family = row.get("family", "").strip() or None
    return rna_at(source, line, name=name, sequence=sequence, pairs=pairs, family=family, letters_changed=changed)


def _pairs(source: Source, row: dict[str, str], name: str, line: int, length: int) -> tuple[Pair, ...] | None:
    if row.get("base_pairs"):
        return tuple(pair_at(source, i, j, length, line) for i, j in _listed(source, row["base_pairs"], name, line))
    for column in ("structure", "secondary_structure"):
        if row.get(column):
            return structure_at(source, name, row[column], length, line)
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
