"""Writes the list of clans that no checkpoint of ours may be trained on.

`python -m rnaexp.pretrain.make_exclusions OVERLAP.tsv [Rfam.seed] > experiments/pretrain/excluded_rfam.tsv`

OVERLAP.tsv: one line an RNA with `set`, `id` and four columns of Rfam accessions (`best_family`,
`equal_to_seed_row_of`, `inside_seed_row_of`, `contains_seed_row_of`; "-" for none, commas between several).
"""

import csv
import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from rnaexp.data import builtin
from rnaexp.data.rfam import read_seed, seed_path
from rnaexp.data.rfam_split import accession, clan, side

_COLUMNS = ("best_family", "equal_to_seed_row_of", "inside_seed_row_of", "contains_seed_row_of")


def reasons(overlap: Path) -> dict[str, str]:
    """Accession or clan to why it must not be trained on."""
    found = {str(family["accession"] or family["clan"]): f"builtin {family['name']}" for family in builtin._families()}
    with overlap.open() as file:
        for row in csv.DictReader(file, delimiter="\t"):
            named = {name for column in _COLUMNS for name in row[column].split(",")} - {"-"}
            for name in sorted(named):
                found.setdefault(name, f"{row['set']} {row['id']}")
    return found


def lines(overlap: Path, seed: Path) -> Iterable[str]:
    """The table: each family of each clan that a reason names."""
    families = {accession(family): family for family in read_seed(seed)}
    why: dict[str, str] = {}
    for name, reason in reasons(overlap).items():
        why.setdefault(clan(families[name]) if name in families else name, f"{name}: {reason}")
    yield f"# Made by rnaexp.pretrain.make_exclusions from {overlap.name} (sha256 {_sha256(overlap)})"
    yield f"# and {seed.name} (sha256 {_sha256(seed)}). All families of each clan named are left out of training."
    yield "clan\taccession\tside\treason"
    for name, reason in sorted(why.items()):
        members = sorted(key for key, family in families.items() if clan(family) == name)
        for member in members:
            yield f"{name}\t{member}\t{side(families[member])}\t{reason}"
        if not members:
            yield f"{name}\t-\t-\t{reason} (no such family in the seed file)"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    for line in lines(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else seed_path()):
        print(line)  # noqa: T201  the file itself
