"""Letters, k-mers and their ids from the vocab.txt next to a checkpoint, one token a line, whatever wrote it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


# What the tokens round a sequence, its filling and its hiding are called, by BERT's, ESM's and RoBERTa's habits.
_BEFORE = ("[CLS]", "<cls>", "<s>", "<bos>", "<|bos|>")
_AFTER = ("[SEP]", "<eos>", "</s>", "<sep>", "<|eos|>")
_PAD = ("[PAD]", "<pad>", "<|pad|>")
_MASK = ("[MASK]", "<mask>", "<|mask|>")


def read_alone(folder: Path, *, model: str, causal: bool, rows: int | None) -> Vocabulary:
    """Letters or overlapping k-mers where vocab.txt is all that says anything; see docs/checkpoints.md.

    Round a sequence stand the tokens that BERT, ESM and RoBERTa put there, where the file has them; behind what a
    decoder (`causal`) reads, nothing does. `rows`: of the model's own table of tokens.

    Raises: InputError naming the file.
    """
    path, ids = folder / FILE, read_ids(folder)
    if rows is not None and len(ids) > rows:
        message = f"holds {len(ids)} tokens, but config.json says {rows}"
        raise InputError(message, path=path)
    nucleic = {token: at for token, at in ids.items() if re.fullmatch("[ACGTUN]+", token)}
    lengths = {len(token) for token in nucleic if "N" not in token}
    if len(lengths) != 1:
        what = (
            "no token of A C G U or T" if not lengths else f"tokens of {', '.join(map(str, sorted(lengths)))} letters"
        )
        message = f"holds {what}; only a tokenizer.json next to it would say how a sequence is cut into them"
        raise InputError(message, path=path)
    try:
        return Vocabulary(
            model=model,
            ids=nucleic,
            k=lengths.pop(),
            before=_first_of(_BEFORE, ids),
            after=() if causal else _first_of(_AFTER, ids),
            pad=next(iter(_first_of(_PAD, ids)), 0),
            mask=next(iter(_first_of(_MASK, ids)), None),
        )
    except ValueError as error:
        raise InputError(str(error), path=path) from error


def _first_of(names: Sequence[str], ids: Mapping[str, int]) -> tuple[int, ...]:
    """The first of these tokens that there is."""
    return tuple(ids[name] for name in names if name in ids)[:1]


def refuse_other_table(ids: Mapping[str, int], path: Path, *, rows: int, stated: Mapping[str, int | None]) -> None:
    """Raise InputError where these tokens are not those of a table of so many rows, or not where its settings say."""
    for token, at in stated.items():
        if at is not None and ids.get(token) != at:
            message = f"{token} is in line {ids.get(token)} from 0, but config.json says {at}"
            raise InputError(message, path=path)
    if len(ids) != rows:
        message = f"holds {len(ids)} tokens, but config.json says {rows}"
        raise InputError(message, path=path)


@dataclass(frozen=True)
class Special:
    """Tokens that are no letters, by name: those written before and after a sequence, and what stands for nothing."""

    before: Sequence[str]
    after: Sequence[str]
    pad: str = "<pad>"
    mask: str = "<mask>"
    unknown: str = "<unk>"


def read_words(folder: Path, *, model: str, letters: str, special: Special) -> Vocabulary | Words:
    """Letters or overlapping k-mers of these letters; the special tokens by their names.

    Raises: InputError naming the file for a token that is missing or stands there twice.
    """
    return words_of(read_ids(folder), folder / FILE, model=model, letters=letters, special=special)


def words_of(
    ids: Mapping[str, int],
    path: Path,
    *,
    model: str,
    letters: str,
    special: Special,
    neighbours: bool = False,
    as_unknown: str = "",
) -> Vocabulary | Words:
    """Tokens of these letters: single ones, overlapping words of several or (`neighbours`) words side by side.

    A word with N in it is no token. `as_unknown`: letters that are fed as the unknown token.

    Raises: InputError naming the file for a token that is missing.
    """
    if missing := [token for token in (*special.before, *special.after, special.pad, special.mask) if token not in ids]:
        message = f"lacks the special token {missing[0]!r}"
        raise InputError(message, path=path)
    k = max((len(token) for token in ids if token and set(token) <= set(letters)), default=1)
    known = letters if k == 1 else letters.replace("N", "")
    words = {token: at for token, at in ids.items() if len(token) == k and set(token) <= set(known)}
    if len(words) < len(known) ** k:
        message = f"holds {len(words)} words of the letters {known}; {model} needs all {len(known) ** k} of {k} letters"
        raise InputError(message, path=path)
    kind = Words if neighbours and k > 1 else Vocabulary
    return kind(
        model=model,
        ids={word: ids[special.unknown] if word in as_unknown else at for word, at in words.items()},
        k=k,
        before=tuple(ids[token] for token in special.before),
        after=tuple(ids[token] for token in special.after),
        pad=ids[special.pad],
        mask=ids[special.mask],
    )
