"""Stockholm family alignments with a consensus structure.

Ours, not pyhmmer's (the oracle of its tests): errors need their line, and the evidence of a structure stands in
`#=GF SS`, which Easel does not pass on. Tags are compared whole, so `#=GC SS_cons2` is never joined to `SS_cons`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from rnaexp.data.alignments import digest, in_coordinates_of, row_at
from rnaexp.data.letters import GAPS, Unknown
from rnaexp.data.records import letters_at, refuse_duplicates, structure_at
from rnaexp.data.text import Source
from rnaexp.rna import Pair, Rna

_HEADER = "# STOCKHOLM 1."


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One alignment block: rows in A C G U N and '-', the consensus pairs in its columns, its `#=GF` tags."""

    names: tuple[str, ...]
    rows: tuple[str, ...]
    consensus: tuple[Pair, ...] | None
    tags: Mapping[str, str]
    source_sha256: str
    first_letters_changed: int = 0

    @property
    def title(self) -> str | None:
        """The family's name, else its accession."""
        return self.tags.get("ID") or self.tags.get("AC")

    @property
    def evidence(self) -> Literal["published", "predicted"] | None:
        """How the structure is known by the first word of `#=GF SS`; None where it says neither."""
        note = self.tags.get("SS", "").lower()
        return "published" if note.startswith("published") else "predicted" if note.startswith("predicted") else None

    def member(self, index: int) -> Rna:
        """A row as an RNA: consensus pairs kept where it has both bases (whatever these are), its own alignment."""
        sequence = self.rows[index].replace("-", "")
        return Rna(
            id=self.names[index],
            sequence=sequence,
            pairs=None if self.consensus is None else project(self.consensus, self.rows[index]),
            alignment=in_coordinates_of(
                index, self.names, self.rows, sequence, source_sha256=self.source_sha256, structure_aware=True
            ),
            family=self.title,
            letters_changed=self.first_letters_changed if index == 0 else 0,
        )


def project(consensus: Iterable[Pair], row: str) -> tuple[Pair, ...]:
    """Column pairs in the coordinates of one row; a pair is dropped where the row has a gap in either column."""
    position: dict[int, int] = {}
    for column, letter in enumerate(row):
        if letter != "-":
            position[column] = len(position)
    return tuple(sorted((position[i], position[j]) for i, j in consensus if i in position and j in position))


def read_stockholm(source: Source, unknown: Unknown = "reject") -> list[Rna]:
    """The first row of each block as an RNA with its alignment, as for A2M."""
    found = list(_blocks(source))
    refuse_duplicates(source, ((next(iter(block.rows)), block.line) for block in found))
    file_hash = digest(source)
    return [_family(source, block, unknown, file_hash).member(0) for block in found]


def read_families(source: Source, unknown: Unknown = "reject") -> Iterator[Family]:
    """Every block with all its rows."""
    file_hash = digest(source)
    return (_family(source, block, unknown, file_hash) for block in _blocks(source))


class _Block:
    """A block while it is read: wrapped rows grow piece by piece."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.rows: dict[str, list[str]] = {}
        self.lines: dict[str, int] = {}
        self.tags: dict[str, str] = {}
        self.consensus: list[str] = []
        self.consensus_line = line


def _blocks(source: Source) -> Iterator[_Block]:
    block: _Block | None = None
    for number, line in source.numbered():
        if line.startswith(_HEADER):
            if block is not None:
                message = f"a new alignment begins, but that of line {block.line} was not closed by //"
                raise source.error(message, number)
            block = _Block(number)
        elif line.strip() and block is None:
            message = "expected the header `# STOCKHOLM 1.0`"
            raise source.error(message, number)
        elif block is not None and line.strip() == "//":
            yield _closed(source, block, number)
            block = None
        elif block is not None and line.strip():
            _read_line(source, block, line, number)
    if block is not None:
        message = "the file ends inside an alignment: // is missing"
        raise source.error(message, len(source.lines))


def _closed(source: Source, block: _Block, number: int) -> _Block:
    if not block.rows:
        message = "an alignment without rows"
        raise source.error(message, number)
    return block


def _read_line(source: Source, block: _Block, line: str, number: int) -> None:
    words = line.split()
    if words[0] == "#=GF" and len(words) > 2:
        block.tags.setdefault(words[1], " ".join(words[2:]))
    elif words[0] == "#=GC" and words[1:2] == ["SS_cons"]:
        if len(words) != 3:
            message = f"`#=GC SS_cons` needs one string of symbols, found {len(words) - 2}"
            raise source.error(message, number)
        block.consensus.append(words[2])
        block.consensus_line = number
    elif not words[0].startswith("#"):
        _read_row(source, block, words, number)


def _read_row(source: Source, block: _Block, words: list[str], number: int) -> None:
    if len(words) != 2:
        message = f"expected `name aligned-letters`, found {len(words)} fields"
        raise source.error(message, number)
    name, letters = words
    block.lines.setdefault(name, number)
    pieces = block.rows.setdefault(name, [])
    pieces.append(letters)
    if len(pieces) > len(next(iter(block.rows.values()))):
        message = f"row {name}: given twice (first in line {block.lines[name]})"
        raise source.error(message, number)


def _family(source: Source, block: _Block, unknown: Unknown, file_hash: str) -> Family:
    texts = {name: "".join(pieces) for name, pieces in block.rows.items()}
    first, columns = next(iter(texts)), len(next(iter(texts.values())))
    bases = "".join(letter for letter in texts[first] if letter not in GAPS)
    _, changed = letters_at(source, first, bases, block.lines[first], unknown)
    rows = tuple(row_at(source, name, text, block.lines[name], columns, unknown) for name, text in texts.items())
    consensus = None
    if block.consensus:
        consensus = structure_at(source, "SS_cons", "".join(block.consensus), columns, block.consensus_line)
    return Family(
        names=tuple(texts),
        rows=rows,
        consensus=consensus,
        tags=block.tags,
        source_sha256=file_hash,
        first_letters_changed=changed,
    )
