"""The files of a prediction: pairs, dot-brackets, and other formats."""

import json
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from rnaexp.choices import Drawing, Long
from rnaexp.data.atomic import write_atomically
from rnaexp.data.csv_text import csv_text
from rnaexp.data.own import OwnRnas
from rnaexp.experiment.predicted_files import header, json_text, write_one
from rnaexp.models.spec import Encoder
from rnaexp.progress import Announce, announce, say, silence
from rnaexp.reading.left_out import left_out, refuse, write_faults
from rnaexp.reading.read import Skipped, read_alone, read_set
from rnaexp.reading.store import Store
from rnaexp.report.prediction_page import MOST_DRAWN, Sheet, prediction_page, sheet
from rnaexp.rna import Pair, Rna
from rnaexp.structure.heads import RnaScores, TunedHead
from rnaexp.structure.predict import Prediction, decoder_of, prediction, reading_of, refuse_drawing
from rnaexp.structure.worth import control_of, decoder_f1
from rnaexp.tasks.pairs.settings import PredictSettings
from rnaexp.tasks.pairs.tuned import known_f1, worth_of

_FIGURES = ("probability", "confidence", "expected_precision", "expected_f1", "validation_f1", "control_f1")
_DIGITS = dict.fromkeys(_FIGURES, 4)  # scores keep all of theirs
_KNOWN = ("validation_f1", "control", "control_f1")  # the same of all RNAs: of the head, not of the RNA
_AT_ONCE = 256  # RNAs between two looks at the disk: their maps of one head are all that is held


def write_predictions(
    own: OwnRnas,
    out: Path,
    tuned: TunedHead,
    encoder: Encoder,
    *,
    formats: Sequence[str],
    settings: PredictSettings,
    html: Path | None = None,
) -> None:
    """Write `pairs.csv` (the protocol's calls), `structures.dbn` and `structures.csv` (the structures that are drawn).

    `formats`: what is written besides (`predicted_files`); `html`: one page with all of it. An RNA longer than the
    model reads is left out, or (`long` = window) read in parts: see `structure.windows`. What was left out, and why,
    is in `skipped.csv`.

    Raises: InputError if the head cannot be drawn so, if nothing was predicted or, if `strict`, something was not.
    """
    rnas, drawing = own.rnas, settings.drawing
    refuse_drawing(tuned, drawing)
    skipped: list[Skipped] = []
    tables = _Tables(decoder_f1(tuned, drawing), *control_of(tuned, drawing))
    brackets: list[str] = []
    records: list[str] = []
    sheets: list[Sheet] = []
    made = header(tuned, drawing)
    for rna, scores in _scored(own, encoder, tuned, skipped, settings.long, announce):
        found = prediction(rna, scores, tuned, drawing)
        changed = own.changes.get(rna.id, "")
        tables.add(found, changed)
        brackets.append(f">{rna.id} {made}\n{rna.sequence}\n{found.dot_bracket}\n")
        records += [json_text(found, tuned, drawing)] if "json" in formats else []
        write_one(found, scores, tuned, drawing, out, formats)
        sheets += [sheet(found, drawn=len(sheets) < MOST_DRAWN, changed=changed)] if html else []
    alone = read_alone(encoder, rnas, own.name)
    if alone:
        say(alone)
    tables.write(out)
    write_atomically(out / "structures.dbn", "".join(brackets).encode())
    if members := getattr(encoder, "members", ()):
        heads = json.dumps([member.tuned.to_json() for member in members], indent=1)
        write_atomically(out / "ensemble.json", f"{heads}\n".encode())
    if "json" in formats:
        write_atomically(out / "predictions.json", ("[" + ",\n ".join(records) + "]\n").encode())
    left, listed = left_out(own, skipped), out / "skipped.csv"
    write_faults(left, listed)
    refuse(own, left, listed, strict=settings.strict)
    worth = worth_of(tuned, drawing)
    if alone:
        worth += " (those RNAs with their alignments, of these RNAs not all have one)"
    say(worth)
    if html is not None:
        title = f"{len(sheets)} RNAs of {own.name} by {tuned.model}"
        by = f"{made}; rnaexp {version('rnaexp')}; {len(left)} records skipped"
        decoder, colour = decoder_of(tuned, drawing), _colour(tuned, drawing)
        words = {"worth": worth, "decoder": decoder, "colour": colour, "known": known_f1(tuned, drawing)}
        text = prediction_page(sheets, title=title, made=by, **words)
        write_atomically(html, text.encode())
    sys.stdout.write(
        f"{len(rnas) - len(skipped)} RNAs, {len(tables.calls)} pairs: {out / 'pairs.csv'}, {out / 'structures.dbn'}"
        f"; {len(left)} skipped: {listed}\n"
    )


