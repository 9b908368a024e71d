"""The verb that makes alignments; `cli.py` adds it to the others."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Give the program the verb."""
    app.command(epilog="Example: rnaexp msa my.fasta --database rnacentral.fasta --out alignments")(msa)


def msa(
    fasta: Annotated[Path, typer.Argument(help="Your RNAs: FASTA, or any format that can be read.")],
    database: Annotated[Path, typer.Option(help="Sequences to search: FASTA (or any format that can be read).")],
    out: Annotated[Path, typer.Option(help="Folder for one A2M file an RNA and msa.csv.")] = Path("alignments"),
    family_model: Annotated[
        Path | None,
        typer.Option(help="Covariance model of the RNAs' family (.cm): searched and aligned by Infernal, installed."),
    ] = None,
    rounds: Annotated[int, typer.Option(help="Searches, each with the profile of what the one before kept.")] = 2,
    e_value: Annotated[float, typer.Option(help="Largest E-value of a hit.")] = 1e-3,
    coverage: Annotated[float, typer.Option(help="Least share of the RNA that a row covers.")] = 0.5,
    identity: Annotated[float, typer.Option(help="A row this identical to a kept one is left out.")] = 0.9,
    max_rows: Annotated[int, typer.Option(help="Most rows, the most diverse ones (RNA-MSM reads 512).")] = 512,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Homologs of each RNA from your own sequences, aligned to it by nhmmer, or by Infernal with a family's model."""
    from rnaexp.experiment import msa as job

    job.msa(
        fasta,
        database,
        out,
        {"rounds": rounds, "e_value": e_value, "coverage": coverage, "identity": identity},
        family_model=family_model,
        max_rows=max_rows,
        json=json,
    )
