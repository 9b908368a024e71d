"""What a tuned head says of one RNA: the same answer on the command line, in Python and from a server."""

import math
from dataclasses import dataclass
from typing import Any

import psutil

from rnaexp.choices import PLAIN, Drawing, Long
from rnaexp.data.dot_bracket import CrossingError, to_dot_bracket
from rnaexp.errors import InputError, TooLongError
from rnaexp.models.memory import peak_bytes
from rnaexp.models.spec import Encoder
from rnaexp.rna import Pair, Rna
from rnaexp.structure.calibrate import drawable
from rnaexp.structure.decode import calls, one_partner
from rnaexp.structure.heads import RnaScores, TunedHead
from rnaexp.structure.reading import Reading, Table, scores_from
from rnaexp.structure.shipped_heads import FOLDED
from rnaexp.structure.view import FOLD_WEIGHT, View, folded_table, pair_table, view_of
from rnaexp.structure.worth import control_of, decoder_f1, measured_on

_BYTES_A_PAIR = 32  # which pairs are candidates, their sort keys, scores and places, for all n^2 of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """`pairs` (0-based, best first) with their `scores`: the protocol's calls.

    `probabilities`: theirs, None of a pair that no structure may hold. `view`: the structure that is drawn, with its
    confidences; None of a head without calibrated probabilities, whose structure is made of its scores alone.
    `shown`: the structure's pairs, sorted; `dot_bracket`: the same as text.
    """

    rna: Rna
    pairs: tuple[Pair, ...]
    scores: tuple[float, ...]
    probabilities: tuple[float | None, ...]
    view: View | None
    shown: tuple[Pair, ...]
    dot_bracket: str


def reading_of(tuned: TunedHead, long: Long = "skip") -> Reading:
    """Every candidate's score under the tuned head; later layers do not run."""
    head = (tuned.layer, tuned.head)
    return Reading(read_out=tuned.read_out, scoring=tuned.scoring, depth=math.inf, head=head, long=long)


def predict_one(encoder: Encoder, rna: Rna, tuned: TunedHead, drawing: Drawing = PLAIN) -> Prediction:
    """Run the model up to the tuned head's layer, and decode.

    Raises: TooLongError or UnsuitableError if the model cannot read the RNA, ScoreError if its map is unusable.
    """
    table = Table(rna, reading_of(tuned))
    table.add(tuned.layer, encoder.read_head(rna, tuned.layer, tuned.head)[None])
    return prediction(rna, scores_from(rna, table.entry(), tuned.scoring, tuned.read_out), tuned, drawing)


def refuse_drawing(tuned: TunedHead, drawing: Drawing) -> None:
    """Raises: InputError for a drawing that needs probabilities of a head without them, or folds what is folded."""
    if drawing.fold and tuned.model in FOLDED:
        message = f"--fold: the structures of {tuned.model} are folded already; give the model whose scores are to help"
        raise InputError(message)
    if tuned.view is None and drawing != PLAIN:
        message = (
            f"{tuned.model}: this head was tuned before probabilities were calibrated, which --fold and --pseudoknots "
            "need; tune it again (rnaexp run, or predict --tune)"
        )
        raise InputError(message)


def view_threshold(tuned: TunedHead) -> float:
    """The threshold of structures that are made of scores alone: tuned for them, as far as that was done."""
    return tuned.threshold if tuned.dot_bracket_threshold is None else tuned.dot_bracket_threshold


def decoder_of(tuned: TunedHead, drawing: Drawing = PLAIN) -> str:
    """How the structure is made, in words without spaces around `=`."""
    if tuned.view is None:
        return f"greedy threshold={view_threshold(tuned):.6g}"
    gamma = (tuned.view.folded if drawing.fold else tuned.view).gamma
    folded = f"viennarna weight={FOLD_WEIGHT:g} " if drawing.fold else ""
    return f"{folded}mea gamma={gamma:g}" + (" pseudoknots" if drawing.pseudoknots else "")


