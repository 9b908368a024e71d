"""The best head of a set too large for lists of every head: outlines say which could win, and within which scores."""

from dataclasses import replace

import numpy as np
import pandas as pd

from rnaexp.models.spec import Encoder
from rnaexp.progress import Announce
from rnaexp.reading.also import of_head
from rnaexp.reading.derived import derived
from rnaexp.reading.large import Entries, Outlines
from rnaexp.reading.store import Store
from rnaexp.structure.bands import MOST, best_in_band
from rnaexp.structure.curve import Optimum
from rnaexp.structure.outlines import Outline, lower_ends, outline_of
from rnaexp.structure.reading import Reading
from rnaexp.structure.tune import Search
from rnaexp.tasks.pairs.result import Part

_TIE = 1e-9  # F1 as a sum in another order differs by less


def nothing_known(layers: int, heads: int) -> Search:
    """A search before anything is read: each head's F1 is at least 0."""
    names = [(layer, head) for layer in range(layers) for head in range(heads)]
    trials = pd.DataFrame(names, columns=["layer", "head"]).assign(f1=0.0, threshold=np.inf, bound=np.inf)
    return Search(trials=trials, best=0)


def settled(encoder: Encoder, part: Part, outlines: Outlines, store: Store, announce: Announce) -> Search:
    """The search with the optimum of every head that could win, exactly; of the others F1 at the best step's end and a
    bound below the winner's."""
    scores = part.scores
    reading = Reading(read_out=scores.read_out, scoring=scores.scoring, long=part.long)

    def search() -> Search:
        count = len(scores.scored())
        outline = outline_of(outlines, count=count)
        trials = _bounded(part.search.trials, outline)
        reached = float(trials["f1"].max())
        for row in np.argsort(-outline.bounds, kind="stable").tolist():
            if outline.bounds[row] < reached - _TIE:
                break
            cuts = outline.cuts(row, reached - _TIE, MOST)
            best = _best(encoder, part, of_head(reading, scores.name(row)), cuts, store, announce)
            trials.loc[row, ["f1", "threshold", "bound"]] = best.f1, best.threshold, -np.inf
            reached = max(reached, best.f1)
        return Search(trials=trials, best=int(trials["f1"].to_numpy().argmax()))

    read = [list(outlines.keys), len(scores.scored())]
    return derived(store, "settled", [*read, reading, part.search.trials], search)


def _bounded(known: pd.DataFrame, outline: Outline) -> pd.DataFrame:
    """What was known of each head, and what its outline says: F1 at the end of a step where that is more."""
    trials = known.copy()
    step = 1 + outline.f1[:, 1:].argmax(axis=1)
    f1 = np.take_along_axis(outline.f1, step[:, None], axis=1)[:, 0]
    better = f1 > trials["f1"]
    trials["threshold"] = np.where(better, lower_ends()[step], trials["threshold"])
    trials["f1"] = np.where(better, f1.round(12), trials["f1"])
    trials["bound"] = np.minimum(trials["bound"], outline.bounds)
    return trials


def _best(
    encoder: Encoder, part: Part, reading: Reading, cuts: list[float], store: Store, announce: Announce
) -> Optimum:
    assert reading.head is not None
    layer, head = reading.head
    bands = Entries.of(encoder, part.scored, replace(reading, band=(cuts[0], cuts[-1])), store)

    def best() -> Optimum:
        what = f"{part.scores.model} on {part.data.name}, head {layer}.{head} alone"
        with announce(what, len(part.scored)) as progress:
            bands.read(progress)
        found = best_in_band(bands.bands, cuts, count=len(part.scores.scored()))
        bands.remove()
        return found

    return derived(store, "best of a head", [list(bands.keys), cuts, len(part.scores.scored())], best)
