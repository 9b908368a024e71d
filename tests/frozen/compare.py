"""Whether two frozen texts say the same: names and words to the letter, numbers to six digits."""

import csv
import io
import json
import math
import operator
import re

_CLOSE = 2e-6  # of numbers below one: a unit of the sixth decimal, which another processor may round the other way
_CLOSE_IN_JSON = 1.1e-5  # relative, of numbers that were cut to six digits
_CLOSE_SCORES = 1e-5  # relative, of a network's own numbers in single precision: processors add them in other orders
_HASH = re.compile(r"\b[0-9a-f]{64}\b")


def differences(name, stored, found, *, same_bits):
    """One line for each thing that is not as it was.

    `same_bits`: whether this processor makes the random weights that the stored files were made with; elsewhere hashes
    of weights and of thresholds are others, and their number alone is compared.
    """
    name = name.rstrip(".0123456789")  # a second run's file of the same name
    if name.endswith("store_keys.txt"):
        return list(_of_names(stored.splitlines(), found.splitlines(), same_bits))
    if not same_bits:
        stored, found = (_HASH.sub("<hash>", text) for text in (stored, found))
    if name.endswith(".json"):
        return list(_of_values(json.loads(stored), json.loads(found), ""))
    if name.endswith((".csv", ".parquet")):
        return list(_of_tables(stored, found))
    same = operator.eq if name.endswith(".txt") else _same
    return list(_of_lines(stored.splitlines(), found.splitlines(), same))


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
    elif type(old) is not type(new) or not _same(old, new, _CLOSE_IN_JSON):
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
            if not _same(a, b, _CLOSE_SCORES if column == "score" else _CLOSE):
                yield f"row {at}, {column}: {a} is now {b}"
    a, b = (max((_decimals(cell) for row in rows[1:] for cell in row), default=0) for rows in (old, new))
    if a != b and max(a, b) <= 6:  # more are noise
        yield f"{a} decimals are now {b}"


def _of_names(old, new, same_bits):
    if not same_bits:
        old, new = ([f"a key, number {at}" for at, _ in enumerate(keys)] for keys in (old, new))
    yield from (f"{key} is gone" for key in old if key not in new)
    yield from (f"{key} is new" for key in new if key not in old)


def _of_lines(old, new, same):
    for at in range(max(len(old), len(new))):
        one, other = (lines[at] if at < len(lines) else "<no line>" for lines in (old, new))
        if not same(one, other):
            yield f"line {at + 1}: {one.strip()} is now {other.strip()}"


def _same(old, new, relative=_CLOSE):
    """Equal, or words that are equal and numbers that are close."""
    if old == new:
        return True
    if isinstance(old, str):
        words, others = old.split(), new.split()
        if len(words) > 1:
            return len(words) == len(others) and all(map(_same, words, others))
    try:
        return not isinstance(old, bool) and math.isclose(float(old), float(new), rel_tol=relative, abs_tol=_CLOSE)
    except (TypeError, ValueError):
        return False


def _decimals(text):
    return len(text.partition(".")[2]) if re.fullmatch(r"-?\d+\.\d+", text) else 0


def _short(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}..."
