"""From attention maps to pair scores, in plain tensor verbs: the definition that the fused kernel must equal."""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from rnaexp.errors import ScoreError
from rnaexp.rna import Protein, Rna
from rnaexp.structure.molecules import PROTEIN
from rnaexp.structure.protocol import CANONICAL, ReadOut, Scoring
from rnaexp.typing import checked


@checked
def symmetrise(maps: Float[Tensor, "*h n n"]) -> Float[Tensor, "*h n n"]:
    """Attention has a direction, a base pair has none: A + A^T."""
    return maps + maps.transpose(-1, -2)


@checked
def average_product_correct(scores: Float[Tensor, "*h n n"]) -> Float[Tensor, "*h n n"]:
    """Subtract from each pair what its two bases' row and column sums alone would predict.

    Some bases draw attention from everywhere; without this they look paired with everything.

    Raises: ScoreError if a map's total is zero or not finite.
    Source: Dunn et al. 2008, doi:10.1093/bioinformatics/btm604.
    """
    total = scores.sum((-1, -2), keepdim=True)
    if not bool(torch.isfinite(total).all()) or bool((total == 0).any()):
        message = "average product correction: a map's total is zero or not finite"
        raise ScoreError(message)
    return scores - scores.sum(-1, keepdim=True) * scores.sum(-2, keepdim=True) / total


@checked
def pair_scores(maps: Float[Tensor, "*h n n"], read_out: ReadOut) -> Float[Tensor, "*h n n"]:
    """Scores of all pairs; only i < j is meant."""
    scores = symmetrise(maps) if read_out.symmetrise else maps
    return average_product_correct(scores) if read_out.apc else scores


def standardised(
    scores: Float[np.ndarray, "h k"], maps: Float[Tensor, "h n n"], allowed: Bool[np.ndarray, "n n"], read_out: ReadOut
) -> Float[np.ndarray, "h k"]:
    """Scores in standard deviations above the mean of their map's candidates; a flat map's are all 0."""
    where = torch.from_numpy(np.flatnonzero(allowed)).to(maps.device)
    every = pair_scores(maps.double(), read_out).flatten(1)[:, where]
    mean, sd = every.mean(1, keepdim=True).cpu().numpy(), every.std(1, correction=0, keepdim=True).cpu().numpy()
    scaled: np.ndarray = ((scores - mean) / np.where(sd > 0, sd, 1)).astype(np.float32)
    return scaled


def squashed(scores: Float[np.ndarray, "h k"]) -> Float[np.ndarray, "h k"]:
    """The logistic function of each score: between 0 and 1, in the same order."""
    from scipy.special import expit

    return np.asarray(expit(scores.astype(np.float64)), np.float32)


def candidates(rna: Rna, scoring: Scoring) -> Bool[np.ndarray, "n n"]:
    """Which pairs (i, j), i < j, may be called; none of a residue without coordinates.

    Raises: ValueError for a protein under a scoring of base pairs, or an RNA under one of contacts.
    """
    _refuse_other_kind(rna, scoring)
    n = len(rna)
    allowed = np.triu(np.ones((n, n), bool), scoring.min_separation)
    if scoring.pairs == "canonical":
        allowed &= canonical(rna.sequence)
    if isinstance(rna, Protein):
        lost = list(rna.unresolved)
        allowed[lost], allowed[:, lost] = False, False
    return allowed


def canonical(sequence: str) -> Bool[np.ndarray, "n n"]:
    """Which two letters are AU, GC or GU."""
    letters = np.array(list(sequence))
    found = np.zeros((len(letters), len(letters)), bool)
    for pair in sorted(CANONICAL):
        found |= (letters == pair[0])[:, None] & (letters == pair[1])[None, :]
    return found


def reference(rna: Rna, scoring: Scoring) -> Int[np.ndarray, "p"]:
    """The known pairs that are candidates, each as i * n + j, sorted; found without a map of all candidates.

    Raises: ValueError as `candidates` does.
    """
    _refuse_other_kind(rna, scoring)
    n, letters = len(rna), rna.sequence
    lost = set(rna.unresolved) if isinstance(rna, Protein) else set()
    known = [
        i * n + j
        for i, j in rna.pairs or ()
        if j - i >= scoring.min_separation and i not in lost and j not in lost
        if scoring.pairs != "canonical" or letters[i] + letters[j] in CANONICAL
    ]
    return np.array(known, np.int64)


def _refuse_other_kind(rna: Rna, scoring: Scoring) -> None:
    if isinstance(rna, Protein) != (scoring.molecule is PROTEIN):
        what = "a protein" if isinstance(rna, Protein) else "an RNA"
        message = f"{rna.id}: {what}, under a scoring of {scoring.molecule.pairs}"
        raise ValueError(message)
