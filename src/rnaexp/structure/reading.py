"""What is kept of an RNA's maps while they stream by."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from rnaexp.choices import Long
from rnaexp.errors import ScoreError
from rnaexp.rna import Rna
from rnaexp.structure.bands import Limits, band_of
from rnaexp.structure.counts import greedy_pairs, top_pairs
from rnaexp.structure.heads import RnaScores
from rnaexp.structure.outlines import Counts, count_steps, packed
from rnaexp.structure.pairs import candidates, reference, squashed, standardised
from rnaexp.structure.protocol import ATTENTION, ReadOut, Scoring
from rnaexp.structure.windows import Windows, already_made

# Lists this many times longer than the reference settle any head down to F1 2 / (1 + 8) at one reading.
DEPTH = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What to keep of each map: the `depth` times R (reference pairs) best pairs, at least `least`, of each head."""

    read_out: ReadOut
    scoring: Scoring
    depth: float = DEPTH
    least: int = 64
    head: tuple[int, int] | None = None  # one (layer, head) only; later layers do not run
    long: Long = "skip"  # what becomes of an RNA longer than the model reads
    band: Limits | None = None  # of one head: the scores within these limits, and how many lie above
    outline: bool = False  # of all heads: how many pairs lie in each step of the scores, and no list

    def kept(self, references: int, candidate_count: int) -> int:
        """Length of the list of one RNA; an infinite depth keeps every candidate."""
        if np.isinf(self.depth):
            return candidate_count
        return min(candidate_count, max(self.least, int(np.ceil(self.depth * references))))


def scorable(rna: Rna, scoring: Scoring, windows: Windows | None) -> Bool[np.ndarray, "n n"]:
    """The candidates that can have a score; a reference pair beyond the windows counts as missed."""
    allowed = candidates(rna, scoring)
    return allowed if windows is None else allowed & windows.covered()


def known_pairs(rna: Rna, scoring: Scoring) -> Bool[np.ndarray, "p"]:
    """Which places i * n + j are reference pairs."""
    known = np.zeros(len(rna) ** 2, np.bool_)
    known[reference(rna, scoring)] = True
    return known


class Table:
    """One RNA's kept pairs, growing layer by layer; of an RNA read in `windows`, those that a window holds."""

    def __init__(self, rna: Rna, reading: Reading, windows: Windows | None = None) -> None:
        self.rna, self.reading = rna, reading
        self.allowed = scorable(rna, reading.scoring, windows)
        self.read_out = reading.read_out if windows is None else already_made(reading.read_out)
        self.candidates = int(self.allowed.sum())
        self.k = reading.kept(len(reference(rna, reading.scoring)), self.candidates)
        self.kept: list[tuple[np.ndarray, np.ndarray]] = []
        self.outlines: list[Counts] = []
        self.band: dict[str, np.ndarray] = {}

    def add(self, layer: int, maps: Float[Tensor, "h n n"]) -> None:
        """A layer's maps, or the scores of its windows; raises ScoreError naming RNA, layer and head."""
        try:
            read_out = self.read_out
            if self.reading.outline:
                self.outlines.append(
                    count_steps(maps, self.allowed, known_pairs(self.rna, self.reading.scoring), read_out)
                )
                return
            if self.reading.scoring.decoder == "greedy":
                scores, indices = greedy_pairs(maps, self.allowed, read_out=read_out)
            else:
                scores, indices = top_pairs(maps, self.allowed, k=self.k, read_out=read_out)
            if read_out.score_scale == "z-score":
                scores = standardised(scores, maps, self.allowed, read_out)
            if self.reading.band is not None:
                self.band = band_of(
                    scores[0], known_pairs(self.rna, self.reading.scoring)[indices[0]], self.reading.band
                )
                return
            self.kept.append((scores, indices))
        except ScoreError as error:
            message = f"{self.rna.id}: layer {layer} {error}"
            raise ScoreError(message) from error

    def entry(self) -> dict[str, np.ndarray]:
        """As stored."""
        if self.reading.outline:
            return packed(self.outlines)
        if self.reading.band is not None:
            return self.band
        scores = np.concatenate([scores for scores, _ in self.kept])
        complete = self.reading.scoring.decoder == "greedy" or scores.shape[1] == self.candidates
        return {
            "scores": scores,
            "indices": np.concatenate([indices for _, indices in self.kept]),
            "candidates": np.array(self.candidates),
            "complete": np.array(complete),
        }


def scores_from(
    rna: Rna, entry: Mapping[str, np.ndarray], scoring: Scoring, read_out: ReadOut = ATTENTION
) -> RnaScores:
    """A stored entry with what is known of its RNA; ranks and the sigmoid are made of what is stored."""
    scores = entry["scores"]
    if read_out.squash == "sigmoid":
        scores = np.where(entry["indices"] >= 0, squashed(scores), np.float32(-np.inf))
    if read_out.score_scale == "top":
        ranks = np.arange(1, scores.shape[1] + 1, dtype=np.float32)
        scores = np.where(entry["indices"] >= 0, -ranks / np.float32(len(rna)), np.float32(-np.inf))
    return RnaScores(
        id=rna.id,
        sequence_sha256=sequence_sha256(rna),
        cluster=rna.cluster or rna.id,
        bases=len(rna),
        candidates=int(entry["candidates"]),
        reference=reference(rna, scoring),
        scores=scores,
        indices=entry["indices"],
        complete=bool(entry["complete"]),
        match=scoring.match,
    )


def sequence_sha256(rna: Rna) -> str:
    """Identity of an RNA across sets, whatever it is called there."""
    return hashlib.sha256(rna.sequence.encode()).hexdigest()
