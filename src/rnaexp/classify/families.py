"""What each family looks like among the others: cohesion, silhouette, nearest neighbour; from sums of unit vectors."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32

from rnaexp.classify.layout import Layout
from rnaexp.classify.similarity import Counts
from rnaexp.typing import checked


@checked
def family_similarity(vectors: Float32[np.ndarray, "r d"], layout: Layout) -> Float[np.ndarray, "g g"]:
    """Mean cosine of every two families; on the diagonal that of a family's own pairs (NaN for one RNA alone)."""
    sums = _sums(vectors, layout)
    sizes = layout.sizes.astype(np.float64)
    means: np.ndarray = (sums @ sums.T) / np.outer(sizes, sizes)
    # Each vector's cosine with itself is 1: out of the family's own mean.
    own = (np.diag(sums @ sums.T) - sizes) / np.where(sizes > 1, sizes * (sizes - 1), np.nan)
    means[np.diag_indices(len(means))] = own
    return means


@checked
def silhouettes(vectors: Float32[np.ndarray, "r d"], layout: Layout) -> Float[np.ndarray, "r"]:
    """Each RNA's silhouette in cosine distance, in layout order; 0 for an RNA alone in its family, or all the same.

    Source: Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7. Linear in the number of RNAs: the mean cosine with a
    family is the cosine with its mean vector.
    """
    sums, sizes, family = _sums(vectors, layout), layout.sizes.astype(np.float64), layout.family
    values = np.zeros(len(vectors))
    for start in range(0, len(vectors), 1024):
        rows = np.arange(start, min(start + 1024, len(vectors)))
        distance = np.maximum(1 - (vectors[rows].astype(np.float64) @ sums.T) / sizes, 0)
        mine = family[rows]
        others = sizes[mine] - 1
        own = distance[np.arange(len(rows)), mine] * sizes[mine] / np.maximum(others, 1)
        distance[np.arange(len(rows)), mine] = np.inf
        nearest = distance.min(1)
        apart = np.maximum(nearest, own)
        np.divide(nearest - own, apart, out=values[start : start + len(rows)], where=(others > 0) & (apart > 0))
    return values


@checked
def family_table(vectors: Float32[np.ndarray, "r d"], layout: Layout, counts: Counts) -> pd.DataFrame:
    """One row a family: members, mean cosine within, that of the nearest other family, silhouette, and the share of
    its RNAs whose most similar other RNA (clan-mates of other families aside) is of the family."""
    means = family_similarity(vectors, layout)
    apart = means.copy()
    apart[np.diag_indices(len(apart))] = -np.inf
    clan = np.zeros(len(layout.sizes), int)
    clan[layout.family] = layout.clan
    apart[clan[:, None] == clan[None, :]] = -np.inf
    nearest = apart.argmax(1)
    right = (counts.best_same > counts.best_other).astype(np.float64)
    return pd.DataFrame(
        {
            "family": layout.names,
            "rnas": layout.sizes,
            "cosine_within": np.diag(means),
            "cosine_nearest_family": apart.max(1),
            "nearest_family": [layout.names[at] for at in nearest],
            "silhouette": _family_mean(silhouettes(vectors, layout), layout),
            "nearest_is_own": _family_mean(right, layout),
        }
    )


def _sums(vectors: np.ndarray, layout: Layout) -> np.ndarray:
    starts = np.flatnonzero(np.append(True, np.diff(layout.family) != 0))
    sums = np.zeros((len(layout.sizes), vectors.shape[1]))
    sums[layout.family[starts]] = np.add.reduceat(vectors.astype(np.float64), starts, axis=0)
    return sums


def _family_mean(values: np.ndarray, layout: Layout) -> np.ndarray:
    means: np.ndarray = np.bincount(layout.family, values, len(layout.sizes)) / layout.sizes
    return means
