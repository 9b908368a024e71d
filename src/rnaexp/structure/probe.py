"""How much structure is in all of a model's maps together: a logistic regression on every head, fitted on a few RNAs.

Not zero-shot: it has seen base pairs. Compared with the single head it says what that head does not show.
Recipe: L1-regularised logistic regression on symmetrised, corrected attention, doi:10.1101/2020.12.15.422761.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from rnaexp.errors import ScoreError
from rnaexp.structure.protocol import ReadOut

NEGATIVES = 20  # pairs that are none, drawn for each that is one; they count for all of them
_STRENGTHS = (0.01, 0.1, 1.0)  # scikit-learn's C, on columns scaled to one standard deviation
_FOLDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Weights of the heads' pair scores and an intercept: their sum is a pair's log-odds. `strength`: the C chosen."""

    weights: Float64[np.ndarray, "l h"]
    intercept: float
    strength: float

    @property
    def used(self) -> int:
        """How many heads have a weight."""
        return int(np.count_nonzero(self.weights))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """Pairs of one RNA: scores under every head, whether each is a reference pair, and for how many pairs it stands."""

    scores: Float[np.ndarray, "p f"]
    paired: Bool[np.ndarray, "p"]
    counts: Float64[np.ndarray, "p"]
    cluster: str


def sampled_pairs(
    allowed: Bool[np.ndarray, "n n"], reference: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, Bool[np.ndarray, "p"], Float64[np.ndarray, "p"]]:
    """Every reference pair and some of the other candidates: places i * n + j, which are pairs, for how many each."""
    others = np.setdiff1d(np.flatnonzero(allowed), reference)
    drawn = np.sort(rng.choice(others, min(len(others), NEGATIVES * len(reference)), replace=False))
    places = np.concatenate([reference, drawn])
    paired = np.arange(len(places)) < len(reference)
    return places, paired, np.where(paired, 1.0, len(others) / max(1, len(drawn)))


def fit_probe(rnas: Sequence[Sampled], *, layers: int, heads: int) -> Probe:
    """The regularisation is chosen by cross-validation over clusters of related RNAs, then all RNAs are fitted.

    With fewer than two clusters nothing can be left out, and the middle strength is taken.
    Raises: ValueError if no RNA has a pair and a pair that is none.
    """
    scores = np.concatenate([rna.scores for rna in rnas]).astype(np.float64)
    paired = np.concatenate([rna.paired for rna in rnas])
    counts = np.concatenate([rna.counts for rna in rnas])
    if paired.all() or not paired.any():
        message = "a probe needs pairs and pairs that are none"
        raise ValueError(message)
    spread = scores.std(0)
    scale = np.where(spread > 0, spread, 1.0)
    groups = np.concatenate([np.full(len(rna.paired), rna.cluster, object) for rna in rnas])
    strength = _strength(scores / scale, paired, counts, groups)
    model = _fitted(scores / scale, paired, counts, strength)
    weights = (model.coef_[0] / scale).reshape(layers, heads)
    return Probe(weights=weights, intercept=float(model.intercept_[0]), strength=strength)


def _strength(scores: np.ndarray, paired: np.ndarray, counts: np.ndarray, groups: np.ndarray) -> float:
    """The C with the least loss on clusters left out; the stronger regularisation on a tie."""
    from sklearn.metrics import log_loss
    from sklearn.model_selection import GroupKFold

    clusters = len(set(groups))
    if clusters < 2:
        return _STRENGTHS[len(_STRENGTHS) // 2]
    folds = list(GroupKFold(min(_FOLDS, clusters)).split(scores, paired, groups))
    losses = []
    for strength in _STRENGTHS:
        lost = 0.0
        for train, left_out in folds:
            if not paired[train].any():
                continue
            model = _fitted(scores[train], paired[train], counts[train], strength)
            guess = model.predict_proba(scores[left_out])[:, 1]
            lost += log_loss(
                paired[left_out], guess, sample_weight=counts[left_out], normalize=False, labels=[False, True]
            )
        losses.append(lost)
    return _STRENGTHS[int(np.argmin(losses))]


def _fitted(scores: np.ndarray, paired: np.ndarray, counts: np.ndarray, strength: float):  # type: ignore[no-untyped-def]  # noqa: ANN202
    from sklearn.linear_model import LogisticRegression

    # liblinear penalises the intercept as well; so scaled, that is next to nothing.
    model = LogisticRegression(
        l1_ratio=1.0, C=strength, solver="liblinear", intercept_scaling=100, random_state=0, max_iter=1000
    )
    return model.fit(scores, paired, sample_weight=counts)


def weighted_scores(
    maps: Float[Tensor, "h n n"], weights: Float64[np.ndarray, "h"], read_out: ReadOut
) -> Float[Tensor, "n n"]:
    """Sum of the heads' pair scores by weight; heads of weight 0 are not touched.

    The correction of all heads is one product of their row sums, so no head's scores are formed apart.
    Raises: ScoreError if a map that counts is not finite or sums to zero.
    """
    wanted = np.flatnonzero(weights)
    weight = torch.from_numpy(weights[wanted]).to(maps.device)
    some = maps[torch.from_numpy(wanted).to(maps.device)].double()
    total: Tensor = torch.tensordot(weight, some, 1)
    rows, columns = some.sum(2), some.sum(1)
    if read_out.symmetrise:
        total, rows = total + total.T, rows + columns
        columns = rows
    sums = rows.sum(1)
    if not bool(torch.isfinite(sums).all()) or (read_out.apc and bool((sums == 0).any())):
        message = "a map is not finite, or sums to zero"
        raise ScoreError(message)
    if not read_out.apc:
        return total
    corrected: Tensor = total - (rows * (weight / sums)[:, None]).T @ columns
    return corrected
