"""From scores between tokens to scores between bases."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from rnaexp.choices import TokenPairs
from rnaexp.rna import Encoding

_CACHE = 2**20  # bytes of maps that are summed at once


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
        # The last axis first: after it whole rows are copied.
        scores = maps.index_select(-1, owner).index_select(-2, owner)
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
        rows = room[: len(some)]
        rows[:, :tokens], rows[:, tokens:] = some, 0
        for shift in range(1, k):
            rows[:, shift : shift + tokens] += some
        sums[..., :tokens], sums[..., tokens:] = rows, 0
        for shift in range(1, k):
            sums[..., shift : shift + tokens] += rows
        sums *= share
    return means.view(*maps.shape[:-2], bases, bases)


def to_bases(maps: Float[Tensor, "*h t t"], encoding: Encoding) -> Float[Tensor, "*h n n"]:
    """Attention between tokens as attention between bases; see `Spread`."""
    return Spread.of(encoding).maps(maps)
