"""Ids are data: a file name made from one is percent-encoded."""

import hashlib
from urllib.parse import quote

_MAX_BYTES = 160


def safe_name(name: str) -> str:
    """A file name for any id: no separator, no leading dot, no two ids with one name.

    >>> safe_name("../x y")
    '%2E%2E%2Fx%20y'
    >>> safe_name("1b23-1-R")
    '1b23-1-R'
    """
    encoded = quote(name, safe="").replace("~", "%7E").replace(".", "%2E")
    if len(encoded) <= _MAX_BYTES:
        return encoded
    return f"{encoded[:_MAX_BYTES]}+{hashlib.sha256(name.encode()).hexdigest()}"
