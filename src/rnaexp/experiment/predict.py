"""Base pairs of a user's own RNAs by a tuned head; what can be refused is refused before torch is imported."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rnaexp.data.own import OwnRnas
from rnaexp.errors import REFUSED, InputError
from rnaexp.reading.processes import is_first_process
from rnaexp.tasks.pairs.settings import PredictSettings
from rnaexp.tasks.pairs.tuned import Load

_AS_SET = PredictSettings()
FORMATS = ("json", "bpseq", "ct", "svg", "map", "npy")


def refuse_formats(formats: Sequence[str]) -> None:
    """Raises: InputError for a format that is not known."""
    if unknown := next((form for form in formats if form not in FORMATS), None):
        message = f"--format {unknown!r}: must be one of {', '.join(FORMATS)}"
        raise InputError(message)


def predict(
    own: OwnRnas,
    out: Path,
    load: Load,
    *,
    formats: Sequence[str],
    settings: PredictSettings = _AS_SET,
    html: Path | None = None,
) -> None:
    """Load the model, and write what `experiment.predictions` writes; `formats`: besides pairs and structures.

    Under torchrun every process reads its share of the RNAs, and the first writes the files.
    Raises: InputError for a format that is not known, a head that cannot be drawn as the settings say, if nothing was
    predicted or, if `strict`, something was not; and what loading raises.
    """
    refuse_formats(formats)
    from rnaexp.experiment.predictions import read_share, write_predictions
    from rnaexp.reading.distributed import take_own_device

    take_own_device()
    if not is_first_process():
        with suppress(*REFUSED):  # the first process tells
            read_share(own, *load(), settings.long)
        return
    tuned, encoder = load()
    write_predictions(own, out, tuned, encoder, formats=formats, settings=settings, html=html)
