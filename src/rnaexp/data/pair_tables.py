"""Tables with one base or one pair a line: CT, BPSEQ and SPOT-RNA's label files. Positions count from 1."""

import re
from dataclasses import dataclass
from pathlib import Path

from rnaexp.data.letters import Unknown
from rnaexp.data.records import integer_at, letters_at, pair_at, refuse_duplicates, rna_at
from rnaexp.data.text import Source
from rnaexp.rna import Pair, Rna

_ENERGY_WORDS = re.compile(r"^(energy|dg|=|\[.*\]|[-+]?\d+(\.\d+)?|kcal/mol)$|^(energy|dg)=", re.IGNORECASE)
SPOT_HEADER = re.compile(r"^#\s*(\S+)\s+L\s*=\s*(\S+)\s*$")


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    letter: str
    partner: int


def read_bpseq(source: Source, unknown: Unknown = "reject") -> list[Rna]:
    """The one RNA of a BPSEQ file (`position letter partner`, partner 0: unpaired); its id is the file's stem."""
    rows: list[_Row] = []
    for number, line in source.numbered():
        words = line.split("#")[0].split()
        if words and not (not rows and words[0].lower().startswith(("filename", "organism", "accession", "citation"))):
            rows.append(_bpseq_row(source, words, number, len(rows) + 1))
    if not rows:
        message = "no base in this BPSEQ file"
        raise source.error(message)
    return [_from_rows(source, source.stem, rows, unknown)]


def _bpseq_row(source: Source, words: list[str], number: int, expected: int) -> _Row:
    if len(words) != 3:
        message = f"expected `position letter partner`, found {len(words)} fields"
        raise source.error(message, number)
    _in_order(source, words[0], number, expected)
    return _Row(number, words[1], integer_at(source, words[2], number, "partner"))


def _in_order(source: Source, text: str, number: int, expected: int) -> None:
    if integer_at(source, text, number, "position") != expected:
        message = f"position {text} where {expected} was expected: a line is missing or doubled"
        raise source.error(message, number)


def _from_rows(source: Source, name: str, rows: list[_Row], unknown: Unknown) -> Rna:
    for row in rows:
        if len(row.letter) != 1:
            message = f"{name}: {row.letter!r} is not one letter"
            raise source.error(message, row.line)
    text = "".join(row.letter for row in rows)
    sequence, changed = letters_at(source, name, text, rows[0].line, unknown, lambda at: rows[at - 1].line)
    pairs = [_row_pair(source, rows, at) for at, row in enumerate(rows, start=1) if row.partner != 0]
    return rna_at(source, rows[0].line, name=name, sequence=sequence, pairs=pairs, letters_changed=changed)


def _row_pair(source: Source, rows: list[_Row], position: int) -> Pair:
    row = rows[position - 1]
    pair = pair_at(source, position, row.partner, len(rows), row.line)
    back = rows[row.partner - 1].partner
    if back != position:
        message = f"base {position} pairs with {row.partner}, but base {row.partner} pairs with {back}"
        raise source.error(message, row.line)
    return pair


def read_ct(source: Source, unknown: Unknown = "reject") -> list[Rna]:
    """Every structure of a CT (connectivity table) file; the id is the header's first word that is no energy."""
    lines = [(number, line.split()) for number, line in source.numbered() if line.strip() and line[0] != "#"]
    found: list[tuple[Rna, int]] = []
    at = 0
    while at < len(lines):
        number, header = lines[at]
        count = integer_at(source, header[0], number, "number of bases")
        body = lines[at + 1 : at + 1 + max(count, 0)]
        if count < 1 or len(body) < count:
            message = f"header announces {count} bases, {len(body)} follow"
            raise source.error(message, number)
        name = next((word for word in header[1:] if not _ENERGY_WORDS.match(word)), source.stem)
        rows = [_ct_row(source, words, line, expected) for expected, (line, words) in enumerate(body, start=1)]
        found.append((_from_rows(source, name, rows, unknown), number))
        at += count + 1
    refuse_duplicates(source, ((rna.id, number) for rna, number in found))
    return [rna for rna, _ in found]


def _ct_row(source: Source, words: list[str], number: int, expected: int) -> _Row:
    if len(words) < 6:
        message = f"expected six fields (position letter previous next partner number), found {len(words)}"
        raise source.error(message, number)
    _in_order(source, words[0], number, expected)
    return _Row(number, words[1], integer_at(source, words[4], number, "partner"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PairLabels:
    """SPOT-RNA's label file: pairs without a sequence."""

    name: str
    length: int
    pairs: tuple[Pair, ...]


def read_spot_labels(source: Source) -> PairLabels:
    """A file that begins `# id L = n`, then `i j` a line; a base may stand in several pairs."""
    header = SPOT_HEADER.match(source.lines[0])
    if header is None:
        message = "expected the header `# id L = length`"
        raise source.error(message, 1)
    length = integer_at(source, header[2], 1, "length")
    pairs = [
        _label_pair(source, words, number, length)
        for number, line in source.numbered()
        if number > 1 and (words := line.split()) and words != ["i", "j"]
    ]
    return PairLabels(name=header[1], length=length, pairs=tuple(sorted(set(pairs))))


def _label_pair(source: Source, words: list[str], number: int, length: int) -> Pair:
    if len(words) != 2:
        message = f"expected `i j`, found {len(words)} fields"
        raise source.error(message, number)
    i, j = (integer_at(source, word, number, "position") for word in words)
    return pair_at(source, i, j, length, number)


def write_bpseq(path: Path, rna: Rna) -> None:
    """Write an RNA with known pairs, each base in one pair at most.

    Raises: ValueError if a base has two partners (BPSEQ cannot say so) or no reference is known.
    """
    partner = _partners(rna, "BPSEQ")
    rows = "".join(f"{at} {rna.sequence[at - 1]} {partner[at - 1]}\n" for at in range(1, len(rna) + 1))
    path.write_text(rows, encoding="utf-8")


def write_ct(path: Path, rna: Rna) -> None:
    """As `write_bpseq`, as a connectivity table; an id of several words keeps its first, which is all that CT holds."""
    partner, n = _partners(rna, "CT"), len(rna)
    rows = "".join(
        f"{at} {rna.sequence[at - 1]} {at - 1} {at + 1 if at < n else 0} {partner[at - 1]} {at}\n"
        for at in range(1, n + 1)
    )
    path.write_text(f"{n} {(rna.id.split() or ['RNA'])[0]}\n{rows}", encoding="utf-8")


def _partners(rna: Rna, form: str) -> list[int]:
    """The partner of each base from 1, 0 for none."""
    if rna.pairs is None:
        message = f"{rna.id}: no pairs are known, so none can be written"
        raise ValueError(message)
    partner = [0] * len(rna)
    for i, j in rna.pairs:
        if partner[i] or partner[j]:
            message = f"{rna.id}: base {i if partner[i] else j} has two partners: {form} cannot show it"
            raise ValueError(message)
        partner[i], partner[j] = j + 1, i + 1
    return partner