def _colour(tuned: TunedHead, drawing: Drawing) -> str:
    """What the colour of a pair tells."""
    if tuned.view is None:
        return ""
    if (tuned.view.folded if drawing.fold else tuned.view).f1 is None:
        whose = "ViennaRNA with the model's scores as soft constraints" if drawing.fold else "the model itself"
        return f"Colour is a pair's probability by {whose}: not calibrated, and usually too sure."
    known = tuned.view.measured_on or "the RNAs that the head was tuned on"
    return f"Colour is confidence: the share of such pairs that were real on {known}."


class _Tables:
    """Rows for every RNA: its calls, the pairs of its structure, and what is expected of that; bases from 1."""

    def __init__(self, validation_f1: float | None, control: str | None, control_f1: float | None) -> None:
        self.known = validation_f1, control, control_f1
        self.calls: list[tuple[str, int, int, str, float, float | None]] = []
        self.drawn: list[tuple[str, int, int, str, float | None]] = []
        self.rnas: list[tuple[Any, ...]] = []

    def add(self, found: Prediction, changed: str) -> None:
        rna, view = found.rna, found.view
        calls = zip(found.pairs, found.scores, found.probabilities, strict=True)
        self.calls += [(rna.id, *_from_one(rna, pair), score, probability) for pair, score, probability in calls]
        confidences = [None] * len(found.shown) if view is None else view.confidences
        drawn = zip(found.shown, confidences, strict=True)
        self.drawn += [(rna.id, *_from_one(rna, pair), confidence) for pair, confidence in drawn]
        expected = (None, None) if view is None else (view.expected_precision, view.expected_f1)
        self.rnas.append((rna.id, len(rna), len(found.shown), *expected, *self.known, changed))

    def write(self, out: Path) -> None:
        where = ["rna", "i", "j", "bases"]
        for name, rows, columns in (
            ("pairs.csv", self.calls, [*where, "score", "probability"]),
            ("structures.csv", self.drawn, [*where, "confidence"]),
            ("rnas.csv", self.rnas, ["rna", "bases", "pairs", "expected_precision", "expected_f1", *_KNOWN, "changed"]),
        ):
            table = pd.DataFrame(rows, columns=columns)
            write_atomically(out / name, csv_text(table.round(_DIGITS)).encode())


def read_share(own: OwnRnas, tuned: TunedHead, encoder: Encoder, long: Long) -> None:
    """What any but the first of torchrun's processes does: its share of the RNAs, into the store."""
    for _ in _scored(own, encoder, tuned, [], long, silence):
        pass


def _scored(
    own: OwnRnas, encoder: Encoder, tuned: TunedHead, skipped: list[Skipped], long: Long, shown: Announce
) -> Iterator[tuple[Rna, RnaScores]]:
    """Each RNA that can be read with its scores; the others are added to `skipped`."""
    store = Store()
    for first in range(0, len(own.rnas), _AT_ONCE):
        some = own.rnas[first : first + _AT_ONCE]
        with shown(f"{encoder.spec.name} on {own.name}", len(some)) as progress:
            reading = reading_of(tuned, long)
            scores, left_out = read_set(encoder, some, reading, store, data=(own.name, ""), progress=progress)
        skipped += left_out
        by_id = {rna.id: rna for rna in some}
        yield from ((by_id[one.id], one) for one in scores.rnas)


def _from_one(rna: Rna, pair: Pair) -> tuple[int, int, str]:
    i, j = pair
    return i + 1, j + 1, rna.sequence[i] + rna.sequence[j]
