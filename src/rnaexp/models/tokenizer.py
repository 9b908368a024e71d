"""A checkpoint's own tokenizer, opened without running code: which bases each token covers."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rnaexp.errors import InputError, UnavailableError
from rnaexp.models import vocabulary_file
from rnaexp.models.spec import Resolution
from rnaexp.models.tokens import TokenizerSpans, Tokens, Vocabulary, Words


def tokens_of(
    folder: Path,
    *,
    model: str,
    before: Sequence[str] | None = None,
    after: Sequence[str] | None = None,
    by_letter: bool = False,
    fast: bool = False,
) -> Tokens:
    """The tokenizer as a table of letters or k-mers where it is one, else by its own offsets.

    `before` and `after`: special tokens that the authors put round a sequence in its text, where their tokenizer does
    not do so itself. `by_letter`: only the single letters of a BPE vocabulary, as letters with spaces between them are
    read. `fast`: its tokenizer.json alone, for a config.json whose model type transformers does not know.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    opened = PreTrainedTokenizerFast if fast else AutoTokenizer
    try:
        tokenizer = opened.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (ValueError, OSError, KeyError, TypeError, AttributeError, ImportError) as error:
        message = f"{folder}: its tokenizer cannot be opened without running code: {str(error).splitlines()[0]}"
        raise UnavailableError(message) from error
    nucleic = {token: int(at) for token, at in tokenizer.get_vocab().items() if re.fullmatch("[ACGTUN]+", token)}
    if by_letter:
        letters = {token: at for token, at in nucleic.items() if len(token) == 1}
        return _read_as(Vocabulary, tokenizer, letters, k=1, model=model, around=(before, after))
    lengths = {len(token) for token in nucleic if "N" not in token}
    if (k := _word_length(tokenizer, nucleic, lengths)) is not None:
        return _read_as(Words, tokenizer, nucleic, k=k, model=model, around=(before, after))
    if len(lengths) == 1 and not _steps_over(tokenizer, nucleic, k=next(iter(lengths))):
        return _read_as(Vocabulary, tokenizer, nucleic, k=lengths.pop(), model=model, around=(before, after))
    if not lengths or not tokenizer.is_fast:
        message = f"{folder}: its tokenizer does not say which bases a token covers"
        raise UnavailableError(message)
    return TokenizerSpans(tokenizer, model=model, letter="U" if any("U" in token for token in nucleic) else "T")


# What transformers' tokenizers are kept in; a folder without any says nothing of letters.
_FILES = ("tokenizer.json", "vocab.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "spm.model")


def tokens_in(
    folder: Path, *, model: str, causal: bool, rows: int | None, around: Mapping[Any, Sequence[str]]
) -> Tokens:
    """The folder's tokenizer, or its vocab.txt where that is all there is or the tokenizer contradicts it.

    transformers makes a tokenizer of any class out of nothing, and gives special tokens that a vocabulary lacks numbers
    behind its end. `rows`: of the model's table of tokens. `around`: `before` and `after` of `tokens_of`.

    Raises: InputError, UnavailableError.
    """
    listed = (folder / vocabulary_file.FILE).is_file()
    if not listed and not any((folder / name).is_file() for name in _FILES):
        message = "no vocab.txt and no tokenizer.json here, so nothing says which token a base is; put one of them here"
        raise InputError(message, path=folder)
    alone = listed and not around and not any((folder / name).is_file() for name in (*_FILES, "tokenizer_config.json"))
    try:
        tokens = None if alone else tokens_of(folder, model=model, **dict[str, Any](around))
    except UnavailableError:
        if not listed or around:
            raise
        tokens = None
    if tokens is None or (listed and not around and not _within(tokens, len(vocabulary_file.read_ids(folder)))):
        tokens = vocabulary_file.read_alone(folder, model=model, causal=causal, rows=rows)
    if rows is not None and not _within(tokens, rows):
        message = f"its tokenizer has numbers above the {rows} tokens of config.json: it belongs to another model"
        raise InputError(message, path=folder)
    return tokens


def _within(tokens: Tokens, rows: int) -> bool:
    """Whether each number that may be fed is one of so many; true of those that are not known beforehand."""
    if not isinstance(tokens, (Vocabulary, Words)):
        return True
    fed = (*tokens.ids.values(), *tokens.before, *tokens.after, tokens.pad, tokens.mask or 0)
    return max(fed) < rows


def _steps_over(tokenizer: Any, nucleic: Mapping[str, int], *, k: int) -> bool:
    """Whether the tokenizer cuts a sequence into neighbours, like codons, rather than overlapping k-mers."""
    ids = tokenizer("A" * 2 * k)["input_ids"]
    return k > 1 and ids.count(nucleic.get("A" * k)) == 2


def _word_length(tokenizer: Any, nucleic: Mapping[str, int], lengths: set[int]) -> int | None:
    """k, if the vocabulary is all k-mers, alone or with single letters, and a sequence is cut into neighbours."""
    k = max(lengths, default=1)
    whole = k > 1 and lengths <= {1, k} and sum(len(token) == k and "N" not in token for token in nucleic) == 4**k
    return k if whole and _steps_over(tokenizer, nucleic, k=k) else None


def _read_as(
    kind: type[Words] | type[Vocabulary],
    tokenizer: Any,
    nucleic: Mapping[str, int],
    *,
    k: int,
    model: str,
    around: tuple[Sequence[str] | None, Sequence[str] | None],
) -> Tokens:
    """Letters, overlapping k-mers or neighbours, with the special tokens that stand round a sequence."""
    own = _round_a_sequence(tokenizer)
    before, after = (
        side if given is None else _ids_of(tokenizer, given, model) for side, given in zip(own, around, strict=True)
    )
    return kind(
        model=model,
        ids=dict(nucleic),
        k=k,
        before=before,
        after=after,
        pad=int(tokenizer.pad_token_id or 0),
        mask=tokenizer.mask_token_id,
    )


def _ids_of(tokenizer: Any, tokens: Sequence[str], model: str) -> tuple[int, ...]:
    """Raises: InputError naming a token that the vocabulary lacks."""
    known = tokenizer.get_vocab()
    if missing := [token for token in tokens if token not in known]:
        message = f"{model}: its vocabulary lacks the special token {missing[0]!r}"
        raise InputError(message)
    return tuple(int(known[token]) for token in tokens)


def _round_a_sequence(tokenizer: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Special tokens before and after."""
    special = tuple(tokenizer("")["input_ids"])
    leading = len(special) > 0 and special[0] in {tokenizer.cls_token_id, tokenizer.bos_token_id}
    return (special[:1], special[1:]) if leading else ((), special)


def resolution_of(tokens: Tokens) -> Resolution:
    """What a token is."""
    if isinstance(tokens, Words):
        return "codon" if tokens.k == 3 else "k-mer"
    if isinstance(tokens, Vocabulary):
        return "base" if tokens.k == 1 else "k-mer"
    return "bpe"
