"""A tuned configuration as a folder that MLflow loads and serves, in a registry or without one."""

import json
import os
import sys
import tempfile
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

from rnaexp.structure.configuration import Configuration
from rnaexp.track.packaged import CONFIGURATION, WEIGHTS
from rnaexp.track.ui import refuse_taken, until_stopped

_SERVED = Path(__file__).with_name("served.py")


def write_model(folder: Path, found: Configuration, weights: Path | None = None, about: Any = None) -> None:
    """MLflow's model folder: our one line of code, the configuration, and the weights if asked for.

    `about`: the `mlflow.models.Model` of a run; None for a folder that belongs to none.
    """
    import mlflow.pyfunc
    import pandas as pd

    from rnaexp.track.pyfunc import EXAMPLE, SETTINGS, SIGNATURE

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / CONFIGURATION
        path.write_text(json.dumps(found.to_json(), indent=1), encoding="utf-8")
        mlflow.pyfunc.save_model(
            path=str(folder),
            mlflow_model=about,
            python_model=str(_SERVED),
            artifacts={"configuration": str(path)} | ({} if weights is None else {WEIGHTS: str(weights)}),
            signature=SIGNATURE,
            input_example=pd.DataFrame([EXAMPLE]),
            pip_requirements=_requirements(),
            model_config=SETTINGS,
        )


def serve_model(uri: str, *, host: str, port: int) -> int:
    """MLflow's own server of a model folder or `models:/` address, until Ctrl-C or SIGTERM stops it.

    Raises: UnavailableError if the port is taken.
    """
    refuse_taken(host, port)
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", uri, "--env-manager", "local"]
    # It starts its server by the name of a program that lies beside this Python.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return until_stopped([*command, "-h", host, "-p", str(port)], os.environ | {"PATH": path})


def _requirements() -> list[str]:
    """What rnaexp needs, in the versions that are here; itself it is not on PyPI, so its name must not be asked for."""
    wanted = [line.partition(";") for line in requires("rnaexp") or ()]
    names = [
        line.split(">")[0].split("=")[0].split("<")[0].split("[")[0].strip() for line, _, mark in wanted if not mark
    ]
    return [f"{name}=={version(name).partition('+')[0]}" for name in names]
