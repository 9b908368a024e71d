"""Batches of alignment crops, each a function of the seed and its number alone: a resumed run sees what it would have.

Bucketed by length and depth, so that little is padding.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from rnaexp.compiled import compiled
from rnaexp.pretrain.families import GAP, Aligned
from rnaexp.pretrain.recipe import Crops

PADDING = 255  # no letter: beyond a short RNA's end


class Place(NamedTuple):
    """Where a crop comes from: the index of its family, and the columns of that alignment."""

    family: int
    columns: Int64[np.ndarray, "n"]


class CropSampler:
    """Draws the rows and columns of a batch."""

    def __init__(self, families: Sequence[Aligned], crops: Crops) -> None:
        if not families:
            message = "no families to train on"
            raise ValueError(message)
        self.families, self.crops = families, crops
        self._rows = np.array([len(family.codes) for family in families])
        self._weights = family_weights(families, crops)
        bounds = np.array(crops.lengths)
        bases = np.array([min(family.bases, bounds[-1]) for family in families])
        self._bucket = np.searchsorted(bounds, bases)
        self._shares = np.array(crops.depth_shares) / sum(crops.depth_shares)

    def batch(self, seed: int, number: int) -> UInt8[np.ndarray, "b s n"]:
        """Letters of batch `number`, PADDING to the right of short RNAs; row 0 of each crop has no gaps."""
        return self.batch_with_columns(seed, number)[0]

    def batch_with_columns(self, seed: int, number: int) -> tuple[UInt8[np.ndarray, "b s n"], list[Place]]:
        """The same, and where each crop comes from."""
        rng = np.random.default_rng([seed, number])
        single = self.crops.single_from is not None and number >= self.crops.single_from
        depth = 1 if single else int(rng.choice(self.crops.depths, p=self._shares))
        weights = self._weights * (self._rows >= depth)
        if not weights.any():
            depth, weights = 1, self._weights
        bucket = self._draw_bucket(rng, weights)
        length = self.crops.lengths[bucket]
        chance = weights * (self._bucket == bucket)
        count = max(1, self.crops.tokens // (depth * length))
        drawn = rng.choice(len(self.families), size=count, p=chance / chance.sum())
        batch, places = np.full((count, depth, length), PADDING, np.uint8), []
        for at, index in enumerate(drawn):
            crop, columns = _crop(self.families[index], depth, length, self.crops.places, rng)
            batch[at, :, : crop.shape[1]] = crop
            places.append(Place(int(index), columns))
        return batch[:, :, : max(1, int((batch != PADDING).any((0, 1)).sum()))], places

    def _draw_bucket(self, rng: np.random.Generator, weights: np.ndarray) -> int:
        """By the weight of its families, and by their length: every base counts alike."""
        totals = np.bincount(self._bucket, weights, minlength=len(self.crops.lengths)) * np.array(self.crops.lengths)
        return int(rng.choice(len(totals), p=totals / totals.sum()))


def family_weights(families: Sequence[Aligned], crops: Crops) -> Float64[np.ndarray, "f"]:
    """How much more often than others each family is drawn."""
    members = Counter(family.clan for family in families)
    weight: Mapping[str, Callable[[Aligned], float]] = {
        "neff": lambda family: family.neff**crops.family_power,
        "rows": lambda family: len(family.codes),
        "family": lambda family: 1,
        "clan": lambda family: 1 / members[family.clan],
    }
    return np.array([weight[crops.drawn_by](family) for family in families], np.float64)


def _crop(
    family: Aligned, depth: int, length: int, places: int, rng: np.random.Generator
) -> tuple[UInt8[np.ndarray, "s n"], Int64[np.ndarray, "n"]]:
    """Rows by weight, the first of them the query: as when the model is read, only columns with its bases stay."""
    chance = family.weights / family.weights.sum()
    rows = rng.choice(len(chance), size=depth, replace=False, p=chance)
    codes = family.codes[rows]
    columns = np.flatnonzero(codes[0] != GAP)
    codes = codes[:, columns]
    firsts = rng.integers(0, max(1, codes.shape[1] - length + 1), places)
    stacks = [longest_stack(codes[0, first : first + length]) for first in firsts] if places > 1 else [0]
    first = int(firsts[int(np.argmax(stacks))])
    return codes[:, first : first + length], columns[first : first + length]


@compiled()
def longest_stack(codes: np.ndarray) -> int:
    """Most AU, GC and GU pairs in a row, one inside the next, round a loop of at least three."""
    n, longest = len(codes), 0
    for total in range(2 * n - 1):
        run = 0
        i = (total - 4) // 2
        while i >= 0 and total - i < n:
            a, b = min(codes[i], codes[total - i]), max(codes[i], codes[total - i])
            # A C G U are 0 to 3: A-U, C-G and G-U.
            run = run + 1 if (a == 0 and b == 3) or (a == 1 and b == 2) or (a == 2 and b == 3) else 0
            longest = max(longest, run)
            i -= 1
    return longest


def unigram_entropy(families: Sequence[Aligned]) -> float:
    """Nats a letter of A C G U, rows by weight: what a model that has learned only the composition loses."""
    counts = np.zeros(4)
    for family in families:
        counts += [((family.codes == letter) * family.weights[:, None]).sum() for letter in range(4)]
    share = counts / counts.sum()
    return float(-(share * np.log(share)).sum())
