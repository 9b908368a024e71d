"""The small table that stands for a model's maps: each head's best pairs, RNA by RNA; scores are arithmetic on it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from pydantic import AfterValidator, Field

from rnaexp.rna import Rna
from rnaexp.settings import RECORD, Digest, Line, MaybeDigest, Place, Share, Word, read_as
from rnaexp.structure.probabilities import StructureView
from rnaexp.structure.protocol import PAIR_SCORES, ReadOut, Scoring


@dataclass(frozen=True, kw_only=True)
class RnaScores:
    """One RNA's kept pairs. Below the last kept score nothing is known unless the list is `complete`.

    `read` False: the model could not read it, so nothing is called and everything is missed.
    """

    id: str
    sequence_sha256: str
    cluster: str
    bases: int
    candidates: int
    reference: Int[np.ndarray, "p"]  # each i * n + j
    scores: Float[np.ndarray, "h k"]  # falling; -inf: no pair
    indices: Int[np.ndarray, "h k"]  # i * n + j; -1: no pair
    complete: bool
    match: Literal["exact", "relaxed"] = "exact"
    read: bool = True

    @cached_property
    def hits(self) -> Bool[np.ndarray, "h k"]:
        """Which kept pairs are reference pairs (`relaxed`: or next to one, each reference pair found once)."""
        if self.match == "relaxed":
            from rnaexp.structure.relaxed import relaxed_hits  # its compiler takes half a second to import

            return relaxed_hits(self.indices, self.reference, self.bases)
        known = np.zeros(self.bases**2 + 1, np.bool_)  # one more, for the index -1 of no pair
        known[self.reference] = True
        hits: Bool[np.ndarray, "h k"] = known[self.indices]
        return hits

    @cached_property
    def without_threshold(self) -> dict[int, tuple[float, float]]:
        """What `ranking.without_threshold` has found, by the head's row."""
        return {}

    @cached_property
    def content(self) -> str:
        """Hash of all that it holds."""
        plain = (self.id, self.sequence_sha256, self.cluster, self.bases, self.candidates)
        digest = hashlib.sha256(repr((*plain, self.complete, self.match, self.read)).encode())
        for array in (self.reference, self.scores, self.indices):
            digest.update(f"{array.dtype.str} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    @property
    def references(self) -> int:
        """Number of reference pairs that are candidates."""
        return len(self.reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadScores:
    """A model's scores on one set under one read-out and one scoring."""

    model: str
    weights: str  # the encoder's fingerprint
    data: str
    data_sha256: str
    read_out: ReadOut
    scoring: Scoring
    heads_per_layer: int
    heads: tuple[int, ...]  # the heads in the rows of every table, as layer * heads_per_layer + head
    rnas: tuple[RnaScores, ...]

    def row(self, layer: int, head: int) -> int:
        """Where a head stands in the tables."""
        wanted = layer * self.heads_per_layer + head
        if wanted not in self.heads:
            message = f"layer {layer} head {head} was not read"
            raise ValueError(message)
        return self.heads.index(wanted)

    def name(self, row: int) -> tuple[int, int]:
        """(layer, head) of a row, both from 0."""
        layer, head = divmod(self.heads[row], self.heads_per_layer)
        return layer, head

    def scored(self) -> tuple[RnaScores, ...]:
        """The RNAs that have reference pairs; the others cannot be scored and are counted apart."""
        return tuple(rna for rna in self.rnas if rna.references)

    def one_head(self, layer: int, head: int) -> "HeadScores":
        """The same table for one of its heads."""
        row = self.row(layer, head)
        if len(self.heads) == 1:
            return self  # what was worked out of its RNAs is not worked out again
        rnas = (replace(r, scores=r.scores[row : row + 1], indices=r.indices[row : row + 1]) for r in self.rnas)
        return replace(self, heads=(self.heads[row],), rnas=tuple(rnas))

    def with_unread(self, rnas: Sequence[Rna]) -> "HeadScores":
        """With those of `rnas` that are not there as RNAs in which nothing was found, in the order of `rnas`.

        A model that reads fewer RNAs is then never better for it.
        """
        there = {rna.id: rna for rna in self.rnas}
        return replace(self, rnas=tuple(there.get(rna.id) or self._unread(rna) for rna in rnas))

    def _unread(self, rna: Rna) -> RnaScores:
        from rnaexp.structure.pairs import candidates, reference  # torch: what only names a head goes without

        nothing = (len(self.heads), 0)
        return RnaScores(
            id=rna.id,
            sequence_sha256=hashlib.sha256(rna.sequence.encode()).hexdigest(),
            cluster=rna.cluster or rna.id,
            bases=len(rna),
            candidates=int(candidates(rna, self.scoring).sum()),
            reference=reference(rna, self.scoring),
            scores=np.zeros(nothing, np.float32),
            indices=np.zeros(nothing, np.int64),
            complete=True,
            match=self.scoring.match,
            read=False,
        )

    @property
    def content(self) -> tuple[object, ...]:
        """What statistics of it depend on, whichever model and set it is of."""
        return self.read_out, self.scoring, self.heads_per_layer, self.heads, [rna.content for rna in self.rnas]

    @property
    def complete(self) -> bool:
        """Whether every candidate of every RNA is there."""
        return all(rna.complete for rna in self.rnas)


def _threshold(value: float) -> float:
    """Raises: ValueError for what no tuning gives; infinite where calling nothing is best."""
    if value != value or value == -np.inf:
        message = "must be a number, or infinity where nothing is called"
        raise ValueError(message)
    return value


Threshold = Annotated[float, Field(allow_inf_nan=True), AfterValidator(_threshold)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedHead:
    """A head and a threshold, frozen, with all they were chosen on: enough to apply them, and to refuse leakage."""

    __pydantic_config__ = RECORD

    model: Word
    weights: Line
    layer: Place
    head: Place
    threshold: Threshold
    dot_bracket_threshold: Threshold | None = None  # tuned with the greedy one-partner decoder, for dot-brackets
    dot_bracket_f1: Share | None = None  # validation F1 of exactly that decoder at that threshold
    validation_f1: Share | None
    tuned_on: Line
    tuned_on_sha256: MaybeDigest
    sequences: tuple[Digest, ...]  # sha256 of each RNA tuned on
    clusters: tuple[Word, ...]
    read_out: ReadOut
    scoring: Scoring
    view: StructureView | None = None  # how its structures are drawn; None of what is older, and of proteins

    def to_json(self) -> dict[str, Any]:
        """Plain values, as stored and logged."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "TunedHead":
        """Raises: InputError naming a field that is missing, unknown, of another type or out of range."""
        return read_as(cls, values, "not a tuned head")


def untuned_head(model: str, *, threshold: float, scoring: Scoring, weights: str = "") -> TunedHead:
    """A head that nothing was tuned on: every pair scored at least `threshold` is a call.

    `weights` "": whichever are there.
    """
    return TunedHead(
        model=model,
        weights=weights,
        layer=0,
        head=0,
        threshold=threshold,
        validation_f1=None,
        tuned_on="",
        tuned_on_sha256="",
        sequences=(),
        clusters=(),
        read_out=PAIR_SCORES,
        scoring=scoring,
    )
