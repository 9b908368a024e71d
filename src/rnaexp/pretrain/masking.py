"""The objective: which letters are hidden and to be predicted."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from rnaexp.models.msa_encoder import AlignmentLetters
from rnaexp.pretrain.crops import PADDING
from rnaexp.pretrain.recipe import Objective

_BASES = 4  # A C G U are predicted; gaps and N are hidden with their column, but never predicted


class Example(NamedTuple):
    """Token ids as the model reads them, which of them to predict, the true letters (0..3) and weights of these."""

    ids: Int[Tensor, "b s t"]
    predicted: Bool[Tensor, "b s t"]
    letters: Int[Tensor, "m"]
    weights: Float[Tensor, "m"]


def hide(
    codes: UInt8[np.ndarray, "b s n"], objective: Objective, letters: AlignmentLetters, seed: int, number: int = 0
) -> Example:
    """Hide letters of batch `number`; the same seed and number hide the same."""
    rng = np.random.default_rng([seed, number, 1])
    chosen = _chosen(codes, objective, objective.whole_share(number), rng)
    shown = _shown(codes, chosen, objective, rng)
    predicted = np.pad(chosen & (codes < _BASES), ((0, 0), (0, 0), (1, 0)))
    weights = np.where(_rare(codes), objective.rare_weight, 1.0).astype(np.float32)
    return Example(
        token_ids(shown, letters),
        torch.from_numpy(predicted),
        torch.from_numpy(codes[predicted[..., 1:]].astype(np.int64)),
        torch.from_numpy(weights[predicted[..., 1:]]),
    )


_HIDDEN = 254


def token_ids(codes: UInt8[np.ndarray, "b s n"], letters: AlignmentLetters) -> Int[Tensor, "b s t"]:
    """Each row behind its special token; rows are never padded, for padding must be whole columns."""
    table = np.full(256, letters.pad, np.int64)
    table[: len(letters.letters)] = letters.letters
    table[_HIDDEN] = letters.mask
    return torch.from_numpy(np.pad(table[codes], ((0, 0), (0, 0), (1, 0)), constant_values=letters.first))


def _chosen(
    codes: np.ndarray, objective: Objective, whole: float, rng: np.random.Generator
) -> Bool[np.ndarray, "b s n"]:
    crops, rows, n = codes.shape
    chosen = np.zeros(codes.shape, bool)
    for at in range(crops):
        share = rng.uniform(*objective.hidden)
        if rng.random() < whole:
            chosen[at] = _spans(n, share, objective.spans, rng)
        else:
            chosen[at] = rng.random((rows, n)) < share
    if not (chosen & (codes < _BASES)).any():
        chosen[0, 0, 0] = True  # the query's first letter: a batch that asks for nothing has no loss
    predicted: np.ndarray = chosen & (codes != PADDING)
    return predicted


def _spans(n: int, share: float, lengths: tuple[int, int], rng: np.random.Generator) -> Bool[np.ndarray, "n"]:
    """Columns in runs, about this share of them."""
    chosen = np.zeros(n, bool)
    mean = (lengths[0] + lengths[1]) / 2
    for _ in range(max(1, round(share * n / mean))):
        first = int(rng.integers(0, n))
        chosen[first : first + int(rng.integers(lengths[0], lengths[1] + 1))] = True
    return chosen


def _shown(
    codes: np.ndarray, chosen: np.ndarray, objective: Objective, rng: np.random.Generator
) -> UInt8[np.ndarray, "b s n"]:
    """What is seen instead: decided for a column as a whole, for a letter left in one row gives the others away."""
    fate = rng.random((codes.shape[0], 1, codes.shape[2]))
    random = rng.integers(0, _BASES, codes.shape, dtype=np.uint8)
    shown = np.where(chosen & (fate >= objective.replaced + objective.kept), np.uint8(_HIDDEN), codes)
    replaced: np.ndarray = np.where(chosen & (fate < objective.replaced), random, shown)
    return replaced


def _rare(codes: np.ndarray) -> Bool[np.ndarray, "b s n"]:
    """Whether a letter is not the most frequent one of its column."""
    counts = np.stack([(codes == letter).sum(1) for letter in range(_BASES)])
    rare: np.ndarray = codes != counts.argmax(0)[:, None]
    return rare
