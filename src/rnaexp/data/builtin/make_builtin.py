"""Make families.json.gz and PROVENANCE.md from the alignments of Debian's package infernal-doc.

    python -m rnaexp.data.builtin.make_builtin /usr/share/doc/infernal/examples/testsuite

The same sources give the same bytes.
"""

import argparse
import gzip
import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnaexp.data.builtin import FAMILIES_FILE
from rnaexp.data.download import file_sha256
from rnaexp.data.stockholm import Family, project, read_families
from rnaexp.data.text import read_source

RNAS_A_FAMILY = 8
MAX_ROWS = 128
CANONICAL = frozenset(("AU", "UA", "CG", "GC", "GU", "UG"))
PACKAGE = "infernal-doc 1.1.4-1 (Debian)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A usable family: its place in the package, and which side of the split it stands on.

    Clans are those of the package's Rfam.14.1.clanin; srp-euk.sto and rnaseP-eubact.sto carry no accession.
    """

    name: str
    file: str
    block: int
    clan: str | None
    split: str


CHOSEN = (
    Chosen(name="Vault", file="4.sto", block=1, clan=None, split="validation"),
    Chosen(name="U2", file="3.4.12.rf.stk", block=1, clan="CL00006", split="validation"),
    Chosen(name="RNaseP_bact", file="rnaseP-eubact.sto", block=0, clan="CL00002", split="validation"),
    Chosen(name="snR75", file="4.sto", block=2, clan="CL00045", split="validation"),
    Chosen(name="tRNA", file="4.sto", block=0, clan="CL00001", split="test"),
    Chosen(name="U1", file="3.4.12.rf.stk", block=0, clan="CL00005", split="test"),
    Chosen(name="U3", file="3.4.12.rf.stk", block=2, clan="CL00100", split="test"),
    Chosen(name="Plant_SRP", file="4.sto", block=3, clan="CL00003", split="test"),
    Chosen(name="Euk_SRP", file="srp-euk.sto", block=0, clan="CL00003", split="test"),
)


def choose_members(family: Family, count: int = RNAS_A_FAMILY) -> list[int]:
    """Diverse typical rows: no N, length and pairs near the family's, then each the least like those chosen.

    The first is the row whose length is nearest the median; ties go to the earlier row.
    """
    typical = _typical(family)
    lengths = {at: len(family.rows[at].replace("-", "")) for at in typical}
    median = statistics.median(lengths.values())
    chosen = [min(typical, key=lambda at: (abs(lengths[at] - median), at))]
    while len(chosen) < min(count, len(typical)):
        left = [at for at in typical if at not in chosen]
        chosen.append(min(left, key=lambda at: (max(_likeness(family, at, other) for other in chosen), at)))
    return sorted(chosen)


def _typical(family: Family) -> list[int]:
    lengths = [len(row.replace("-", "")) for row in family.rows]
    pairs = [len(project(family.consensus or (), row)) for row in family.rows]
    canonical = [_canonical_pairs(family, at) for at in range(len(family.rows))]
    return [
        at
        for at, row in enumerate(family.rows)
        if "N" not in row
        and abs(lengths[at] - statistics.median(lengths)) <= 0.15 * statistics.median(lengths)
        and pairs[at] >= 0.8 * statistics.median(pairs)
        and canonical[at] >= 0.75 * pairs[at]
    ]


def _canonical_pairs(family: Family, at: int) -> int:
    row = family.rows[at]
    return sum(row[i] + row[j] in CANONICAL for i, j in family.consensus or ())


def _likeness(family: Family, a: int, b: int) -> float:
    """Identical columns over the shorter row's bases."""
    first, second = family.rows[a], family.rows[b]
    same = sum(x == y != "-" for x, y in zip(first, second, strict=True))
    return same / min(len(first.replace("-", "")), len(second.replace("-", "")))


