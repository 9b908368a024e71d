"""`rnaexp store`: what the store holds, as a table or as one JSON object."""

import json as json_format
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rnaexp.errors import UnavailableError
from rnaexp.reading import upkeep
from rnaexp.reading.store import RESULTS, Store, default_root
from rnaexp.report.table import show, table_of_words


def info(*, json: bool) -> None:
    """Files and bytes of each kind."""
    found = upkeep.holdings(_present())
    if not json:
        sys.stdout.write(f"{default_root()}\n")
    _show(found, json=json)


def verified(*, json: bool) -> int:
    """Read all of it: exit status 0, or 65 if something was not to be believed."""
    count, wrong = upkeep.verify(Store(_present()))
    if json:
        sys.stdout.write(json_format.dumps({"entries": count, "wrong": wrong}) + "\n")
    else:
        sys.stdout.write("".join(f"{name}: damaged, or of another key or format\n" for name in wrong))
        after = "; results are set aside and will be made again" if wrong else ""
        sys.stdout.write(f"{count} entries, {len(wrong)} of them wrong{after}\n")
    return 65 if wrong else 0


def collected(*, json: bool) -> None:
    """Remove what nothing can use, and say how much that was."""
    _show(upkeep.collect(_present()), json=json)


def merged(others: Sequence[Path], *, json: bool) -> int:
    """Bring stores together: exit status 0, or 65 if something of them was not to be believed."""
    if gone := next((str(other) for other in others if not (other / RESULTS).is_dir()), None):
        message = f"{gone}: no store (it has no folder {RESULTS})"
        raise UnavailableError(message)
    new, known, wrong = upkeep.merge(Store(), others)
    if json:
        sys.stdout.write(json_format.dumps({"new": new, "known": known, "wrong": wrong}) + "\n")
    else:
        sys.stdout.write("".join(f"{name}: damaged, or of another key or format; left out\n" for name in wrong))
        sys.stdout.write(f"{default_root()}: {new} entries are new, {known} were there, {len(wrong)} left out\n")
    return 65 if wrong else 0


def _present() -> Path:
    """Its folder. Raises: UnavailableError rather than make an empty one."""
    root = default_root()
    if not root.is_dir():
        message = f"{root}: no store here; RNAEXP_STORE names another"
        raise UnavailableError(message)
    return root


def _show(found: Sequence[upkeep.Holding], *, json: bool) -> None:
    if json:
        sys.stdout.write(
            json_format.dumps({"store": str(default_root()), "holds": [asdict(one) for one in found]}) + "\n"
        )
        return
    show(
        table_of_words(
            ("what", "files", "MB"), [(one.what, f"{one.files:,}", f"{one.bytes / 1e6:,.1f}") for one in found]
        )
    )
