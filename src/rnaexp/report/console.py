"""Where tables are printed: as wide as the terminal, and a fixed width elsewhere, so that no column is cut in a log."""

import sys
from typing import Any


def console(width: int = 170) -> Any:
    """A rich console; names that came from data are printed with `markup=False`."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else width)
