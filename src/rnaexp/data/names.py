"""Ids are data: a file name made from one is percent-encoded."""

import hashlib
from collections.abc import Sequence
from itertools import count
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


def distinct(names: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """The names in order, no two alike, and which were changed to what: a second of a name gets the next free `.2`.

    >>> distinct(["a", "a", "b", "a.2"])
    (['a', 'a.3', 'b', 'a.2'], [('a', 'a.3')])
    """
    taken, seen, renamed = set(names), set[str](), list[tuple[str, str]]()
    found = []
    for name in names:
        new = name
        if name in seen:
            new = next(free for at in count(2) if (free := f"{name}.{at}") not in taken)
            taken.add(new)
            renamed.append((name, new))
        seen.add(name)
        found.append(new)
    return found, renamed


def renamed_note(renamed: Sequence[tuple[str, str]]) -> str:
    """One line about what `distinct` changed."""
    first = ", ".join(f"{old} is now {new}" for old, new in renamed[:3])
    return f"{len(renamed)} names stood before: {first}{', ...' if len(renamed) > 3 else ''}"
