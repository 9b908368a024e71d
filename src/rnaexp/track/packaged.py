"""The folder of a registered model's own files: the configuration and, if asked for, a copy of the weights."""

from pathlib import Path

from rnaexp.reading.store import read_json
from rnaexp.structure.configuration import Configuration

CONFIGURATION = "configuration.json"  # also the name of a run's artifact
STANDING = "standing.json"  # of a run: its head against the best control on the validation set
WEIGHTS = "weights"


def read_configuration(folder: Path) -> tuple[Configuration, Path | None]:
    """The configuration, and where the copy of its weights is (None without one).

    Raises: InputError naming the file.
    """
    found = Configuration.from_json(read_json(folder / CONFIGURATION))
    return found, folder / WEIGHTS if found.packaged is not None else None
