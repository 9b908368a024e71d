"""`rnaexp history`: what was decided of a registered model's aliases, as a table or as one JSON object."""

import json as json_format
import sys
from dataclasses import asdict

from rnaexp.report.table import show, table_of_words
from rnaexp.track.history import headings, replayed, row
from rnaexp.track.registry import history_of


def show_history(name: str, *, json: bool) -> None:
    """Oldest first, then what each alias names now.

    Raises: UnavailableError if there is no such model.
    """
    found, aliases = history_of(name)
    if json:
        record = {"name": name, "decisions": [asdict(one) for one in found], "aliases": aliases}
        sys.stdout.write(json_format.dumps(record) + "\n")
        return
    show(table_of_words(headings(), [row(one) for one in found]), name)
    decided = replayed(found)
    for alias in sorted({*aliases, *decided}):
        now, known = aliases.get(alias, "no version"), decided.get(alias, "no version")
        by_hand = "" if now == known else f", set by hand: the last decision left {known}"
        sys.stdout.write(f"{alias}: {now}{by_hand}\n")
