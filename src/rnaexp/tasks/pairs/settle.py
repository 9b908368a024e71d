"""The best head of a set too large for lists of every head: outlines say which could win, and from which score on."""

from dataclasses import replace

import numpy as np

from rnaexp.models.spec import Encoder
from rnaexp.progress import Announce
from rnaexp.reading.read import read_outlines, read_set
from rnaexp.reading.store import Store
from rnaexp.structure.curve import Optimum
from rnaexp.structure.grid import optimum
from rnaexp.structure.outlines import outline_of
from rnaexp.structure.reading import Reading
from rnaexp.structure.tune import Search
from rnaexp.tasks.pairs.result import Part

_TIE = 1e-9  # F1 as a sum in another order differs by less


def settled(encoder: Encoder, part: Part, store: Store, announce: Announce) -> Search:
    """The search with the optimum of every head that could win, exactly; of the others a bound below the winner's."""
    scores = part.scores
    reading = Reading(
        read_out=scores.read_out, scoring=scores.scoring, depth=float("inf"), long=part.long, outline=True
    )
    with announce(f"{scores.model} on {part.data.name}, outlines of all heads", len(part.scored)) as progress:
        each = read_outlines(encoder, part.scored, reading, store, progress=progress)
        outline = outline_of(each, count=len(scores.scored()))
    trials = part.search.trials.copy()
    trials["bound"] = np.minimum(trials["bound"], outline.bounds)
    reached = max(float(trials["f1"].max()), float(outline.f1.max()))
    for row in np.argsort(-outline.bounds, kind="stable").tolist():
        if outline.bounds[row] < reached - _TIE:
            break
        floor = outline.floor(row, reached - _TIE)
        of_head = replace(reading, outline=False, head=scores.name(row), floor=floor)
        best = _best_above(encoder, part, of_head, store, announce)
        trials.loc[row, ["f1", "threshold", "bound"]] = best.f1, best.threshold, -np.inf
        reached = max(reached, best.f1)
    return Search(trials=trials, best=int(trials["f1"].to_numpy().argmax()))


def _best_above(encoder: Encoder, part: Part, reading: Reading, store: Store, announce: Announce) -> Optimum:
    assert reading.head is not None
    layer, head = reading.head
    data = (part.data.name, part.data.sha256)
    with announce(f"{part.scores.model} on {part.data.name}, head {layer}.{head} alone", len(part.scored)) as progress:
        read = read_set(encoder, part.scored, reading, store, data=data, progress=progress)[0]
    return optimum(read.with_unread(part.rnas).scored(), 0, reading.scoring)
