"""Letters and their ids out of the vocab.txt beside a checkpoint, one token a line, whatever class wrote it."""

import re
from collections.abc import Sequence
from pathlib import Path

from rnaexp.errors import InputError
from rnaexp.models.tokens import Vocabulary

FILE = "vocab.txt"


def read_letters(
    folder: Path, *, model: str, before: Sequence[str], after: Sequence[str], pad: str, mask: str
) -> Vocabulary:
    """Single letters of the file; the special tokens by their names.

    Raises: InputError naming the file for a token that is missing or stands there twice.
    """
    path = folder / FILE
    if not path.is_file():
        message = f"no {FILE} here, so the ids of {model}'s letters are not known"
        raise InputError(message, path=folder)
    tokens = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    if twice := sorted({token for token in tokens if token and tokens.count(token) > 1}):
        message = f"{twice[0]!r} stands there twice"
        raise InputError(message, path=path)
    ids = {token: at for at, token in enumerate(tokens)}
    if missing := [token for token in (*before, *after, pad, mask) if token not in ids]:
        message = f"lacks the special token {missing[0]!r}"
        raise InputError(message, path=path)
    letters = {token: at for token, at in ids.items() if re.fullmatch("[ACGTUN]", token)}
    try:
        return Vocabulary(
            model=model,
            ids=letters,
            before=tuple(ids[token] for token in before),
            after=tuple(ids[token] for token in after),
            pad=ids[pad],
            mask=ids[mask],
        )
    except ValueError as error:
        raise InputError(str(error), path=path) from error