def kept_rows(family: Family, members: list[int], most: int = MAX_ROWS) -> list[int]:
    """The chosen rows and, up to `most` in all, evenly spaced others, in their order."""
    others = [at for at in range(len(family.rows)) if at not in members]
    room = min(most - len(members), len(others))
    return sorted(members + [others[place * len(others) // room] for place in range(room)])


def entry(chosen: Chosen, family: Family) -> dict[str, Any]:
    """One family as it is stored: columns without any base are cut, pairs count columns from 0."""
    members = choose_members(family)
    kept = kept_rows(family, members)
    columns = [at for at in range(len(family.rows[0])) if any(family.rows[row][at] != "-" for row in kept)]
    place = {column: at for at, column in enumerate(columns)}
    return {
        "name": chosen.name,
        "accession": family.tags.get("AC"),
        "clan": chosen.clan,
        "split": chosen.split,
        "evidence": family.evidence,
        "names": [family.names[row] for row in kept],
        "rows": ["".join(family.rows[row][at] for at in columns) for row in kept],
        "consensus": [[place[i], place[j]] for i, j in family.consensus or () if i in place and j in place],
        "members": [kept.index(row) for row in members],
        "source_rows": len(family.rows),
    }


def main() -> None:
    """Read the sources, write both files next to this script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the package's folder examples/testsuite")
    folder: Path = parser.parse_args().folder
    blocks = {name: list(read_families(read_source(folder / name), "mask")) for name in {c.file for c in CHOSEN}}
    entries = [entry(chosen, blocks[chosen.file][chosen.block]) for chosen in CHOSEN]
    text = json.dumps(entries, separators=(",", ":"), sort_keys=True)
    FAMILIES_FILE.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
    FAMILIES_FILE.with_name("PROVENANCE.md").write_text(provenance(folder, entries), encoding="utf-8")


def provenance(folder: Path, entries: list[dict[str, Any]]) -> str:
    """What was made from what, as the file next to the data says it."""
    sources = "\n".join(
        f"| {name} | {file_sha256(folder / name)} |" for name in sorted({chosen.file for chosen in CHOSEN})
    )
    families = "\n".join(
        f"| {made['name']} | {made['accession'] or '-'} | {made['clan'] or '-'} | {made['split']} "
        f"| {made['evidence'] or 'not stated'} | {chosen.file}, {chosen.block} | {made['source_rows']} "
        f"| {len(made['rows'])} | {len(made['members'])} | {len(made['consensus'])} |"
        for chosen, made in zip(CHOSEN, entries, strict=True)
    )
    return _PROVENANCE.format(
        package=PACKAGE,
        sources=sources,
        families=families,
        rnas=RNAS_A_FAMILY,
        rows=MAX_ROWS,
        sha256=file_sha256(FAMILIES_FILE),
    )


_PROVENANCE = """# Where the built-in set comes from

Source: {package}, folder `/usr/share/doc/infernal/examples/testsuite`. Command (writes this file too):
`python -m rnaexp.data.builtin.make_builtin /usr/share/doc/infernal/examples/testsuite`

| file | sha256 |
|---|---|
{sources}

`families.json.gz`: sha256 {sha256}

| family | Rfam | clan | split | evidence (#=GF SS) | file, block | rows there | rows here | RNAs | consensus pairs |
|---|---|---|---|---|---|---|---|---|---|
{families}

- **Licence.** Families with an accession are Rfam content: CC0. `srp-euk.sto` and `rnaseP-eubact.sto` (by the
  package's `00README`: Jim Brown's RNase P database) are not from Rfam and state no licence of their own; the
  package's copyright file puts its files, these two with them, under GPL-3 as a whole. What is taken from them here
  is facts (aligned sequences and a consensus structure); a user who must avoid any doubt removes both families.
- **RNAs.** Of the rows without N, within 15 % of the median length, with 80 % or more of the median number of pairs
  and 75 % or more of these canonical (a row that fits the consensus worse has another structure): the one nearest the
  median length, then each time the row least identical to those chosen, {rnas} in all if there are as many.
- **Pairs.** The consensus, dropped where the RNA has a gap in either column, and kept whatever the two letters are.
  It is the family's structure, not this RNA's own: what only this RNA has is missing.
- **Alignments.** At most {rows} rows a family: the chosen RNAs and evenly spaced others. For each RNA the columns
  where it has a gap are cut, and rows that are then equal are kept once. They were built with a structure.
- **Letters.** Ambiguity codes and X in the rows read as N; the chosen RNAs have none.
- **Split.** By family; a clan is never on both sides. snR75's consensus has no pairs: it is there for classification.
"""

if __name__ == "__main__":
    main()
