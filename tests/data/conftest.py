import os
from pathlib import Path

import pytest


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
