"""One set, read until no head's optimum is in doubt, and every candidate of one of its heads."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from rnaexp.data.dataset import DataSet
from rnaexp.models.spec import Encoder
from rnaexp.progress import Announce
from rnaexp.reading.also import of_head
from rnaexp.reading.derived import derived
from rnaexp.reading.large import Outlines, listed, read_outlines, without_lists
from rnaexp.reading.read import Skipped, head_scores, read_set
from rnaexp.reading.store import Store
from rnaexp.rna import Rna
from rnaexp.structure.heads import HeadScores
from rnaexp.structure.outlines import can_outline
from rnaexp.structure.reading import Reading
from rnaexp.structure.tune import search
from rnaexp.tasks.pairs.deeper import LARGE, bytes_of, deeper, first_reading, is_large, is_too_large
from rnaexp.tasks.pairs.result import Part
from rnaexp.tasks.pairs.settle import nothing_known, settled
from rnaexp.tasks.pairs.unscored import nothing_scored, why_not


def whole_head(
    encoder: Encoder, part: Part, head: tuple[int, int], rnas: Sequence[Rna], store: Store, announce: Announce
) -> HeadScores:
    """Every candidate's score under one head; the model runs, up to that head's layer, only for what is not known."""
    if part.scores.complete:
        return part.scores.one_head(*head)
    if part.whole is not None and part.whole.name(0) == head and rnas == part.scored:
        return part.whole
    scores = part.scores
    reading = of_head(Reading(read_out=scores.read_out, scoring=scores.scoring, long=part.long), head)
    if part.outlines is not None:
        one = (head[0] * scores.heads_per_layer + head[1],)
        read = replace(scores, heads=one, rnas=listed(encoder, rnas, reading, store))
    else:
        data = (part.data.name, part.data.sha256)
        with announce(f"{scores.model} on {part.data.name}, head {head[0]}.{head[1]} alone", len(rnas)) as progress:
            read = read_set(encoder, rnas, reading, store, data=data, progress=progress)[0]
    return read.with_unread(part.rnas) if part.unread and rnas == part.scored else read


def read_exactly(
    encoder: Encoder,
    data: DataSet,
    rnas: Sequence[Rna],
    reading: Reading,
    store: Store,
    announce: Announce,
    *,
    must: bool,
    whole: tuple[int, int] | None = None,
) -> Part:
    """Read, and read again deeper, until no head's optimum is in doubt; unless `must`, give up where it gets large.

    `whole`: the head whose every candidate is kept on the way.
    """
    reasons = {rna.id: why_not(rna, reading.scoring) for rna in rnas}
    with_pairs = [rna for rna in rnas if reasons[rna.id] is None]
    missing = tuple(Skipped(id=id, reason=reason) for id, reason in reasons.items() if reason is not None)
    outlined = not must and can_outline(reading.read_out, reading.scoring)
    if outlined and is_too_large(with_pairs, reading.scoring):
        return _read_large(encoder, data, with_pairs, missing, reading, store, announce, whole)
    reading = first_reading(reading, encoder.layers * encoder.heads, with_pairs)
    if np.isinf(reading.depth):
        whole = None  # every head's pairs are kept already
    while True:
        with announce(f"{encoder.spec.name} on {data.name}", len(with_pairs)) as progress:
            scores, skipped = read_set(
                encoder, with_pairs, reading, store, data=(data.name, data.sha256), progress=progress, whole=whole
            )
        if not scores.scored():
            raise nothing_scored(data, reading.scoring, (*skipped, *missing))
        if not must:  # what a model cannot read lowers its score; what is tuned on is what it can read
            scores = scores.with_unread(with_pairs)
        found = derived(store, "search", [scores.content], partial(search, scores))
        part = Part(
            data=data,
            rnas=tuple(with_pairs),
            scores=scores,
            skipped=(*skipped, *missing),
            search=found,
            long=reading.long,
        )
        if not found.uncertain:
            return part
        if outlined and is_large(part):
            return _settled(encoder, part, store, announce)
        reading = deeper(reading, part)
        if not must and bytes_of(scores, reading) > LARGE:
            return replace(part, exact=False)


def _read_large(
    encoder: Encoder,
    data: DataSet,
    rnas: Sequence[Rna],
    missing: tuple[Skipped, ...],
    reading: Reading,
    store: Store,
    announce: Announce,
    head: tuple[int, int] | None,
) -> Part:
    """No lists but of `head` and of the winner, and these are made where they are looked at."""
    outline = replace(reading, depth=float("inf"), outline=True)
    with announce(f"{encoder.spec.name} on {data.name}", len(rnas)) as progress:
        outlines, read, skipped = read_outlines(encoder, rnas, outline, store, progress=progress, head=head)
    if not read:
        raise nothing_scored(data, reading.scoring, (*skipped, *missing))
    tables = [without_lists(encoder, rna, reading) for rna in read]
    scores = head_scores(encoder, reading, tables, (data.name, data.sha256))
    part = Part(
        data=data,
        rnas=tuple(rnas),
        scores=scores.with_unread(rnas),
        skipped=(*skipped, *missing),
        search=nothing_known(encoder.layers, encoder.heads),
        long=reading.long,
        outlines=outlines,
    )
    return _with_winner(encoder, part, outlines, store, announce)


def _settled(encoder: Encoder, part: Part, store: Store, announce: Announce) -> Part:
    """With the winner known exactly: its lists are held, those of all other heads end early."""
    reading = Reading(
        read_out=part.scores.read_out,
        scoring=part.scores.scoring,
        depth=float("inf"),
        long=part.long,
        outline=True,
    )
    with announce(f"{part.scores.model} on {part.data.name}, outlines of all heads", len(part.scored)) as progress:
        outlines, _, _ = read_outlines(encoder, part.scored, reading, store, progress=progress)
    return _with_winner(encoder, part, outlines, store, announce)


def _with_winner(encoder: Encoder, part: Part, outlines: Outlines, store: Store, announce: Announce) -> Part:
    found = settled(encoder, part, outlines, store, announce)
    head = int(found.winner["layer"]), int(found.winner["head"])
    return replace(part, search=found, whole=whole_head(encoder, part, head, part.scored, store, announce))