def prediction(rna: Rna, scores: RnaScores, tuned: TunedHead, drawing: Drawing = PLAIN) -> Prediction:
    """Scores of every candidate, decoded."""
    pairs = calls(scores, 0, tuned.threshold)
    calibrated: tuple[float | None, ...] = (None,) * len(pairs)
    if tuned.view is None:
        view, (shown, dot_bracket) = None, _greedy(len(rna), calls(one_partner(scores, 0), 0, view_threshold(tuned)))
    else:
        found = drawable(rna, scores)
        table, how = pair_table(found, tuned.view.calibration), tuned.view
        calibrated = tuple(table.at(pairs))
        if drawing.fold:
            table, how = folded_table(rna, found, how.calibration), how.folded
        view = view_of(rna, table, how, pseudoknots=drawing.pseudoknots)
        shown, dot_bracket = view.pairs, to_dot_bracket(len(rna), view.pairs)
    return Prediction(
        rna=rna,
        pairs=pairs,
        scores=tuple(float(score) for score in scores.scores[0][: len(pairs)]),
        probabilities=calibrated,
        view=view,
        shown=shown,
        dot_bracket=dot_bracket,
    )


def _greedy(bases: int, pairs: tuple[Pair, ...]) -> tuple[tuple[Pair, ...], str]:
    """Of pairs that cross more often than there are kinds of brackets the weakest are left out."""
    while True:
        try:
            return tuple(sorted(pairs)), to_dot_bracket(bases, pairs)
        except CrossingError:
            pairs = pairs[: len(pairs) * 9 // 10]


def record_of(found: Prediction, tuned: TunedHead, drawing: Drawing = PLAIN) -> dict[str, Any]:
    """One answer in plain values, as it is written, returned and served; bases count from 1.

    `pairs`: the calls; `structure`: the pairs of the dot-bracket. `validation_f1`: of exactly this `decoder` on the
    set `validation`; `control_f1`: of `control` on the same RNAs (`control_of`); None where it is not known. `depth`:
    rows of the alignment that was given, 1 without one. `head`: LAYER.HEAD of the `model`.
    """
    control, control_f1 = control_of(tuned, drawing)
    rna, view = found.rna, found.view
    calls = zip(found.pairs, found.scores, found.probabilities, strict=True)
    confidences = (None,) * len(found.shown) if view is None else view.confidences
    return {
        "id": rna.id,
        "pairs": [
            {**_pair(rna, pair), "score": score, "probability": probability} for pair, score, probability in calls
        ],
        "structure": [
            {**_pair(rna, pair), "confidence": confidence}
            for pair, confidence in zip(found.shown, confidences, strict=True)
        ],
        "dot_bracket": found.dot_bracket,
        "decoder": decoder_of(tuned, drawing),
        "expected_f1": None if view is None else view.expected_f1,
        "expected_precision": None if view is None else view.expected_precision,
        "validation_f1": decoder_f1(tuned, drawing),
        "validation": measured_on(tuned),
        "control": control,
        "control_f1": control_f1,
        "depth": rna.alignment.depth if rna.alignment else 1,
        "model": tuned.model,
        "head": f"{tuned.layer}.{tuned.head}",
    }


def _pair(rna: Rna, pair: Pair) -> dict[str, Any]:
    i, j = pair
    return {"i": i + 1, "j": j + 1, "bases": rna.sequence[i] + rna.sequence[j]}


def refuse_beyond_memory(encoder: Encoder, rna: Rna) -> None:
    """Say that an RNA's maps cannot fit, instead of dying over them.

    Raises: TooLongError.
    """
    needed = peak_bytes(encoder, len(rna)) - peak_bytes(encoder, 0) + _BYTES_A_PAIR * len(rna) ** 2
    free = psutil.virtual_memory().available
    if needed > free:
        message = f"{rna.id}: {len(rna)} bases need about {needed / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free"
        raise TooLongError(message)
