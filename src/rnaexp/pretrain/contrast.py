"""Contrast: two views of one family (or of one row) are to be more alike than views of different ones.

InfoNCE of mean-pooled last states. Source: van den Oord et al. 2018, arXiv 1807.03748.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from rnaexp.classify.protocol import EmbeddingProtocol
from rnaexp.models.rnamsm import LETTERS
from rnaexp.pretrain.continued import Network
from rnaexp.pretrain.crops import PADDING
from rnaexp.pretrain.families import GAP, Aligned
from rnaexp.pretrain.masking import token_ids
from rnaexp.pretrain.recipe import Contrast

_BASES = 4


class Views(NamedTuple):
    """Token ids of single rows in groups of like length, and where each stands: view v of pair p is row 2 p + v."""

    ids: list[Int[Tensor, "b 1 t"]]
    order: Int[Tensor, "v"]


class ViewSampler:
    """Draws pairs of views, no two of a batch from one clan."""

    def __init__(self, families: Sequence[Aligned], chosen: Contrast) -> None:
        least = 2 if chosen.views == "family" else 1
        clans: dict[str, list[Aligned]] = {}
        for family in families:
            if len(family.codes) >= least:
                clans.setdefault(family.clan, []).append(family)
        if len(clans) < 2:
            message = f"contrast: {len(clans)} clans with {least} rows or more; two are needed"
            raise ValueError(message)
        self.members = [clans[name] for name in sorted(clans)]
        weights = np.array([sum(len(family.codes) for family in each) for each in self.members]) ** chosen.clan_power
        self.chance = weights / weights.sum()
        self.chosen = chosen

    def batch(self, seed: int, number: int) -> Views:
        """Views of batch `number`, by seed and number alone."""
        rng = np.random.default_rng([seed, number, 2])
        count = min(self.chosen.pairs, len(self.members))
        drawn = rng.choice(len(self.members), size=count, replace=False, p=self.chance)
        return grouped([view for clan in drawn for view in self._pair(self.members[clan], rng)], self.chosen.groups)

    def _pair(self, members: Sequence[Aligned], rng: np.random.Generator) -> list[UInt8[np.ndarray, "n"]]:
        rows = np.array([len(family.codes) for family in members])
        family = members[int(rng.choice(len(members), p=rows / rows.sum()))]
        chance = family.weights / family.weights.sum()
        if self.chosen.views == "family":
            first, second = rng.choice(len(chance), size=2, replace=False, p=chance)
        else:
            first = second = rng.choice(len(chance), p=chance)
        return [self._view(family.codes[row], rng) for row in (first, second)]

    def _view(self, row: UInt8[np.ndarray, "n"], rng: np.random.Generator) -> UInt8[np.ndarray, "n"]:
        """The row without gaps, cropped to a random share, some letters mutated."""
        bases = row[row != GAP]
        length = min(self.chosen.max_bases, max(1, round(len(bases) * rng.uniform(self.chosen.least, 1.0))))
        first = int(rng.integers(0, len(bases) - length + 1))
        view: np.ndarray = bases[first : first + length].copy()
        mutated = rng.random(length) < self.chosen.mutated
        view[mutated] = rng.integers(0, _BASES, int(mutated.sum()))
        return view


def grouped(views: Sequence[UInt8[np.ndarray, "n"]], groups: int) -> Views:
    """By length, so that little is padding."""
    order = np.argsort([len(view) for view in views], kind="stable")
    ids = []
    for part in np.array_split(order, min(groups, len(order))):
        codes = np.full((len(part), 1, max(len(views[at]) for at in part)), PADDING, np.uint8)
        for row, at in enumerate(part):
            codes[row, 0, : len(views[at])] = views[at]
        ids.append(token_ids(codes, LETTERS))
    return Views(ids, torch.from_numpy(order))


def contrast_loss(network: Network, views: Views, chosen: Contrast) -> Float[Tensor, ""]:
    """InfoNCE in nats: which of the others is each view's counterpart, by the cosine of reduced pooled states."""
    pooled = torch.cat([pooled_states(network, ids) for ids in views.ids])
    vectors = torch.empty_like(pooled).index_copy(0, views.order, pooled)
    return torch.stack([info_nce(_REDUCED[name](vectors), chosen.temperature) for name in chosen.reductions]).mean()


def pooled_states(network: Network, ids: Int[Tensor, "b 1 t"]) -> Float[Tensor, "b d"]:
    """Mean over bases of the last states, the special token and padding left out: as embeddings are read."""
    real = (ids[:, 0] != LETTERS.pad).float()
    real[:, 0] = 0
    hidden = network.hidden_states(ids)[:, 0].float()
    pooled: Tensor = (hidden * real[..., None]).sum(1) / real.sum(1, keepdim=True)
    return pooled


def fft_magnitude(vectors: Float[Tensor, "v d"]) -> Float[Tensor, "v k"]:
    """The headline reduction of classification, `classify.embed.reduce`, with a gradient."""
    size = EmbeddingProtocol().dimensions
    magnitude: Tensor = torch.fft.rfft(vectors, max(vectors.shape[1], 2 * size - 2)).abs()
    return magnitude[:, :size]


_REDUCED: Mapping[str, Callable[[Tensor], Tensor]] = {"none": lambda vectors: vectors, "fft-magnitude": fft_magnitude}


def info_nce(vectors: Float[Tensor, "v d"], temperature: float) -> Float[Tensor, ""]:
    """Rows 2 p and 2 p + 1 belong together; every other row is another's."""
    unit = torch.nn.functional.normalize(vectors, dim=1)
    scores = (unit @ unit.T / temperature).fill_diagonal_(-torch.inf)
    counterpart = torch.arange(len(unit), device=unit.device) ^ 1
    return torch.nn.functional.cross_entropy(scores, counterpart)
