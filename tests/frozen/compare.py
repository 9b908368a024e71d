"""Whether two frozen texts say the same: names and words to the letter, numbers to six digits."""

import csv
import io
import json
import math

_CLOSE = 2e-6  # a unit of the sixth digit, which another processor may round the other way


def differences(name, stored, found):
    """One line for each thing that is not as it was."""
    name = name.rstrip(".0123456789")  # a second run's file of the same name
    if name.endswith(".json"):
        return list(_of_values(json.loads(stored), json.loads(found), ""))
    if name.endswith(".csv"):
        return list(_of_tables(stored, found))
    if name.endswith("store_keys.txt"):
        return list(_of_names(stored.splitlines(), found.splitlines()))
    return list(_of_lines(stored.splitlines(), found.splitlines()))


def _of_values(old, new, place):
    if isinstance(old, dict) and isinstance(new, dict):
        yield from (f"{place}/{key}: is gone" for key in old if key not in new)
        yield from (f"{place}/{key}: is new" for key in new if key not in old)
        for key in (key for key in old if key in new):
            yield from _of_values(old[key], new[key], f"{place}/{key}")
        if list(old) != list(new) and set(old) == set(new):
            yield f"{place}: keys in another order: {', '.join(new)}"
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield f"{place}: {_short(old)} is now {_short(new)}"
            return
        for at, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _of_values(one, other, f"{place}/{at}")
    elif type(old) is not type(new) or not _same(old, new):
        yield f"{place}: {_short(old)} is now {_short(new)}"


def _of_tables(stored, found):
    old, new = (list(csv.reader(io.StringIO(text))) for text in (stored, found))
    if old[0] != new[0]:
        yield f"columns {', '.join(old[0])} are now {', '.join(new[0])}"
        return
    if len(old) != len(new):
        yield f"{len(old) - 1} rows are now {len(new) - 1}"
    for at, (one, other) in enumerate(zip(old[1:], new[1:], strict=False), start=1):
        for column, a, b in zip(old[0], one, other, strict=False):
            if not _same(a, b):
                yield f"row {at}, {column}: {a} is now {b}"
    for at, column in enumerate(old[0]):
        a, b = (max((_decimals(row[at]) for row in rows[1:] if at < len(row)), default=0) for rows in (old, new))
        if a != b and max(a, b) <= 6:  # more are noise
            yield f"{column}: {a} decimals are now {b}"


def _of_names(old, new):
    yield from (f"{key} is gone" for key in old if key not in new)
    yield from (f"{key} is new" for key in new if key not in old)


def _of_lines(old, new):
    for at in range(max(len(old), len(new))):
        one, other = (lines[at] if at < len(lines) else "<no line>" for lines in (old, new))
        if one != other and not all(_same(a, b) for a, b in zip(one.split(), other.split(), strict=False)):
            yield f"line {at + 1}: {one.strip()} is now {other.strip()}"


def _same(old, new):
    if old == new:
        return True
    if isinstance(old, bool):
        return False
    try:
        return math.isclose(float(old), float(new), rel_tol=_CLOSE, abs_tol=_CLOSE)
    except (TypeError, ValueError):
        return False


def _decimals(text):
    try:
        float(text)
    except ValueError:
        return 0
    return len(text.partition(".")[2])


def _short(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}..."
