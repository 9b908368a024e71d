"""Members of an RNA's family from a user's sequences, by Infernal: searched and aligned with sequence and structure.

The alignments are structure-aware: the family's covariance model knows a structure.
Source: Nawrocki and Eddy 2013, doi:10.1093/bioinformatics/btt509.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rnaexp.data.homologs import Search, kept_rows
from rnaexp.errors import InputError, UnavailableError
from rnaexp.rna import ALIGNED_LETTERS, Alignment, Rna

_TOOLS = ("cmsearch", "cmalign")
_COMPLEMENT = str.maketrans("ACGUN", "UGCAN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A piece of a sequence that the model found, as it reads on its own strand; places from 1, backwards on minus."""

    sequence: int
    first: int
    last: int
    e_value: float

    def overlaps(self, other: "Hit") -> bool:
        """Whether both stand on one place of a sequence, on whichever strand."""
        (low, high), (first, last) = sorted((self.first, self.last)), sorted((other.first, other.last))
        return self.sequence == other.sequence and low <= last and first <= high

    def bases(self, sequence: str) -> str:
        """The piece's letters."""
        if self.first <= self.last:
            return sequence[self.first - 1 : self.last]
        return sequence[self.last - 1 : self.first].translate(_COMPLEMENT)[::-1]


class FamilyModel:
    """One covariance model (.cm), calibrated, and the programs that use it."""

    def __init__(self, path: Path) -> None:
        """Raises: UnavailableError (no Infernal), InputError (not one model)."""
        if missing := [tool for tool in _TOOLS if shutil.which(tool) is None]:
            message = (
                f"--family-model needs Infernal, and {' and '.join(missing)} cannot be found: install it (apt-get "
                "install infernal, conda install -c bioconda infernal), or leave the model out and nhmmer searches"
            )
            raise UnavailableError(message)
        try:
            models = len(re.findall(r"^INFERNAL1/", path.read_text(encoding="ascii"), re.MULTILINE))
        except (OSError, UnicodeDecodeError) as error:
            message = f"cannot be read as a covariance model: {error}"
            raise InputError(message, path=path) from error
        if models != 1:
            message = f"holds {models} covariance models in Infernal's text format; give one (cmfetch takes it out)"
            raise InputError(message, path=path)
        self.path = path

    def tool(self) -> str:
        """Name and version, as written into each file."""
        version = re.search(r"INFERNAL (\S+)", self._run("cmsearch", "-h"))
        return f"Infernal {version[1] if version else 'of unknown version'} cmsearch cmalign"

    def hits(self, rnas: Sequence[Rna], search: Search) -> list[Hit]:
        """Best first; raises InputError if the model is not calibrated."""
        with tempfile.TemporaryDirectory() as folder:
            database, table = Path(folder, "database.fa"), Path(folder, "hits")
            _write(database, [rna.sequence for rna in rnas])
            e_value = str(search.e_value)
            self._run("cmsearch", "--noali", "--cpu", "1", "-E", e_value, "--tblout", table, self.path, database)
            lines = [line.split() for line in table.read_text().splitlines() if not line.startswith("#")]
        hits = [
            Hit(sequence=int(each[0]), first=int(each[7]), last=int(each[8]), e_value=float(each[15])) for each in lines
        ]
        kept: list[Hit] = []
        for hit in sorted(hits, key=lambda hit: hit.e_value):
            # A hairpin's other strand is a hairpin: of two readings of one piece the better one is meant.
            if hit.e_value <= search.e_value and not any(hit.overlaps(better) for better in kept):
                kept.append(hit)
        return kept

    def aligned(self, rna: Rna, members: Sequence[tuple[str, str]], search: Search) -> Alignment:
        """`members` (name and bases, best first) in the RNA's own columns, filtered as nhmmer's hits are.

        What a member has between two columns of the model stands against nothing and is dropped.
        """
        with tempfile.TemporaryDirectory() as folder:
            sequences, out = Path(folder, "members.fa"), Path(folder, "aligned")
            _write(sequences, [rna.sequence, *(bases for _, bases in members)])
            self._run("cmalign", "--cpu", "1", "--outformat", "Pfam", "-o", out, self.path, sequences)
            rows, columns = _pfam(out.read_text())
        own = [at for at, letter in enumerate(rows[0]) if letter.isalpha()]
        found = [(name, _row(row, own, columns)) for (name, _), row in zip(members, rows[1:], strict=True)]
        kept = kept_rows(rna.sequence, found, search)
        return Alignment(
            names=(rna.id, *(name for name, _ in kept)),
            rows=(rna.sequence, *(row for _, row in kept)),
            structure_aware=True,
        )

    def _run(self, *command: object) -> str:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
        if done.returncode:
            output = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()
            message = f"{command[0]} failed: {' '.join(line.strip() for line in output if line.strip())[:300]}"
            if "no E-value parameters" in message:
                message += "; calibrate it first: cmcalibrate FILE"
            raise InputError(message, path=self.path)
        return done.stdout


def _write(path: Path, sequences: Sequence[str]) -> None:
    """Numbers for names: an id is data, never part of a program's format."""
    path.write_text("".join(f">{at}\n{sequence}\n" for at, sequence in enumerate(sequences)))


def _pfam(text: str) -> tuple[list[str], str]:
    """Rows in the order of their numbers, and the line that marks the model's columns."""
    rows: dict[int, str] = {}
    columns = ""
    for line in text.splitlines():
        if line.startswith("#=GC RF"):
            columns = line.split()[2]
        elif line and not line.startswith(("#", "/")):
            name, row = line.split()
            rows[int(name)] = row
    return [rows[at] for at in range(len(rows))], columns


def _row(row: str, own: Sequence[int], columns: str) -> str:
    letters = (row[at].upper() if columns[at] != "." and row[at].isalpha() else "-" for at in own)
    return "".join(letter if letter in ALIGNED_LETTERS else "N" for letter in letters)
