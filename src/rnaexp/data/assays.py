"""Assays: variants of one RNA with measured fitness, from a table of any user (CSV, TSV, JSON lines)."""

import csv
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rnaexp.data.letters import LetterError, normalise
from rnaexp.data.records import letters_at
from rnaexp.data.text import Source, read_source
from rnaexp.errors import InputError

Direction = Literal["higher", "lower"]
_COLUMNS = {
    "sequence": ("sequence", "seq"),
    "score": ("score",),
    "wild_type": ("wild_type",),
    "id": ("id",),
}
FORMATS = (".csv", ".tsv", ".jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One measured sequence (A C G U N)."""

    id: str
    sequence: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Assay:
    """Variants with measured scores. `direction`: which scores are fitter. `wild_type` None: nobody names one.

    `family`: the Rfam accession of the RNA, where it is known; `caveats`: what must be known to trust a figure on it.
    `sha256` is that of ids, sequences, scores, wild type and direction.
    """

    name: str
    variants: tuple[Variant, ...]
    wild_type: str | None = None
    direction: Direction = "higher"
    family: str | None = None
    licence: str | None = None
    source: str = ""
    caveats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.variants) < 3:
            message = f"{self.name}: {len(self.variants)} variants; a rank correlation needs at least 3"
            raise InputError(message)
        if self.wild_type is not None and "N" in self.wild_type:
            message = f"{self.name}: the wild type has an N at position {self.wild_type.index('N') + 1}"
            raise InputError(message)

    @property
    def mutants(self) -> tuple[Variant, ...]:
        """All but the wild type itself, whose score is 0 by definition under every convention."""
        return tuple(variant for variant in self.variants if variant.sequence != self.wild_type)

    def sampled(self, count: int, seed: int) -> "Assay":
        """So many of the mutants, drawn without replacement, in their old order; all of them where there are fewer."""
        if not 0 < count < len(self.mutants):
            return self
        places = np.sort(np.random.default_rng(seed).choice(len(self.mutants), count, replace=False))
        return replace(self, variants=tuple(self.mutants[at] for at in places))

    @property
    def substitutions_only(self) -> bool:
        """Whether all sequences are equally long, so that sites mean the same in all of them."""
        return len({len(variant.sequence) for variant in self.variants} | {len(self.wild_type or "")} - {0}) == 1

    @property
    def sha256(self) -> str:
        """Hash of all that decides a figure."""
        digest = hashlib.sha256(json.dumps([self.wild_type, self.direction]).encode())
        for one in self.variants:
            digest.update(json.dumps([one.id, one.sequence, one.score]).encode())
        return digest.hexdigest()


def read_assay(path: Path, *, wild_type: str = "", direction: Direction = "higher") -> Assay:
    """A table with the columns sequence (or seq) and score, if you like id and wild_type (equal in all rows).

    `wild_type` overrides the column. Raises: InputError naming file and line.
    """
    source = read_source(path)
    rows = list(_rows(source, path))
    variants, named = list[Variant](), dict[str, int]()
    ids, sequences = dict[str, int](), dict[str, int]()
    for line, row in rows:
        variant = _variant(source, line, row, len(variants))
        _once(source, line, "id", variant.id, ids)
        _once(source, line, "sequence of", variant.sequence, sequences, variant.id)
        variants.append(variant)
        if text := _text(row.get("wild_type")):
            named.setdefault(letters_at(source, "wild type", text, line, "reject")[0], line)
    if not variants:
        message = "no variants"
        raise source.error(message)
    if wild_type:
        named = {_given(wild_type): 0}
    if len(named) > 1:
        line = list(named.values())[1]
        message = "a second wild type: an assay has one, so give each its own file"
        raise source.error(message, line)
    return Assay(
        name=path.resolve().name,
        variants=tuple(variants),
        wild_type=next(iter(named), None),
        direction=direction,
        source=str(path),
    )


def _rows(source: Source, path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    ending = Path(path.name.removesuffix(".gz")).suffix.lower()
    if ending not in FORMATS:
        message = f"not a table of variants: expected {', '.join(FORMATS)} (may be gzipped)"
        raise source.error(message)
    found = _json_rows(source) if ending == ".jsonl" else _table_rows(source, "\t" if ending == ".tsv" else ",")
    for line, row in found:
        yield line, _known(source, line, row)


def _json_rows(source: Source) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line, text in source.numbered():
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except ValueError as error:
            message = f"not JSON: {error}"
            raise source.error(message, line) from error
        if not isinstance(row, dict):
            message = "not a JSON object"
            raise source.error(message, line)
        yield line, row


def _table_rows(source: Source, separator: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    header: list[str] = []
    for line, text in source.numbered():
        if not text.strip():
            continue
        cells = next(csv.reader([text], delimiter=separator))
        if not header:
            header = [cell.strip() for cell in cells]
        elif len(cells) != len(header):
            message = f"{len(cells)} cells, the header has {len(header)}"
            raise source.error(message, line)
        else:
            yield line, dict(zip(header, cells, strict=True))


def _known(source: Source, line: int, row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns we read, by our names."""
    found = {ours: row[name] for ours, names in _COLUMNS.items() for name in names if name in row}
    for needed in ("sequence", "score"):
        if needed not in found:
            message = f"no column {' or '.join(_COLUMNS[needed])}; there are {', '.join(map(str, row))}"
            raise source.error(message, line)
    return found


def _variant(source: Source, line: int, row: Mapping[str, Any], count: int) -> Variant:
    name = _text(row.get("id")) or f"variant {count + 1}"
    sequence, _ = letters_at(source, name, _text(row["sequence"]), line, "reject")
    try:
        score = float(row["score"])
    except (TypeError, ValueError) as error:
        message = f"{name}: score {row['score']!r} is not a number"
        raise source.error(message, line) from error
    if not math.isfinite(score) or isinstance(row["score"], bool):
        message = f"{name}: score {row['score']!r} is not a finite number; leave unmeasured variants out"
        raise source.error(message, line)
    return Variant(id=name, sequence=sequence, score=score)


def _once(source: Source, line: int, what: str, value: str, seen: dict[str, int], name: str = "") -> None:
    if value in seen:
        message = f"{what} {name or repr(value)} was already in line {seen[value]}; average repeated measurements first"
        raise source.error(message, line)
    seen[value] = line


def _given(wild_type: str) -> str:
    try:
        return normalise(wild_type.strip(), name="--wild-type")[0]
    except LetterError as error:
        raise InputError(str(error)) from error


def _text(value: object) -> str:
    """A cell's text; missing, null and blank are all empty."""
    return "" if value is None else str(value).strip()
