"""`rnaexp serve`: a model with its head as a server, or as a folder that MLflow loads; no registry is needed."""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnaexp.errors import InputError
from rnaexp.tasks.pairs.tuned import Load


def save(load: Load, loading: Mapping[str, Any], out: Path) -> None:
    """Write the folder.

    Raises: InputError if there is one already, and what loading raises.
    """
    if out.exists():
        message = "is there already; give a new folder"
        raise InputError(message, path=out)
    _write(load, loading, out)
    sys.stdout.write(f"mlflow.pyfunc.load_model({str(out)!r}); mlflow models serve -m {out} --env-manager local\n")


def serve(load: Load, loading: Mapping[str, Any], *, host: str, port: int) -> int:
    """Serve the model until it is stopped.

    Raises: UnavailableError if the port is taken, and what loading raises.
    """
    from rnaexp.track.model_folder import serve_model

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        _write(load, loading, folder)
        return serve_model(str(folder), host=host, port=port)


def _write(load: Load, loading: Mapping[str, Any], folder: Path) -> None:
    from rnaexp.structure.configuration import configuration
    from rnaexp.track.model_folder import write_model

    tuned, encoder = load()
    write_model(folder, configuration(encoder.spec, tuned, loading, alignment="intact"))
