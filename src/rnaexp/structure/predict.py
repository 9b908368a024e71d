"""What a tuned head says of one RNA: the same answer on the command line, in Python and from a server."""

import math
from dataclasses import dataclass
from typing import Any

import psutil

from rnaexp.choices import Long
from rnaexp.data.dot_bracket import CrossingError, to_dot_bracket
from rnaexp.errors import TooLongError
from rnaexp.models.memory import peak_bytes
from rnaexp.models.spec import Encoder
from rnaexp.rna import Pair, Rna
from rnaexp.structure.decode import calls, one_partner
from rnaexp.structure.heads import RnaScores, TunedHead
from rnaexp.structure.reading import Reading, Table, scores_from

DECODER = "greedy"  # of the dot-bracket view: pairs by falling score, as long as both bases are free
_BYTES_A_PAIR = 32  # which pairs are candidates, their sort keys, scores and places, for all n^2 of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """`pairs` (0-based, best first) with their `scores`: the result. `dot_bracket`: a lossy view, one partner a base.

    `shown`: the pairs of the view, sorted.
    """

    rna: Rna
    pairs: tuple[Pair, ...]
    scores: tuple[float, ...]
    shown: tuple[Pair, ...]
    dot_bracket: str


def reading_of(tuned: TunedHead, long: Long = "skip") -> Reading:
    """Every candidate's score under the tuned head, by the short way."""
    head = (tuned.layer, tuned.head)
    return Reading(read_out=tuned.read_out, scoring=tuned.scoring, depth=math.inf, head=head, long=long)


def predict_one(encoder: Encoder, rna: Rna, tuned: TunedHead) -> Prediction:
    """Run the model up to the tuned head's layer, and decode.

    Raises: TooLongError or UnsuitableError if the model cannot read the RNA, ScoreError if its map is unusable.
    """
    table = Table(rna, reading_of(tuned))
    table.add(tuned.layer, encoder.read_head(rna, tuned.layer, tuned.head)[None])
    return prediction(rna, scores_from(rna, table.entry(), tuned.scoring, tuned.read_out), tuned)


def view_threshold(tuned: TunedHead) -> float:
    """The threshold of the dot-bracket view: tuned through its decoder, as far as that was done."""
    return tuned.threshold if tuned.dot_bracket_threshold is None else tuned.dot_bracket_threshold


def prediction(rna: Rna, scores: RnaScores, tuned: TunedHead) -> Prediction:
    """Scores of every candidate, decoded."""
    pairs = calls(scores, 0, tuned.threshold)
    shown, dot_bracket = _view(len(rna), calls(one_partner(scores, 0), 0, view_threshold(tuned)))
    return Prediction(
        rna=rna,
        pairs=pairs,
        scores=tuple(float(score) for score in scores.scores[0][: len(pairs)]),
        shown=shown,
        dot_bracket=dot_bracket,
    )


def _view(bases: int, pairs: tuple[Pair, ...]) -> tuple[tuple[Pair, ...], str]:
    """Of pairs that cross more often than there are kinds of brackets the weakest are left out."""
    while True:
        try:
            return tuple(sorted(pairs)), to_dot_bracket(bases, pairs)
        except CrossingError:
            pairs = pairs[: len(pairs) * 9 // 10]


def record_of(found: Prediction, tuned: TunedHead) -> dict[str, Any]:
    """One answer in plain values, as it is written, returned and served; bases count from 1.

    `validation_f1`: of exactly this `decoder` (and its threshold) on the set `validation`, None where it is not known.
    `depth`: rows of the alignment that was given, 1 without one.
    """
    rna = found.rna
    return {
        "id": rna.id,
        "pairs": [
            {"i": i + 1, "j": j + 1, "bases": rna.sequence[i] + rna.sequence[j], "score": score}
            for (i, j), score in zip(found.pairs, found.scores, strict=True)
        ],
        "dot_bracket": found.dot_bracket,
        "decoder": f"{DECODER} threshold={view_threshold(tuned):.6g}",
        "validation_f1": tuned.dot_bracket_f1,
        "validation": tuned.tuned_on,
        "depth": rna.alignment.depth if rna.alignment else 1,
    }


def refuse_beyond_memory(encoder: Encoder, rna: Rna) -> None:
    """Say that an RNA's maps cannot fit, instead of dying over them.

    Raises: TooLongError.
    """
    needed = peak_bytes(encoder, len(rna)) - peak_bytes(encoder, 0) + _BYTES_A_PAIR * len(rna) ** 2
    free = psutil.virtual_memory().available
    if needed > free:
        message = f"{rna.id}: {len(rna)} bases need about {needed / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free"
        raise TooLongError(message)
