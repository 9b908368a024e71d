"""From letters to the ids a model was trained on, and from its tokens back to bases."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from rnaexp.errors import UnsuitableError
from rnaexp.rna import Encoding, Rna

BASES = "ACGU"

_CACHE = 2**20  # bytes of maps that are summed at once

# How a score of two tokens becomes scores of the bases they cover; see `Spread`.
TokenPairs = Literal["mean", "max", "share"]


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
    """

    model: str
    ids: Mapping[str, int]
    k: int = 1
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    pad: int = 0
    mask: int | None = None

    def __post_init__(self) -> None:
        if missing := [token for token in (base * self.k for base in self._letters()) if token not in self.ids]:
            message = f"{self.model}: its vocabulary lacks {', '.join(missing)}"
            raise ValueError(message)

    def _letters(self) -> str:
        return BASES if "U" * self.k in self.ids else BASES.replace("U", "T")

    def encode(self, rna: Rna) -> Encoding:
        """One token per k neighbouring bases; raises UnsuitableError."""
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
        if token in self.ids:
            return self.ids[token]
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


@dataclass(frozen=True, slots=True)
class Spread:
    """The way from one RNA's token coordinates to its base coordinates.

    One token per base: special tokens are cut off and the rest is a view, rows not renormalised. Otherwise `rule` says
    what `base[i, j]` is of `token[s, t]`, over all tokens s that cover base i and all tokens t that cover base j.
    `mean`: a token speaks in full for each of its bases, and where k-mers overlap a base hears each of them equally; a
    row over bases need not sum to 1. `max`: the loudest of them. `share`: the sum, each token's score divided among its
    bases on both sides, so that all of a map's attention is kept and long tokens do not weigh more than short ones.
    """

    window: slice | None  # where the bases stand among the tokens
    shares: Tensor | None  # [n t], rows sum to 1
    overlapping: tuple[slice, int] | None = None  # where k-mers stand among the tokens, and k: the same by few sums
    rule: TokenPairs = "mean"
    owner: Tensor | None = None  # [n], the one token of each base, where no two overlap: then there is nothing to sum

    @classmethod
    def of(cls, encoding: Encoding, rule: TokenPairs = "mean") -> "Spread":
        """A window where each base is one token, else each base's shares of the tokens."""
        first = next(at for at, span in enumerate(encoding.spans) if span is not None)
        window = slice(first, first + encoding.bases)
        if encoding.spans[window] == tuple((base, base + 1) for base in range(encoding.bases)):
            return cls(window, None)
        k = encoding.bases - sum(span is not None for span in encoding.spans) + 1
        words = slice(first, first + encoding.bases - k + 1)
        overlap = encoding.spans[words] == tuple((base, base + k) for base in range(encoding.bases - k + 1))
        covers = torch.zeros(encoding.bases, len(encoding.ids))
        for token, span in enumerate(encoding.spans):
            if span is not None:
                covers[slice(*span), token] = 1.0
        owner = covers.argmax(1) if bool((covers.sum(1) == 1).all()) else None
        return cls(None, covers / covers.sum(1, keepdim=True), (words, k) if overlap else None, rule, owner)

    def maps(self, maps: Float[Tensor, "*h t t"]) -> Float[Tensor, "*h n n"]:
        """Maps over bases; a view where each base is one token."""
        if self.window is not None:
            return maps[..., self.window, self.window]
        if self.owner is not None:
            return self._copied(maps, self.owner.to(maps.device))
        if self.rule == "max":
            return self._loudest(self._loudest(maps).mT).mT
        if self.rule == "share":
            covers = (self._shares(maps) > 0).to(maps)
            divided = covers / covers.sum(0).clamp(min=1)
            return divided @ maps @ divided.T
        if self.overlapping is not None:
            words, k = self.overlapping
            return _mean_of_overlapping(maps[..., words, words], k)
        shares = self._shares(maps)
        return shares @ maps @ shares.T

    def rows(self, rows: Float[Tensor, "t d"]) -> Float[Tensor, "n d"]:
        """One row per base."""
        return rows[self.window] if self.window is not None else self._shares(rows) @ rows

    def _copied(self, maps: Float[Tensor, "*h t t"], owner: Tensor) -> Float[Tensor, "*h n n"]:
        """Each score where its two tokens' bases meet."""
        scores = maps.index_select(-2, owner).index_select(-1, owner)
        if self.rule == "share":
            sizes = owner.bincount()[owner].to(maps)
            scores /= sizes[:, None] * sizes
        return scores

    def _loudest(self, maps: Float[Tensor, "*h t u"]) -> Float[Tensor, "*h n u"]:
        """Over the rows: of each base the largest of its tokens'."""
        assert self.shares is not None
        return torch.stack([maps[..., row.nonzero()[:, 0], :].amax(-2) for row in self.shares.to(maps.device)], -2)

    def _shares(self, like: Tensor) -> Tensor:
        assert self.shares is not None
        return self.shares.to(like)


def _mean_of_overlapping(maps: Float[Tensor, "*h t t"], k: int) -> Float[Tensor, "*h n n"]:
    """The mean over the k-mers that cover each base, on both sides: 2 k sums instead of two products of matrices.

    A few maps at a time, so that the sums stay in the processor's cache: all at once took four times as long.
    """
    tokens = maps.shape[-1]
    bases = tokens + k - 1
    every = maps.reshape(-1, tokens, tokens)
    means = maps.new_empty(len(every), bases, bases)
    at = torch.arange(bases, device=maps.device)
    covering = torch.minimum(torch.minimum(at, bases - 1 - at) + 1, torch.tensor(min(k, tokens)))
    share = 1 / (covering[:, None] * covering).to(maps)
    together = max(1, _CACHE // (bases**2 * maps.element_size())) if maps.device.type == "cpu" else len(every)
    room = maps.new_empty(together, bases, tokens)
    for first in range(0, len(every), together):
        some, sums = every[first : first + together], means[first : first + together]
        rows = room[: len(some)].zero_()
        for shift in range(k):
            rows[:, shift : shift + tokens] += some
        sums.zero_()
        for shift in range(k):
            sums[..., shift : shift + tokens] += rows
        sums *= share
    return means.view(*maps.shape[:-2], bases, bases)


def to_bases(maps: Float[Tensor, "*h t t"], encoding: Encoding) -> Float[Tensor, "*h n n"]:
    """Attention between tokens as attention between bases; see `Spread`."""
    return Spread.of(encoding).maps(maps)
