"""Pairs drawn at random, as released evaluation code draws them, and the figures it makes of their similarities.

Source: heqin-zhu/structRFM at cf3a343, tasks/zeroshot/extract_embs/tools.py. There Python's `random` draws; the draws
here are other ones of the same distribution.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Float32, Int64

from rnaexp.classify.overlap import iou, overlap_ratio
from rnaexp.classify.protocol import EmbeddingProtocol

Negatives = Literal["distinct", "per-sequence"]

_MORE_THAN = 2  # members of a family that homologous pairs are drawn from
_STEP = 0.01  # of the classifier's thresholds, from 0 to 1
_EPS = 1e-11  # added to the classifier's denominators there


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnFigures:
    """What one drawing gives: the overlap in both units, how far apart the classes are, and the best classifier.

    `f1`, `mcc`, `recall`: of calling a pair homologous when its cosine is at least `threshold`, the first of the steps
    with the best F1. `inf`: the best square root of precision times recall over all steps.
    """

    overlap_area: float
    overlap_iou: float
    delta_mean: float
    delta_median: float
    f1: float
    mcc: float
    threshold: float
    recall: float
    inf: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """Mean and standard deviation (of the repetitions themselves, no n - 1) of each figure.

    `same_family`: share of the pairs drawn as not homologous that are of one family after all.
    """

    mean: DrawnFigures
    sd: DrawnFigures
    repetitions: int
    pairs: int
    same_family: float


def homologous_pairs(families: Sequence[str], size: int, seed: int) -> Int64[np.ndarray, "p 2"]:
    """A family of more than two members, each as likely as the next; two of its members without replacement.

    Raises: ValueError if no family has three members.
    """
    random = np.random.default_rng([seed, 0])
    members = [rows for rows in _members(families) if len(rows) > _MORE_THAN]
    if not members:
        message = "no family has three members to draw homologous pairs from"
        raise ValueError(message)
    sizes = np.array([len(rows) for rows in members])
    chosen = random.integers(len(members), size=size)
    first = random.integers(sizes[chosen])
    second = (first + 1 + random.integers(sizes[chosen] - 1)) % sizes[chosen]
    table, starts = np.concatenate(members), np.append(0, np.cumsum(sizes))[:-1]
    return np.stack([table[starts[chosen] + first], table[starts[chosen] + second]], axis=1)


def other_pairs(families: Sequence[str], size: int, seed: int, negatives: Negatives) -> Int64[np.ndarray, "p 2"]:
    """`distinct`: two families, each as likely as the next, and a member of each.

    `per-sequence`: the families of two sequences, so that large families come often and both may be one, even one RNA.
    """
    random = np.random.default_rng([seed, 1])
    members = _members(families)
    sizes = np.array([len(rows) for rows in members])
    table, starts = np.concatenate(members), np.append(0, np.cumsum(sizes))[:-1]
    if negatives == "distinct":
        two = _two_of(random, len(members), size)
    else:
        two = np.repeat(np.arange(len(sizes)), sizes)[_two_of(random, int(sizes.sum()), size)]
    return np.asarray(table[starts[two] + random.integers(sizes[two])])


def _members(families: Sequence[str]) -> list[Int64[np.ndarray, "m"]]:
    _, code = np.unique(np.asarray(families, dtype=object).astype(str), return_inverse=True)
    order = np.argsort(code, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(code[order])) + 1)


def _two_of(random: np.random.Generator, many: int, size: int) -> Int64[np.ndarray, "p 2"]:
    first = random.integers(many, size=size)
    return np.stack([first, (first + 1 + random.integers(many - 1, size=size)) % many], axis=1)


def classifier(
    homologous: Float[np.ndarray, "p"], others: Float[np.ndarray, "q"]
) -> tuple[float, float, float, float, float]:
    """Best F1, MCC at it, threshold, recall at it, and the best INF, over thresholds 0, 0.01, ... 1, called at `>=`."""
    at = np.arange(round(1 / _STEP) + 1) * _STEP
    right, wrong = (len(x) - np.searchsorted(np.sort(x), at, side="left").astype(float) for x in (homologous, others))
    missed, rest = len(homologous) - right, len(others) - wrong
    precision, recall = right / (right + wrong + _EPS), right / (len(homologous) + _EPS)
    f1 = 2 * precision * recall / (precision + recall + _EPS)
    product = (right + wrong) * (right + missed) * (rest + wrong) * (rest + missed)
    mcc = (right * rest - wrong * missed) / (np.sqrt(product) + _EPS)
    best = int(f1.argmax())
    return (
        float(f1[best]),
        float(mcc[best]),
        float(at[best]),
        float(recall[best]),
        float(np.sqrt(precision * recall).max()),
    )


def figures_of(
    homologous: Float[np.ndarray, "p"], others: Float[np.ndarray, "q"], protocol: EmbeddingProtocol
) -> DrawnFigures:
    """All figures of one drawing's similarities."""
    area = overlap_ratio(homologous, others, estimator=protocol.estimator, bins=protocol.bins)
    f1, mcc, threshold, recall, inf = classifier(homologous, others)
    return DrawnFigures(
        overlap_area=area,
        overlap_iou=iou(area),
        delta_mean=float(homologous.mean() - others.mean()),
        delta_median=float(np.median(homologous) - np.median(others)),
        f1=f1,
        mcc=mcc,
        threshold=threshold,
        recall=recall,
        inf=inf,
    )


def drawn_figures(
    vectors: Float32[np.ndarray, "r d"], families: Sequence[str], protocol: EmbeddingProtocol
) -> Repeated | None:
    """The protocol's drawings of unit vectors' cosines; None where it counts all pairs.

    Raises: ValueError if no family has three members.
    """
    if not (size := protocol.drawn):
        return None
    found, alike = list[DrawnFigures](), list[float]()
    names = np.asarray(families, dtype=object)
    for repetition in range(protocol.repetitions):
        seed = protocol.seed + repetition
        own, others = homologous_pairs(families, size, seed), other_pairs(families, size, seed, protocol.negatives)
        found.append(figures_of(_cosines(vectors, own), _cosines(vectors, others), protocol))
        alike.append(float((names[others[:, 0]] == names[others[:, 1]]).mean()))
    values = {name: np.array([asdict(one)[name] for one in found]) for name in asdict(found[0])}
    return Repeated(
        mean=DrawnFigures(**{name: float(each.mean()) for name, each in values.items()}),
        sd=DrawnFigures(**{name: float(each.std()) for name, each in values.items()}),
        repetitions=protocol.repetitions,
        pairs=size,
        same_family=float(np.mean(alike)),
    )


def _cosines(vectors: Float32[np.ndarray, "r d"], pairs: Int64[np.ndarray, "p 2"]) -> Float[np.ndarray, "p"]:
    """A few pairs at a time: of 100,000 the two long matrices would be the largest thing in memory."""
    parts = np.array_split(pairs, max(1, len(pairs) // 4096))
    products = [np.einsum("pd,pd->p", *(vectors[part[:, at]].astype(np.float64) for at in (0, 1))) for part in parts]
    return np.concatenate(products)
