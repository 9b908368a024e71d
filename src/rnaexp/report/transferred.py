"""`rnaexp transfer`: what each store holds now."""

import json as json_format
import sys
from dataclasses import asdict

from rnaexp.report.table import show, table_of_words
from rnaexp.track.store import absolute, target
from rnaexp.track.transfer_counts import transfer


def transferred(uri: str, *, json: bool) -> int:
    """Exit status 0, or 1 where the stores differ. Raises: UnavailableError."""
    found = transfer(target(), absolute(uri))
    if json:
        sys.stdout.write(json_format.dumps([asdict(one) for one in found]) + "\n")
    else:
        lines = [(one.what, f"{one.source:,}", f"{one.target:,}") for one in found]
        show(table_of_words(("what", "here", "there"), lines))
    return int(any(one.source != one.target for one in found))
