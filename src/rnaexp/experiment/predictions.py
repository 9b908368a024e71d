"""The files of a prediction: pairs, dot-brackets, and what else is asked for."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from rnaexp.choices import Long
from rnaexp.data.atomic import write_atomically
from rnaexp.data.csv_text import csv_text
from rnaexp.data.own import OwnRnas
from rnaexp.experiment.predicted_files import header, json_text, write_one
from rnaexp.models.spec import Encoder
from rnaexp.progress import announce, say
from rnaexp.reading.left_out import left_out, refuse, write_faults
from rnaexp.reading.read import Skipped, read_alone, read_set
from rnaexp.reading.store import Store
from rnaexp.rna import Rna
from rnaexp.structure.heads import RnaScores, TunedHead
from rnaexp.structure.predict import Prediction, prediction, reading_of

_AT_ONCE = 256  # RNAs between two looks at the disk: their maps of one head are all that is held


def write_predictions(
    own: OwnRnas,
    out: Path,
    tuned: TunedHead,
    encoder: Encoder,
    *,
    formats: Sequence[str],
    long: Long,
    strict: bool,
) -> None:
    """Write `pairs.csv` (every call: the result) and `structures.dbn` (a lossy view: one partner a base).

    The view's decoder takes pairs by falling score as long as both bases are free; its threshold was tuned through it.
    `formats`: what is written besides (`predicted_files`). An RNA longer than the model reads is left out, or (`long` =
    window) read in parts: see `structure.windows`. What was left out, and why, is in `skipped.csv`.

    Raises: InputError if nothing was predicted or, if `strict`, something was not.
    """
    rnas = own.rnas
    skipped: list[Skipped] = []
    pairs: list[tuple[str, int, int, str, float]] = []
    brackets: list[str] = []
    records: list[str] = []
    for rna, scores in _scored(rnas, encoder, tuned, own.name, skipped, long):
        found = prediction(rna, scores, tuned)
        pairs.extend(_rows(found))
        brackets.append(f">{rna.id} {header(tuned)}\n{rna.sequence}\n{found.dot_bracket}\n")
        records += [json_text(found, tuned)] if "json" in formats else []
        write_one(found, scores, tuned, out, formats)
    if alone := read_alone(encoder, rnas, own.name):
        say(alone)
    table = pd.DataFrame(pairs, columns=["rna", "i", "j", "bases", "score"])
    write_atomically(out / "pairs.csv", csv_text(table).encode())
    write_atomically(out / "structures.dbn", "".join(brackets).encode())
    if "json" in formats:
        write_atomically(out / "predictions.json", ("[" + ",\n ".join(records) + "]\n").encode())
    left, listed = left_out(own, skipped), out / "skipped.csv"
    write_faults(left, listed)
    refuse(own, left, listed, strict=strict)
    sys.stdout.write(
        f"{len(rnas) - len(skipped)} RNAs, {len(table)} pairs: {out / 'pairs.csv'}, {out / 'structures.dbn'}"
        f"; {len(left)} skipped: {listed}\n"
    )


def _scored(
    rnas: Sequence[Rna], encoder: Encoder, tuned: TunedHead, name: str, skipped: list[Skipped], long: Long
) -> Iterator[tuple[Rna, RnaScores]]:
    """Each RNA that can be read with its scores; the others are added to `skipped`."""
    store = Store()
    for first in range(0, len(rnas), _AT_ONCE):
        some = rnas[first : first + _AT_ONCE]
        with announce(f"{encoder.spec.name} on {name}", len(some)) as progress:
            reading = reading_of(tuned, long)
            scores, left_out = read_set(encoder, some, reading, store, data=(name, ""), progress=progress)
        skipped += left_out
        by_id = {rna.id: rna for rna in some}
        yield from ((by_id[one.id], one) for one in scores.rnas)


def _rows(found: Prediction) -> Iterator[tuple[str, int, int, str, float]]:
    """Every call, from 1, best first."""
    for (i, j), score in zip(found.pairs, found.scores, strict=True):
        yield found.rna.id, i + 1, j + 1, found.rna.sequence[i] + found.rna.sequence[j], score
