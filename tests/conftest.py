import contextlib
import os
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

# Files of long tests that share little: these go one by one to whichever worker is free, after all other files.
ONE_BY_ONE = {
    "tests/callbacks/test_probe.py",
    "tests/classify/test_classification_job.py",
    "tests/data/test_named_sets.py",
    "tests/experiment/test_tasks_in_processes.py",
    "tests/models/test_run_by_name.py",
    "tests/pretrain/test_on_real_seeds.py",
    "tests/run/test_first_commands.py",
    "tests/structure/test_retuning.py",
    "tests/test_faults.py",
    "tests/test_own_records.py",
    "tests/track/test_faults.py",
}


class _Scheduling(LoadScopeScheduling):
    """A file's tests are run by one worker, so that what they share is set up once."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file in ONE_BY_ONE:
            return nodeid
        return "tests/golden" if file.startswith("tests/golden/") else file  # they share the authors' models


def pytest_xdist_make_scheduler(config, log):
    """pytest-xdist's own `loadgroup` has no effect under pytest 9.2."""
    return _Scheduling(config, log)


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
