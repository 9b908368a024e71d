"""What else a prediction can be written as: one JSON file, or for each RNA a file named by its id."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rnaexp.choices import Drawing
from rnaexp.data.atomic import replacing
from rnaexp.data.names import safe_name
from rnaexp.data.pair_tables import write_bpseq, write_ct
from rnaexp.structure.decode import square
from rnaexp.structure.heads import RnaScores, TunedHead
from rnaexp.structure.predict import Prediction, decoder_of, record_of

Write = Callable[[Path, Prediction, RnaScores, str], None]  # what made it, last


def header(tuned: TunedHead, drawing: Drawing) -> str:
    """What made a structure, behind the id: the file stays plain FASTA with dot-brackets, a set to be tested on."""
    return f"{tuned.model} layer={tuned.layer} head={tuned.head} decoder={decoder_of(tuned, drawing)}"


def json_text(found: Prediction, tuned: TunedHead, drawing: Drawing) -> str:
    """One RNA's answer, as a server gives it."""
    return json.dumps(record_of(found, tuned, drawing))


def write_one(
    found: Prediction, scores: RnaScores, tuned: TunedHead, drawing: Drawing, out: Path, formats: Sequence[str]
) -> None:
    """The RNA's own files: `<format>/<id>.<ending>`, the id percent-encoded."""
    for form in dict.fromkeys(formats):
        if (writer := _WRITERS.get(form)) is not None:
            ending, write = writer
            with replacing(out / form / f"{safe_name(found.rna.id)}.{ending}") as path:
                write(path, found, scores, header(tuned, drawing))


def _bpseq(path: Path, found: Prediction, scores: RnaScores, made: str) -> None:
    write_bpseq(path, replace(found.rna, pairs=found.shown))


def _ct(path: Path, found: Prediction, scores: RnaScores, made: str) -> None:
    write_ct(path, replace(found.rna, pairs=found.shown))


def _svg(path: Path, found: Prediction, scores: RnaScores, made: str) -> None:
    from rnaexp.report.drawing import draw_structure  # ViennaRNA

    confidences = None if found.view is None else found.view.confidences
    path.write_text(draw_structure(found.rna, found.shown, made, confidences), encoding="utf-8")


def _map(path: Path, found: Prediction, scores: RnaScores, made: str) -> None:
    from rnaexp.tasks.pairs.figures import predicted_map  # Matplotlib

    title = f"{found.rna.id}: {made}"
    figure = predicted_map(square(scores).astype(np.float32), found.pairs, found.shown, title)
    figure.savefig(path, format="png", dpi=150)


def _npy(path: Path, found: Prediction, scores: RnaScores, made: str) -> None:
    with path.open("wb") as file:
        np.save(file, square(scores).astype(np.float32), allow_pickle=False)


_WRITERS: dict[str, tuple[str, Write]] = {
    "bpseq": ("bpseq", _bpseq),
    "ct": ("ct", _ct),
    "svg": ("svg", _svg),
    "map": ("png", _map),
    "npy": ("npy", _npy),
}
