"""`rnaexp msa`: an alignment of homologs for each RNA of a file, for the models that read alignments."""

import csv
import io
import json as json_format
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from rnaexp.data.atomic import write_atomically
from rnaexp.data.csv_text import neutral_rows
from rnaexp.data.download import file_sha256
from rnaexp.data.formats import read_rnas
from rnaexp.data.homologs import Database, Search
from rnaexp.data.infernal import FamilyModel
from rnaexp.data.names import safe_name
from rnaexp.errors import InputError
from rnaexp.models.rows import select_rows
from rnaexp.progress import announce, say
from rnaexp.rna import Alignment, Rna

TABLE = "msa.csv"


def msa(
    fasta: Path,
    database: Path,
    out: Path,
    search: Mapping[str, Any],
    *,
    family_model: Path | None,
    max_rows: int,
    json: bool,
) -> None:
    """From words; raises InputError for a value that is not allowed."""
    if max_rows < 1:
        message = f"--max-rows {max_rows}: must be at least 1"
        raise InputError(message)
    try:
        wanted = Search(**search)
    except ValueError as error:
        raise InputError(str(error)) from error
    make_alignments(fasta, database, out, wanted, family_model=family_model, max_rows=max_rows, json=json)


def make_alignments(
    fasta: Path,
    database: Path,
    out: Path,
    search: Search,
    *,
    family_model: Path | None = None,
    max_rows: int,
    json: bool,
) -> None:
    """One A2M file an RNA and a table: depth, Neff, tool, database hash; an RNA without homologs has depth 1.

    RNAs with reference pairs: their own file goes along, so that the folder is a set to test on.

    `family_model`: a covariance model that Infernal searches and aligns with, instead of nhmmer's profiles.

    Raises: InputError for malformed input, or an output folder that already holds something else.
    """
    rnas = read_rnas(fasta)
    if out.exists() and not out.is_dir():
        message = "not a folder"
        raise InputError(message, path=out)
    sequences = read_rnas(database, unknown="mask")
    find: Finder = _ByModel(family_model, sequences, search) if family_model else _ByProfile(sequences, search)
    digest = file_sha256(database)
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    with announce(f"homologs in {database.name}", len(rnas)) as advance:
        for rna in rnas:
            found, note = find(rna)
            alignment = found.chosen(select_rows(found, max_rows))  # the most diverse rows, as RNA-MSM reads them
            path = out / f"{safe_name(rna.id)}.a2m"
            write_atomically(path, _a2m(rna, alignment, find.tool, digest).encode())
            rows.append(_facts(rna, alignment, path, note, find.tool, digest))
            advance(1)
    if fasta.is_file() and any(rna.pairs for rna in rnas):
        write_atomically(out / fasta.name, fasta.read_bytes())
    write_atomically(out / TABLE, _table(rows).encode())
    _show(rows, out, json=json)


class Finder(Protocol):
    """Finds and aligns the homologs of an RNA; `tool` goes into each file."""

    tool: str

    def __call__(self, rna: Rna) -> tuple[Alignment, str]:
        """The alignment, and a remark on it."""
        ...


class _ByProfile:
    """nhmmer, its profile made of the RNA itself."""

    def __init__(self, sequences: Sequence[Rna], search: Search) -> None:
        self.source, self.search = Database(sequences), search
        self.tool = f"pyhmmer {version('pyhmmer')} nhmmer"

    def __call__(self, rna: Rna) -> tuple[Alignment, str]:
        found = self.source.homologs(rna, self.search)
        return found, "no homologs" if found.depth == 1 else ""


class _ByModel:
    """Infernal: the database is searched once, each RNA must be a member of the family itself."""

    def __init__(self, path: Path, sequences: Sequence[Rna], search: Search) -> None:
        self.model, self.search = FamilyModel(path), search
        self.tool = f"{self.model.tool()} sha256:{file_sha256(path)}"
        self.members = [
            (f"{sequences[hit.sequence].id}/{hit.first}-{hit.last}", hit.bases(sequences[hit.sequence].sequence))
            for hit in self.model.hits(sequences, search)
        ]

    def __call__(self, rna: Rna) -> tuple[Alignment, str]:
        if not self.model.hits([rna], self.search):
            return Alignment(names=(rna.id,), rows=(rna.sequence,)), "not found by the family's model"
        found = self.model.aligned(rna, self.members, self.search)
        return found, "no homologs" if found.depth == 1 else ""


def _a2m(rna: Rna, alignment: Alignment, tool: str, digest: str) -> str:
    """The first header says how it was made; a reader takes its first word as the id."""
    made = f"depth={alignment.depth} neff={alignment.neff():.2f} tool={tool.replace(' ', '-')} database=sha256:{digest}"
    first = f">{rna.id} {made}\n{alignment.rows[0]}\n"
    rest = zip(alignment.names[1:], alignment.rows[1:], strict=True)
    return first + "".join(f">{name}\n{row}\n" for name, row in rest)


def _facts(rna: Rna, alignment: Alignment, path: Path, note: str, tool: str, digest: str) -> dict[str, Any]:
    return {
        "rna": rna.id,
        "file": path.name,
        "depth": alignment.depth,
        "neff": round(alignment.neff(), 2),
        "note": note,
        "tool": tool,
        "database_sha256": digest,
    }


def _table(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([list(rows[0]), *neutral_rows([list(row.values()) for row in rows])])
    return text.getvalue()


def _show(rows: list[dict[str, Any]], out: Path, *, json: bool) -> None:
    alone = [row["rna"] for row in rows if row["depth"] == 1]
    if alone:
        say(f"{len(alone)} RNAs without homologs, depth 1: {', '.join(alone[:5])}")
    if json:
        sys.stdout.write(json_format.dumps({"out": str(out), "rnas": rows}) + "\n")
    else:
        sys.stdout.write(f"{len(rows)} alignments and {TABLE} in {out}\n")
