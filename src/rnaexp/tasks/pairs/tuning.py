"""A head for a model that has none yet, without a test: what `predict --tune` does, and how shipped heads are made."""

import time
from collections.abc import Sequence
from pathlib import Path

from rnaexp.data.sets import load_set
from rnaexp.errors import TooLongError, UnsuitableError
from rnaexp.models.spec import Encoder
from rnaexp.progress import Announce
from rnaexp.reading.store import Store
from rnaexp.rna import Rna
from rnaexp.stats.intervals import Interval
from rnaexp.structure.evaluate import evaluate_head
from rnaexp.structure.heads import TunedHead
from rnaexp.structure.protocol import PROTOCOLS, Scoring
from rnaexp.tasks.pairs.diagnosis import FOLDING
from rnaexp.tasks.pairs.measure import read_out_of, reading_for, tune
from rnaexp.tasks.pairs.parts import whole_head
from rnaexp.tasks.pairs.views import with_view

VALIDATION = "builtin-vl"  # comes with the package: it is there without a download


def tune_on(
    encoder: Encoder,
    validation: str | Path,
    store: Store,
    announce: Announce,
    *,
    scoring: Scoring = PROTOCOLS["paper"],
) -> tuple[TunedHead, Interval]:
    """The best head of the model on a set, and its F1 there with its interval over the set's clusters.

    Raises: InputError, UnavailableError.
    """
    data = load_set(validation)
    reading = reading_for(encoder, read_out_of(encoder), scoring)
    part, tuned = tune(encoder, data, data.rnas, reading, store, announce)
    head = tuned.layer, tuned.head
    whole = whole_head(encoder, part, head, part.scored, store, announce)
    found = evaluate_head(whole, layer=tuned.layer, head=tuned.head, threshold=tuned.threshold)
    return with_view(encoder, part, tuned, store, announce, fold=encoder.spec.name not in FOLDING), found.f1


def seconds_to_read(encoder: Encoder, rnas: Sequence[Rna]) -> float:
    """About how long these RNAs take: one of middle length is read twice, the first time to warm up."""
    readable = sorted((rna for rna in rnas if rna.pairs and _can_read(encoder, rna)), key=len)
    if not readable:
        return 0.0
    middle = readable[len(readable) // 2]
    for _ in range(2):
        start = time.monotonic()
        for _maps in encoder.attention(middle):
            pass
        took = time.monotonic() - start
    return took * sum(map(len, readable)) / len(middle)


def _can_read(encoder: Encoder, rna: Rna) -> bool:
    try:
        encoder.check(rna)
    except (TooLongError, UnsuitableError):
        return False
    return True
