"""How wide tables are: as the terminal or `COLUMNS` says, else wide enough that a log loses no column."""

import os
import sys
from typing import Any


def console(width: int = 170) -> Any:
    """A rich console; `width` where nothing says how wide. Print names that came from data with `markup=False`."""
    from rich.console import Console

    known = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Console(width=None if known else width)


def widen() -> None:
    """Let every table have all its columns from now on (`rnaexp --wide`)."""
    os.environ["COLUMNS"] = "1000"
