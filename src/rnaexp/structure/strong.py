"""Strong attention and base pairs: of what a head attends to strongly, the share that is on pairs, against chance.

The share is that of Vig et al. 2021 (arXiv:2006.15222, p_alpha) with their cut-off. Two expectations stand next to it:
of as many places anywhere in the maps, and of places as far apart as those attended to, which is what a head has that
only knows how far partners stand apart.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from rnaexp.structure.atlas import Places

CUT_OFF = 0.3
# Of one RNA and head: bases, strongly attended places, those on pairs, and how many would be by either chance.
COUNTS = ("bases", "strong", "on_pairs", "chance", "chance_at_distance")


def strong_counts(maps: Float[Tensor, "h n n"], places: Places) -> Float[np.ndarray, "h c"]:
    """The numbers of `COUNTS`, one row a head; NaN for an RNA whose pairs are not known."""
    heads, n = maps.shape[:2]
    if places.paired is None:
        return np.full((heads, len(COUNTS)), np.nan)
    head, i, j = (each.cpu() for each in torch.nonzero(maps > CUT_OFF, as_tuple=True))
    anywhere = places.paired.mean().expand(len(head))
    near = places.at_distance[(i - j).abs()]
    columns = torch.stack([torch.ones(len(head)), places.paired[i, j], anywhere, near], 1)
    counts = torch.zeros(heads, len(COUNTS) - 1, dtype=torch.float64).index_add(0, head, columns.double())
    return np.concatenate([np.full((heads, 1), float(n)), counts.numpy()], 1)


def strong_shares(rnas: Sequence[Float[np.ndarray, "k c"]]) -> pd.DataFrame:
    """One row a head, pooled over the RNAs: strong places a base; of them the shares on pairs, and by either chance.

    NaN where a head attends strongly to nothing.
    """
    known = [counts for counts in rnas if not np.isnan(counts).any()]
    if not known:
        return pd.DataFrame(np.nan, range(len(rnas[0])), ["strong", *_SHARES])
    total = pd.DataFrame(np.sum(known, axis=0), columns=list(COUNTS))
    shares = total[list(COUNTS[2:])].div(total["strong"].replace(0, np.nan), axis=0).set_axis(_SHARES, axis=1)
    return pd.concat([total["strong"].div(total["bases"]).rename("strong"), shares], axis=1)


_SHARES = [f"strong_{name}" for name in COUNTS[2:]]
