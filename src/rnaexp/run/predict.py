"""Base pairs of a user's own RNAs by a tuned head; what can be refused is refused before torch is imported."""

from collections.abc import Sequence
from pathlib import Path

from rnaexp.data.formats import read_rnas
from rnaexp.data.letters import Unknown
from rnaexp.errors import InputError
from rnaexp.models.choices import Long
from rnaexp.run.tuned import Load

FORMATS = ("json", "bpseq", "ct", "svg", "map", "npy")


def predict(
    fasta: Path, out: Path, load: Load, *, unknown: Unknown, formats: Sequence[str], long: Long = "skip"
) -> None:
    """Read the RNAs, load the model, write what `run.predictions` writes.

    `formats`: what is written besides pairs and dot-brackets.

    Raises: InputError for a format that is not known, and what reading and loading raise.
    """
    if unknown_format := next((form for form in formats if form not in FORMATS), None):
        message = f"--format {unknown_format!r}: must be one of {', '.join(FORMATS)}"
        raise InputError(message)
    rnas = read_rnas(fasta, unknown=unknown)
    from rnaexp.run.predictions import write_predictions

    tuned, encoder = load()
    write_predictions(rnas, fasta.name, out, tuned, encoder, formats=formats, long=long)
