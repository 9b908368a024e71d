"""The one policy for letters: T becomes U, A C G U N stay, all else is refused by name or read as N and counted."""

import string
from typing import Literal

from rnaexp.rna import ALIGNED_LETTERS, LETTERS

# Letters other than A C G U T N: refused; N if they are IUPAC's codes for several bases; N if they can be typed at all.
Unknown = Literal["reject", "ambiguous", "mask"]

IUPAC = frozenset("RYSWKMBDHV")
_MASKABLE = frozenset(string.ascii_uppercase + string.digits + "*")
_READ_AS_N: dict[Unknown, frozenset[str]] = {"reject": frozenset(), "ambiguous": IUPAC, "mask": _MASKABLE}
_UPPER = str.maketrans(string.ascii_lowercase + "Tt", string.ascii_uppercase + "UU")
# A homolog's ambiguity code is an unknown base, not a slip of the user's.
_AMBIGUOUS = str.maketrans(dict.fromkeys(IUPAC, "N"))
GAPS = "-."


class LetterError(ValueError):
    """A letter that may not stand where it stands; `position` counts from 1."""

    def __init__(self, message: str, *, position: int) -> None:
        self.position = position
        super().__init__(message)


def normalise(text: str, *, name: str, unknown: Unknown = "reject") -> tuple[str, int]:
    """Sequence in A C G U N, and how many letters were read as N (T to U is not counted).

    Raises: LetterError naming the RNA, the letter and its position (from 1).
    """
    upper = text.translate(_UPPER)
    if not upper.strip(LETTERS):
        return upper, 0
    strange = [(at, letter) for at, letter in enumerate(upper) if letter not in LETTERS]
    for at, letter in strange:
        if letter not in _READ_AS_N[unknown]:
            raise LetterError(_refusal(name, text[at], at + 1), position=at + 1)
    sequence = list(upper)
    for at, _ in strange:
        sequence[at] = "N"
    return "".join(sequence), len(strange)


def changes_of(text: str) -> str:
    """What reading one RNA of this text changes, in words: letters read as N, by their positions in the sequence that
    is read (from 1), and the places where gaps are taken out; "" if nothing is (T to U is not counted)."""
    letters, gaps, base = list[str](), dict[int, int](), 0
    for letter in text.translate(_UPPER):
        if letter in GAPS:
            gaps[base] = gaps.get(base, 0) + 1
            continue
        base += 1
        letters += [] if letter in LETTERS else [f"{letter} at {base}"]
    found = [f"read as N: {', '.join(letters)}"] if letters else []
    places = ", ".join(f"{count} {f'after {after}' if after else 'before 1'}" for after, count in gaps.items())
    return "; ".join([*found, f"gaps removed: {places}"] if gaps else found)


def _refusal(name: str, letter: str, position: int) -> str:
    if letter in GAPS:
        advice = "a gap in an unaligned sequence; an alignment has the ending .a2m, .a3m or .sto"
    elif letter.upper() in _MASKABLE:
        advice = "only A C G U T N are read; N may stand for it"
    else:
        advice = "only A C G U T N are read"
    return f"{name}: letter {letter!r} at position {position}: {advice}"


def normalise_row(text: str, *, name: str, unknown: Unknown = "reject") -> str:
    """A homolog's aligned row: gaps as '-', ambiguity codes as N, the rest by the same policy.

    Raises: LetterError.
    """
    upper = text.translate(_UPPER).replace(".", "-").translate(_AMBIGUOUS)
    if not upper.strip(ALIGNED_LETTERS):
        return upper
    clean, _ = normalise(upper.replace("-", "A"), name=name, unknown=unknown)
    return "".join("-" if was == "-" else now for was, now in zip(upper, clean, strict=True))
