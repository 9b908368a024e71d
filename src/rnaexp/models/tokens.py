"""From letters to the ids a model was trained on, and from its tokens back to bases."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rnaexp.errors import UnsuitableError
from rnaexp.rna import Encoding, Protein, Rna

BASES = "ACGU"


class Tokens(Protocol):
    """A model's tokenizer, as the encoder needs it."""

    @property
    def pad(self) -> int:
        """Id that fills a batch."""
        ...

    @property
    def mask(self) -> int | None:
        """Id that hides a token, if there is one."""
        ...

    def encode(self, rna: Rna) -> Encoding:
        """Ids and true spans; raises UnsuitableError rather than feeding an unknown letter."""
        ...

    def base_ids(self) -> tuple[int, ...] | None:
        """Ids of A C G U, or None where a token is not one base."""
        ...

    def fingerprint(self) -> str:
        """Hash of all that decides the ids."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Ids of a model's overlapping k-mers (k = 1: letters), and of the special tokens round a sequence.

    A model that knows T and not U is fed T. A letter it does not know is an error, never its `<unk>`.
    `amino_acids`: ids of a protein's letters, for models that read proteins; RNAs are read by `ids` all the same.
    """

    model: str
    ids: Mapping[str, int]
    k: int = 1
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    pad: int = 0
    mask: int | None = None
    amino_acids: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if missing := [token for token in (base * self.k for base in self._letters()) if token not in self.ids]:
            message = f"{self.model}: its vocabulary lacks {', '.join(missing)}"
            raise ValueError(message)

    def _letters(self) -> str:
        return BASES if "U" * self.k in self.ids else BASES.replace("U", "T")

    def encode(self, rna: Rna) -> Encoding:
        """One token per k neighbouring bases, or per residue of a protein; raises UnsuitableError."""
        if isinstance(rna, Protein) and not self.amino_acids:
            message = f"{rna.id}: a protein; {self.model} reads nucleic acids"
            raise UnsuitableError(message)
        text = rna.sequence if "U" in self._letters() else rna.sequence.replace("U", "T")
        starts = range(len(text) - self.k + 1)
        if not starts:
            message = f"{rna.id}: {len(rna)} bases, fewer than one {self.k}-mer of {self.model}"
            raise UnsuitableError(message)
        inner = tuple(self._id(rna, text, start) for start in starts)
        spans = tuple((start, start + self.k) for start in starts)
        return Encoding(
            ids=(*self.before, *inner, *self.after),
            spans=((None,) * len(self.before)) + spans + ((None,) * len(self.after)),
            bases=len(rna),
        )

    def _id(self, rna: Rna, text: str, start: int) -> int:
        token = text[start : start + self.k]
        ids = self.amino_acids if isinstance(rna, Protein) else self.ids
        if token in ids:
            return ids[token]
        at = next((i for i, letter in enumerate(token) if letter not in self._letters()), 0)
        message = f"{rna.id}: {self.model} does not know {token[at]!r} at position {start + at + 1}"
        raise UnsuitableError(message)

    def base_ids(self) -> tuple[int, ...] | None:
        """Ids of A C G U where a token is one base."""
        return tuple(self.ids[letter] for letter in self._letters()) if self.k == 1 else None

    def fingerprint(self) -> str:
        """Hash of ids and special tokens."""
        text = repr((sorted(self.ids.items()), self.k, self.before, self.after, self.pad, self.mask))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Ids of neighbouring words of k letters, cut from the left, as codons and the Nucleotide Transformer's 6-mers are.

    A run of A C G U is cut into words; what is left of it, and each N, is a token of one letter where the vocabulary
    has such tokens, else the RNA cannot be read.
    """

    model: str
    ids: Mapping[str, int]
    k: int
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    pad: int = 0
    mask: int | None = None

    def encode(self, rna: Rna) -> Encoding:
        """One token per word; raises UnsuitableError."""
        text = rna.sequence if "U" * self.k in self.ids else rna.sequence.replace("U", "T")
        spans = tuple(self._cuts(text))
        return Encoding(
            ids=(*self.before, *(self._id(rna, text, span) for span in spans), *self.after),
            spans=((None,) * len(self.before)) + spans + ((None,) * len(self.after)),
            bases=len(rna),
        )

    def _cuts(self, text: str) -> Iterator[tuple[int, int]]:
        for run in re.finditer("N|[^N]+", text):
            start, end = run.span()
            whole = start + (end - start) // self.k * self.k
            yield from ((at, at + self.k) for at in range(start, whole, self.k))
            yield from ((at, at + 1) for at in range(whole, end))

    def _id(self, rna: Rna, text: str, span: tuple[int, int]) -> int:
        word = text[slice(*span)]
        if word not in self.ids:
            message = (
                f"{rna.id}: {self.model} has no token for {word!r} at position {span[0] + 1}: "
                f"it reads whole words of {self.k} letters"
            )
            raise UnsuitableError(message)
        return self.ids[word]

    def base_ids(self) -> None:
        """None: a token is not one base."""

    def fingerprint(self) -> str:
        """Hash of ids, word length and special tokens."""
        text = repr((sorted(self.ids.items()), "words", self.k, self.before, self.after, self.pad, self.mask))
        return hashlib.sha256(text.encode()).hexdigest()


class TokenizerSpans:
    """Any other tokenizer (BPE, words of mixed length): its own offsets say which bases a token covers."""

    def __init__(self, tokenizer: Any, *, model: str, letter: str) -> None:
        self.tokenizer, self.model, self.letter = tokenizer, model, letter
        self.pad = int(tokenizer.pad_token_id or 0)
        self.mask = tokenizer.mask_token_id

    def encode(self, rna: Rna) -> Encoding:
        """Tokens as the tokenizer cuts them; raises UnsuitableError for what it does not know."""
        text = rna.sequence.replace("U", self.letter)
        output = self.tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True)
        ids = tuple(output["input_ids"])
        spans = tuple(
            (start, end) if start < end and not (special and token != self.tokenizer.unk_token_id) else None
            for token, (start, end), special in zip(
                ids, output["offset_mapping"], output["special_tokens_mask"], strict=True
            )
        )
        self._check(rna, text, ids, spans)
        return Encoding(ids=ids, spans=spans, bases=len(rna))

    def _check(self, rna: Rna, text: str, ids: tuple[int, ...], spans: tuple[tuple[int, int] | None, ...]) -> None:
        for token, span in zip(ids, spans, strict=True):
            if span is not None and token == self.tokenizer.unk_token_id:
                message = f"{rna.id}: {self.model} does not know {text[slice(*span)]!r} at position {span[0] + 1}"
                raise UnsuitableError(message)
        covered = {base for span in spans if span is not None for base in range(*span)}
        if lost := sorted(set(range(len(rna))) - covered):
            message = f"{rna.id}: {self.model} drops {text[lost[0]]!r} at position {lost[0] + 1}"
            raise UnsuitableError(message)

    def base_ids(self) -> None:
        """None: a token is not one base."""

    def fingerprint(self) -> str:
        """Hash of the serialised tokenizer."""
        return hashlib.sha256(self.tokenizer.backend_tokenizer.to_str().encode()).hexdigest()
