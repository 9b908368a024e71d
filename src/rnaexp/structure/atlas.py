"""What each head attends to: partners by the loop that they close, itself, neighbours, special tokens, letters.

A base's attention sums to 1 over all tokens, so that each number is a share of it; chance is about 1 / bases.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from rnaexp.rna import Pair, Rna
from rnaexp.structure.kinds import largest_nested

LOOPS = ("stacked", "hairpin", "interior", "multiloop", "crossing")
COLUMNS = ("partner", *LOOPS, "itself", "neighbours", "special", "A", "C", "G", "U", "entropy_bits")
_LETTERS = "ACGUN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Of an RNA: its pairs by the loop that they close, and its letters as [n 5] of 0 and 1.

    `paired`: 1 where two bases pair, on both sides of the diagonal; None where no pairs are known. `at_distance`: the
    share of pairs among all places so far apart.
    """

    pairs: dict[str, Tensor]  # [p 2]
    letters: Tensor
    paired: Tensor | None  # [n n]
    at_distance: Tensor  # [n]

    @classmethod
    def of(cls, rna: Rna) -> "Places":
        """Without known pairs the shares of partners are NaN."""
        loops = loops_of(rna.pairs or (), len(rna))
        by_loop = {name: [pair for pair, loop in loops.items() if loop == name] for name in LOOPS}
        pairs = {name: torch.tensor(some, dtype=torch.long).reshape(-1, 2) for name, some in by_loop.items()}
        letters = torch.zeros(len(rna), len(_LETTERS))
        # A protein's letters are none of these: they count as N.
        known = [letter if letter in _LETTERS else "N" for letter in rna.sequence]
        letters[torch.arange(len(rna)), [_LETTERS.index(letter) for letter in known]] = 1
        paired, at_distance = torch.zeros(len(rna), len(rna)), torch.zeros(len(rna))
        for i, j in rna.pairs or ():
            paired[i, j] = paired[j, i] = 1
            at_distance[j - i] += 1
        return cls(
            pairs=pairs,
            letters=letters,
            paired=None if rna.pairs is None else paired,
            at_distance=at_distance / (len(rna) - torch.arange(len(rna))),
        )


def loops_of(pairs: Sequence[Pair], bases: int) -> dict[Pair, str]:
    """The loop that each pair closes on its inner side, among a largest nested set; the other pairs are `crossing`.

    `stacked`: on the next pair of its stem; `interior`: bulges included.
    """
    nested = sorted(largest_nested(pairs, bases))
    inside: dict[Pair, list[Pair]] = {pair: [] for pair in nested}
    around: list[Pair] = []
    for pair in nested:
        while around and around[-1][1] < pair[0]:
            around.pop()
        if around:
            inside[around[-1]].append(pair)
        around.append(pair)
    found = dict.fromkeys(sorted(pairs), "crossing")
    for (i, j), inner in inside.items():
        stacked = inner == [(i + 1, j - 1)]
        found[i, j] = "stacked" if stacked else ("hairpin", "interior", "multiloop")[min(len(inner), 2)]
    return found


def attended(maps: Float[Tensor, "h n n"], places: Places) -> Float[np.ndarray, "h c"]:
    """Means over an RNA's bases (of `COLUMNS`), one row a head; no copy of all heads' maps is made."""
    heads, n = maps.shape[:2]
    special = (1 - maps.sum(-1)).clamp(min=0)
    by_letter = (maps.sum(1) / n) @ places.letters.to(maps)
    entropy = _entropies(maps) + torch.special.entr(special).sum(-1)
    near = maps.diagonal(1, 1, 2).sum(-1) + maps.diagonal(-1, 1, 2).sum(-1)
    by_loop = [_on_partners(maps, places.pairs[name]) for name in LOOPS]
    partner = _on_partners(maps, torch.cat(list(places.pairs.values())))
    rows = [partner, *by_loop, maps.diagonal(0, 1, 2).mean(-1), near / n, special.mean(-1)]
    rows += [by_letter[:, at] for at in range(4)]
    found: np.ndarray = torch.stack([*rows, entropy / (n * np.log(2))], 1).float().cpu().numpy()
    assert found.shape == (heads, len(COLUMNS))
    return found


def _entropies(maps: Tensor) -> Tensor:
    """Sum of -p log p over each map, in nats; the logarithms of one head at a time are in memory."""
    logarithms, found = torch.empty_like(maps[0]), []
    for one in maps:
        torch.log(torch.clamp(one, min=torch.finfo(one.dtype).tiny, out=logarithms), out=logarithms)
        found.append(-logarithms.mul_(one).sum())
    return torch.stack(found)


def _on_partners(maps: Tensor, pairs: Tensor) -> Tensor:
    """Mean over both bases of each pair; NaN without pairs."""
    i, j = pairs[:, 0], pairs[:, 1]
    return (maps[:, i, j].mean(-1) + maps[:, j, i].mean(-1)) / 2


def heads_atlas(rnas: Sequence[Float[np.ndarray, "k c"]], heads: int) -> pd.DataFrame:
    """One row a head: the mean over the RNAs that have what a column is about. `heads`: of a layer."""
    values = np.stack(rnas).astype(np.float64)
    known = np.isfinite(values)
    counts = known.sum(0)
    means = np.where(counts > 0, np.where(known, values, 0).sum(0) / np.maximum(counts, 1), np.nan)
    layer, head = np.divmod(np.arange(values.shape[1]), heads)
    return pd.DataFrame({"layer": layer, "head": head, **dict(zip(COLUMNS, means.T, strict=True)), "rnas": len(rnas)})
