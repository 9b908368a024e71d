import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .servers import Postgres


@pytest.fixture(scope="session")
def ready_database(tmp_path_factory):
    # Migrating a fresh SQLite file takes 3 s; one is enough for the tests that are not about that.
    folder = tmp_path_factory.mktemp("template")
    code = "from rnaexp.track.store import Target, client\nimport sys\nclient(Target(uri=sys.argv[1], experiment='x'))"
    code += ".search_experiments(max_results=1)"
    subprocess.run([sys.executable, "-c", code, f"sqlite:///{folder / 'mlflow.db'}"], check=True)
    return folder / "mlflow.db"


@pytest.fixture
def clean(tmp_path, monkeypatch):
    """An empty working directory, and no MLflow variable from outside."""
    for name in list(os.environ):
        if name.startswith("MLFLOW_") or name == "RNAEXP_STORE":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def place(clean, ready_database):
    """A working directory whose SQLite store is ready."""
    shutil.copy(ready_database, clean / "mlflow.db")
    return clean


@pytest.fixture
def mlflow_of():
    """A function that opens MLflow's own client on a folder's SQLite file or a URI: the independent witness."""
    from mlflow import MlflowClient

    def open_client(store: Path | str) -> MlflowClient:
        return MlflowClient(store if isinstance(store, str) else f"sqlite:///{store / 'mlflow.db'}")

    return open_client


@pytest.fixture(scope="module")
def cluster():
    """A PostgreSQL server of the test file's own."""
    made = Postgres()
    made.start()
    yield made
    made.remove()
