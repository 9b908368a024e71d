"""A tuned configuration as a folder that MLflow loads and serves anywhere, in a registry or without one.

rnaexp travels in it as source (`code/`), so that an environment with the folder's `requirements.txt` is enough.
"""

import json
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rnaexp.models import spec
from rnaexp.models.spec import ModelSpec
from rnaexp.plugins import BASELINES, MODELS, plugged
from rnaexp.structure.configuration import Configuration
from rnaexp.track.packaged import CONFIGURATION, WEIGHTS
from rnaexp.track.sealed import seal
from rnaexp.track.store import prepare
from rnaexp.track.ui import refuse_taken, until_stopped

_SERVED = Path(__file__).with_name("served.py")
_CODE = Path(__file__).parents[1]
# What prediction imports, and nothing else of what rnaexp needs; tests/track/test_deploy.py watches the imports.
_ALWAYS = ["beartype", "jaxtyping", "mlflow", "numba", "numpy", "pandas", "psutil"]
_ALWAYS += ["pydantic", "pyyaml", "safetensors", "scipy", "torch", "viennarna"]
_NO_NETWORK = ("rnaexp.models.baselines", "rnaexp.models.planted")  # every other loader imports transformers
_BY_SOURCE = {
    "hub": ("huggingface-hub", "httpx2"),
    "url": ("pooch",),
    "doi": ("pooch",),
    "drive": ("gdown",),
    "folder": (),
}


def write_model(folder: Path, found: Configuration, weights: Path | None = None, about: Any = None) -> None:
    """MLflow's model folder: rnaexp itself, the configuration, and the weights if wanted.

    `about`: the `mlflow.models.Model` of a run; None for a folder that belongs to none.
    """
    prepare()
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
            code_paths=[str(_CODE)],
            pip_requirements=requirements(found),
            model_config=SETTINGS,
        )
    seal(folder, found)


def serve_model(uri: str, *, host: str, port: int) -> int:
    """MLflow's own server of a model folder or `models:/` address, until Ctrl-C or SIGTERM stops it.

    Raises: UnavailableError if the port is taken.
    """
    refuse_taken(host, port)
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", uri, "--env-manager", "local"]
    # It starts its server by the name of a program that lies next to this Python.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return until_stopped([*command, "-h", host, "-p", str(port)], os.environ | {"PATH": path})


def requirements(found: Configuration) -> list[str]:
    """The packages that loading this model and predicting with it import, in the versions that are here.

    A copy of the weights in the folder needs nothing that downloads. A model that another package adds needs it.
    """
    about = spec(found.model)
    names = [*_ALWAYS, *([] if about.loader.startswith(_NO_NETWORK) else ["transformers"])]
    if found.packaged is None:
        names += _downloading(about)
    points = [plugged(group).get(found.model) for group in (MODELS, BASELINES)]
    names += [point.dist.name for point in points if point is not None and point.dist is not None]
    return [f"{name}=={version(name).partition('+')[0]}" for name in sorted(set(names))]


def _downloading(about: ModelSpec) -> list[str]:
    sources = [one for source in about.sources for one in (source, *source.beside)]
    return [name for source in sources for name in _BY_SOURCE[source.kind]]
