"""The table of formats in docs/fitness.md, each read as it is shown: `python tracking/assay_formats.py`."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from rnaexp.data.assay_tables import read_assay
from rnaexp.data.own import Fault
from rnaexp.data.table_layout import TableLayout
from rnaexp.errors import InputError

WILD = "GGACUUCGGUCC"


@dataclass(frozen=True)
class Format:
    """A table of a few rows, what one writes beside it, and the options in words."""

    title: str
    name: str
    lines: tuple[str, ...]
    options: str = ""
    wild_type: str = ""
    layout: TableLayout = field(default_factory=TableLayout)


FORMATS = (
    Format("whole sequences", "a.csv", ("sequence,score", "AGACUUCGGUCC,0.1", "GGCCUUCGGTCC,0.7", "GGACUUCGGUCG,0.4")),
    Format(
        "the same with a wild type, as TSV",
        "a.tsv",
        (
            "id\tseq\tscore\twild_type",
            f"x\tAGACUUCGGUCC\t0.1\t{WILD}",
            f"y\tGGCCUUCGGUCC\t0.7\t{WILD}",
            f"z\tGGACUUCGGUCG\t0.4\t{WILD}",
        ),
    ),
    Format(
        "JSON lines",
        "a.jsonl",
        tuple(f'{{"sequence": "{text}", "score": 0.1}}' for text in ("AGACUUCGGUCC", "GGCCUUCGGUCC", "GGACUUCGGUCG")),
    ),
    Format(
        "mutations, from 1",
        "a.csv",
        ("mutant,score", "G1A,0.1", "A3C:C12G,0.7", "C12G,0.4"),
        "--wild-type",
        WILD,
    ),
    Format(
        "mutations, from 0",
        "a.csv",
        ("mutant,score", "G0A,0.1", '"A2C,C11G",0.7', "C11G,0.4"),
        "--wild-type",
        WILD,
    ),
    Format(
        "mutations numbered along a gene",
        "a.csv",
        ("mutant,score", "G101A,0.1", "A103C;C112G,0.7", "C112G,0.4"),
        "--wild-type, --offset 101",
        WILD,
        TableLayout(first=101),
    ),
    Format(
        "mutations that fit 0 and 1",
        "a.csv",
        ("mutant,score", "G1A,0.1", "G1C,0.7", "G1U,0.4"),
        "--wild-type",
        WILD,
    ),
    Format(
        "RNAGym, NABench",
        "a.csv",
        ("mutant,DMS_score,sequence", "G1A,0.1,AGACUUCGGUCC", '"A3C,C12G",0.7,GGCCUUCGGUCG', "C12G,0.4,GGACUUCGGUCG"),
    ),
    Format(
        "the same of a library with N",
        "a.csv",
        ("mutant,DMS_score,sequence", "N1A,0.1,AGACUUCGGUCC", "N1C,0.7,CGACUUCGGUCC", "N1U,0.4,UGACUUCGGUCC"),
    ),
    Format(
        "MaveDB's scores",
        "a.csv",
        (
            "accession,hgvs_nt,hgvs_splice,hgvs_pro,score",
            "#1,n.1G>A,NA,NA,0.1",
            "#2,n.[3A>C;12C>G],NA,NA,0.7",
            "#3,n.12C>G,NA,NA,0.4",
            "#4,n.5del,NA,NA,0.2",
            "#5,n.2G>C,NA,NA,NA",
        ),
        "--wild-type",
        WILD,
    ),
    Format(
        "columns of other names",
        "a.csv",
        ("change,fitness", "G1A,0.1", "A3C C12G,0.7", "C12G,0.4"),
        "--wild-type, --mutant-column change, --score-column fitness",
        WILD,
        TableLayout(mutant_column="change", score_column="fitness"),
    ),
    Format(
        "another wild type",
        "a.csv",
        ("mutant,score", "A1C,0.1", "C3A,0.7", "U12G,0.4"),
        "--wild-type",
        WILD,
    ),
)


def outcome(one: Format, folder: Path) -> str:
    """What comes of reading it."""
    path, said = folder / one.name, list[str]()
    path.write_text("\n".join(one.lines) + "\n")

    def report(faults: Sequence[Fault], notes: Sequence[str]) -> None:
        said.extend(notes)
        said.extend(f"left out: {fault.name}: {fault.reason}" for fault in faults)

    try:
        assay = read_assay(path, wild_type=one.wild_type, layout=one.layout, report=report)
    except InputError as error:
        return f"refused: {error.message}"
    known = "wild type known" if assay.wild_type else "no wild type"
    return "; ".join([f"{len(assay.variants)} variants, {known}", *said])


def table() -> str:
    """A row for each format: its first two or three lines, the options, what is read."""
    rows = ["| table | its first lines | options | what is read |", "|---|---|---|---|"]
    with TemporaryDirectory() as folder:
        for one in FORMATS:
            lines = "<br>".join(f"`{line}`".replace("\t", " ⇥ ").replace("|", "\\|") for line in one.lines[:3])
            rows.append(f"| {one.title} | {lines} | {one.options} | {outcome(one, Path(folder))} |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
