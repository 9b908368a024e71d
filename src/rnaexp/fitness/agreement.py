"""How well scores agree with measured fitness: signed Spearman, how sure it is, and by number of mutations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, UInt8

from rnaexp.typing import checked

_FEWEST = 3  # variants of a rank correlation
_FEWEST_SITES = 3  # of a jackknife
_ALMOST_ONE = 1 - 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """A correlation (None: the scores do not vary) with its 95 % interval over sites (None: `why_no_interval`)."""

    value: float | None
    low: float | None = None
    high: float | None = None
    why_no_interval: str = ""


def letter_codes(sequences: Sequence[str]) -> UInt8[np.ndarray, "v n"]:
    """Equally long sequences as bytes."""
    return np.frombuffer("".join(sequences).encode(), np.uint8).reshape(len(sequences), -1)


def held_at(sequences: Sequence[str], wild_type: str | None) -> Bool[np.ndarray, "k v"]:
    """For each site that varies, the variants that have the wild type's letter there.

    Without a wild type: the most frequent letter there, of equally frequent ones the first in the alphabet.
    """
    codes = letter_codes(sequences)
    kept = []
    for column, wild in zip(codes.T, wild_type or [None] * codes.shape[1], strict=True):
        letters, counts = np.unique(column, return_counts=True)
        own = ord(wild) if wild else letters[counts.argmax()]
        if len(letters) > 1 or letters[0] != own:
            kept.append(column == own)
    return np.array(kept, bool).reshape(len(kept), len(sequences))


def spearman(scores: Float[np.ndarray, "v"], measured: Float[np.ndarray, "v"]) -> float | None:
    """Signed rank correlation, equals share the middle rank; None where one of both does not vary."""
    from scipy.stats import rankdata

    if len(scores) < _FEWEST or np.ptp(scores) == 0 or np.ptp(measured) == 0:
        return None
    return float(np.corrcoef(rankdata(scores), rankdata(measured))[0, 1])


@checked
def agreement(
    scores: Float[np.ndarray, "v"], measured: Float[np.ndarray, "v"], held: Bool[np.ndarray, "k v"] | None
) -> Agreement:
    """Spearman over all variants, and a jackknife over the sites: on Fisher's z, t with sites - 1 degrees of freedom.

    Variants are not independent: those mutated at one site share what that mutation does. So sites are what is left
    out, one at a time, each with every variant that is mutated there (`held`: those that are not; None: sequences of
    several lengths, whose sites are not known). Source: Snijders and Borgatti 1999, Connections 22(2), 161-170, for
    the same question where two actors share a tie.
    """
    value = spearman(scores, measured)
    if value is None:
        return Agreement(value=None, why_no_interval="the scores do not vary")
    parts, why = _without_each(held, lambda keep: spearman(scores[keep], measured[keep]))
    if why:
        return Agreement(value=value, why_no_interval=why)
    low, high = _interval(float(_z(value)), _z(parts))
    return Agreement(value=value, low=float(np.tanh(low)), high=float(np.tanh(high)))


@checked
def advantage(
    scores: Float[np.ndarray, "v"],
    other: Float[np.ndarray, "v"],
    measured: Float[np.ndarray, "v"],
    held: Bool[np.ndarray, "k v"] | None,
) -> Agreement:
    """Spearman of one kind of scores less that of another, on the same variants; the same jackknife."""

    def less(keep: np.ndarray) -> float | None:
        ours, theirs = (spearman(kind[keep], measured[keep]) for kind in (scores, other))
        return None if ours is None or theirs is None else ours - theirs

    value = less(np.ones(len(scores), bool))
    if value is None:
        return Agreement(value=None, why_no_interval="one of both does not vary")
    parts, why = _without_each(held, less)
    if why:
        return Agreement(value=value, why_no_interval=why)
    low, high = _interval(value, parts)
    return Agreement(value=value, low=low, high=high)


def by_mutations(
    scores: Float[np.ndarray, "v"], measured: Float[np.ndarray, "v"], mutations: Int[np.ndarray, "v"]
) -> pd.DataFrame:
    """Columns mutations, variants, spearman (NaN: fewer than three variants, or no variation), mean_measured."""
    rows = [
        (int(count), int(here.sum()), spearman(scores[here], measured[here]), float(measured[here].mean()))
        for count in np.unique(mutations)
        for here in [mutations == count]
    ]
    table = pd.DataFrame(rows, columns=["mutations", "variants", "spearman", "mean_measured"])
    return table.astype({"spearman": float})


def within_mutations(table: pd.DataFrame) -> float | None:
    """Mean of the correlations among variants with equally many mutations, by variants: what no count can tell."""
    known = table.dropna(subset=["spearman"])
    return float(np.average(known["spearman"], weights=known["variants"])) if len(known) else None


def tied(scores: Float[np.ndarray, "v"]) -> float:
    """Share of variants that share their score with another."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    return float((counts[places] > 1).mean())


def information(letters: Float[np.ndarray, "a"], log_sum: float, count: int) -> tuple[float, float]:
    """Of `count` distributions over A C G U: how far they are from uniform on average, and how much they vary, in nats.

    `letters`: their sum; `log_sum`: the sum of p log p. The first is ln 4 - mean entropy; the second the mean
    divergence from their common mean: 0 where the model says the same everywhere, whatever it says.
    """
    mean = letters / count
    certain = log_sum / count
    common = float((mean * np.log(np.maximum(mean, 1e-300))).sum())
    return float(np.log(4) + certain), float(max(0.0, certain - common))


def _without_each(held: np.ndarray | None, statistic: Callable[[np.ndarray], float | None]) -> tuple[np.ndarray, str]:
    """The statistic without each site, or why there is none."""
    if held is None:
        return np.zeros(0), "sequences of several lengths have no common sites"
    if len(held) < _FEWEST_SITES:
        return np.zeros(0), f"fewer than {_FEWEST_SITES} sites vary"
    parts = [statistic(keep) for keep in held]
    if any(part is None for part in parts):
        return np.zeros(0), "without one of the sites too few variants are left"
    return np.array(parts, float), ""


def _z(value: float | np.ndarray) -> np.ndarray:
    z: np.ndarray = np.arctanh(np.clip(value, -_ALMOST_ONE, _ALMOST_ONE))
    return z


def _interval(value: float, parts: np.ndarray) -> tuple[float, float]:
    from scipy.stats import t

    sites = len(parts)
    error = np.sqrt((sites - 1) / sites * ((parts - parts.mean()) ** 2).sum())
    half = float(t.ppf(0.975, sites - 1) * error)
    return value - half, value + half
