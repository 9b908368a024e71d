"""Other figures that fitness benchmarks publish: how well the fitter half is found, and how fit the best-ranked are."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

_TOP = 10  # percent of the variants that NDCG looks at


class Ranking(NamedTuple):
    """AUROC and MCC of the fitter half, NDCG of the best-ranked tenth; None where either side does not vary."""

    auc: float | None
    mcc: float | None
    ndcg: float | None


def ranking(scores: Float[np.ndarray, "v"], measured: Float[np.ndarray, "v"]) -> Ranking:
    """Both halves are what lies above the median, as RNAGym's `performance_fitness.py` cuts them (signed, not folded).

    NDCG is over the best-ranked tenth, at least one variant; a variant's gain is its measurement, scaled so that the
    least fit has 0 and the fittest 1, as ProteinGym does; equal scores share their places.
    """
    if len(scores) == 0 or np.ptp(scores) == 0 or np.ptp(measured) == 0:
        return Ranking(None, None, None)
    from sklearn.metrics import matthews_corrcoef, ndcg_score, roc_auc_score

    fit, called = measured > np.median(measured), scores > np.median(scores)
    halves = fit.any() and not fit.all()
    gains = (measured - measured.min()) / np.ptp(measured)
    best = max(1, len(scores) * _TOP // 100)
    return Ranking(
        auc=float(roc_auc_score(fit, scores)) if halves else None,
        mcc=float(matthews_corrcoef(fit, called)) if halves else None,
        ndcg=float(ndcg_score(gains[None], scores[None], k=best)) if len(scores) > 1 else None,
    )
