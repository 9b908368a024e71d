import contextlib
import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _no_shared_state(monkeypatch, tmp_path):
    """No test sees the user's store, tracking server or running MLflow run."""
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RNAEXP_STORE", str(tmp_path / "store"))


@pytest.fixture
def announce():
    @contextlib.contextmanager
    def quiet(what, rnas):
        yield lambda done: None

    return quiet


@pytest.fixture
def mirror() -> Path:
    """The mirror of public files; tests that ask for it are skipped without one."""
    if not os.environ.get("RNAEXP_MIRROR"):
        pytest.skip("RNAEXP_MIRROR is not set: no mirror of the public files to compare with")
    return Path(os.environ["RNAEXP_MIRROR"])


@pytest.fixture
def derived(mirror: Path) -> Path:
    """The same public data, parsed by other code."""
    folder = mirror.parent / "derived"
    if not folder.is_dir():
        pytest.skip(f"{folder} is missing: no independently parsed data beside the mirror")
    return folder
