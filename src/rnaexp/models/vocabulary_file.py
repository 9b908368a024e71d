"""Letters, k-mers and their ids out of the vocab.txt beside a checkpoint, one token a line, whatever class wrote it."""

from collections.abc import Sequence
from pathlib import Path

from rnaexp.errors import InputError
from rnaexp.models.tokens import Vocabulary, Words

FILE = "vocab.txt"


def read_ids(folder: Path) -> dict[str, int]:
    """Each token's id, which is its line from 0.

    Raises: InputError naming the file for one that is not there, or a token that stands there twice.
    """
    path = folder / FILE
    if not path.is_file():
        message = f"no {FILE} here, so the ids of its letters are not known"
        raise InputError(message, path=folder)
    tokens = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    ids = {token: at for at, token in enumerate(tokens)}
    if len(ids) != len(tokens):
        twice = next(token for at, token in enumerate(tokens) if token in tokens[:at])
        message = f"{twice!r} stands there twice"
        raise InputError(message, path=path)
    return ids


def read_words(
    folder: Path,
    *,
    model: str,
    letters: str,
    before: Sequence[str],
    after: Sequence[str],
    pad: str,
    mask: str,
    neighbours: bool = False,
) -> Vocabulary | Words:
    """Tokens of these letters, overlapping or (`neighbours`) side by side; the special tokens by their names.

    Raises: InputError naming the file for a token that is missing or stands there twice.
    """
    ids, path = read_ids(folder), folder / FILE
    if missing := [token for token in (*before, *after, pad, mask) if token not in ids]:
        message = f"lacks the special token {missing[0]!r}"
        raise InputError(message, path=path)
    words = {token: at for token, at in ids.items() if token and set(token) <= set(letters)}
    k = max(map(len, words), default=1)
    if {len(word) for word in words} != {k} or len(words) < 4**k:
        message = f"holds {len(words)} words of the letters {letters}; {model} needs all {4**k} of {k} letters"
        raise InputError(message, path=path)
    kind = Words if neighbours else Vocabulary
    return kind(
        model=model,
        ids=words,
        k=k,
        before=tuple(ids[token] for token in before),
        after=tuple(ids[token] for token in after),
        pad=ids[pad],
        mask=ids[mask],
    )
