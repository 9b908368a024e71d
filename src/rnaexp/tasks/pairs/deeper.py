"""How deep a set is read, at first and again, and which sets are too large for a second reading."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rnaexp.rna import Rna
from rnaexp.structure.heads import HeadScores
from rnaexp.structure.pairs import candidates
from rnaexp.structure.protocol import Scoring
from rnaexp.structure.reading import Reading
from rnaexp.structure.tune import depth_to_certify
from rnaexp.tasks.pairs.result import Part

# Bytes of lists. Up to the first every pair is kept at once; up to the second a second reading simply keeps every pair;
# beyond the last the oracle of a protocol that outlines cannot settle stays a lower bound.
TINY, SMALL, LARGE = 2**26, 2**30, 4 * 2**30
# Bytes of one head's lists of every pair: of a set with more, no lists are kept.
ONE_HEAD = 2**25


def first_reading(reading: Reading, heads: int, rnas: Sequence[Rna]) -> Reading:
    """With every pair where these RNAs' lists are tiny: running a model of few heads twice costs more than they do."""
    pairs = sum(len(rna) * (len(rna) - 1) // 2 for rna in rnas)
    return replace(reading, depth=float("inf")) if 8 * heads * pairs <= TINY else reading


def is_too_large(rnas: Sequence[Rna], scoring: Scoring) -> bool:
    """Whether lists of every pair of even one head are too much to hold."""
    return 8 * sum(int(candidates(rna, scoring).sum()) for rna in rnas) > ONE_HEAD


def is_large(part: Part) -> bool:
    """Whether lists of every pair of every head would fill the memory."""
    return bytes_of(part.scores, _every_pair(part)) > SMALL


def deeper(reading: Reading, part: Part) -> Reading:
    """Deep enough that no RNA's F1 below its list can exceed the best mean seen: 2R / (K + R)."""
    if not is_large(part):
        return replace(reading, depth=float("inf"))
    return replace(reading, depth=max(4 * reading.depth, float(np.ceil(certifying_depth(part)))))


def certifying_depth(part: Part) -> float:
    """The depth at which this part's heads could have been read at once."""
    best = part.search.winner["f1"]
    return max(depth_to_certify(rna.references, best, rna.candidates) / rna.references for rna in part.scores.scored())


def bytes_of(scores: HeadScores, reading: Reading) -> int:
    """Of the lists of a reading."""
    return sum(8 * len(scores.heads) * reading.kept(rna.references, rna.candidates) for rna in scores.rnas)


def _every_pair(part: Part) -> Reading:
    return Reading(read_out=part.scores.read_out, scoring=part.scores.scoring, depth=float("inf"), long=part.long)
