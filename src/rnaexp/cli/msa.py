"""The verb that makes alignments; `cli.py` adds it to the others."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import Field

from rnaexp.cli.options import Json
from rnaexp.cli.settings import with_settings
from rnaexp.settings import SettingsBase


class MsaSettings(SettingsBase):
    """How homologs are searched and which of them are kept."""

    rounds: int = Field(default=2, ge=1, description="Searches, each with the profile of what the one before kept.")
    e_value: float = Field(default=1e-3, gt=0, description="Largest E-value of a hit.")
    coverage: float = Field(default=0.5, ge=0, le=1, description="Least share of the RNA that a row covers.")
    identity: float = Field(default=0.9, gt=0, le=1, description="A row this identical to a kept one is left out.")
    max_rows: int = Field(default=512, ge=1, description="Most rows, the most diverse ones (RNA-MSM reads 512).")


def register(app: typer.Typer) -> None:
    """Give the program the verb."""
    app.command(epilog="Example: rnaexp msa my.fasta --database rnacentral.fasta --out alignments")(msa)


@with_settings
def msa(
    fasta: Annotated[Path, typer.Argument(help="Your RNAs: FASTA, or any format that can be read.")],
    database: Annotated[Path, typer.Option(help="Sequences to search: FASTA (or any format that can be read).")],
    settings: MsaSettings,
    out: Annotated[Path, typer.Option(help="Folder for one A2M file an RNA and msa.csv.")] = Path("alignments"),
    family_model: Annotated[
        Path | None,
        typer.Option(help="Covariance model of the RNAs' family (.cm): searched and aligned by Infernal, installed."),
    ] = None,
    json: Json = False,
) -> None:
    """Search your own sequences for homologs of each RNA and align them, by nhmmer or by Infernal."""
    from rnaexp.experiment import msa as job

    search = settings.model_dump(exclude={"max_rows"})
    job.msa(fasta, database, out, search, family_model=family_model, max_rows=settings.max_rows, json=json)
