"""The program answers as it did: help, JSON, CSV, MLflow, store and refusals, against the files beside this test.

A change that is meant: `python -m tests.frozen.make`, and its diff is part of the commit.
"""

import os
import subprocess
import sys

import pytest
import yaml

from .compare import differences
from .make import FAILED, FILES, MACHINE

NAMES = sorted(str(path.relative_to(FILES)) for path in FILES.rglob("*") if path.is_file() and path.name != MACHINE)
ROOT = FILES.parents[2]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """All of it in one process: what takes ten seconds to import is imported once."""
    place = tmp_path_factory.mktemp("frozen") / "files"
    done = subprocess.run(
        [sys.executable, "-m", "tests.frozen.make", str(place)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return place


@pytest.mark.parametrize("name", NAMES)
def test_it_is_as_it_was(found, name):
    assert (found / name).exists(), f"{name} is no longer written"
    same_bits = (FILES / MACHINE).read_text() == (found / MACHINE).read_text()
    told = differences(name, (FILES / name).read_text(), (found / name).read_text(), same_bits=same_bits)
    assert not told, f"{name}: " + "\n".join(told[:20])


def test_every_command_ends_as_it_did(found):
    failed = [f"{path.parent.name}: {path.read_text()}" for path in found.rglob(FAILED)]
    assert not failed, "\n".join(failed)


def test_nothing_is_new(found):
    new = {str(path.relative_to(found)) for path in found.rglob("*") if path.is_file()} - {*NAMES, MACHINE}
    assert not new, f"not frozen yet: {sorted(new)}; python -m tests.frozen.make"


def test_the_entry_points_of_mlflow_are_as_they_were():
    stored = yaml.safe_load((FILES.parent / "MLproject.yaml").read_text())
    assert yaml.safe_load((ROOT / "MLproject").read_text()) == stored
