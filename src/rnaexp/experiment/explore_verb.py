"""The verb `explore`: every head's attention to some RNAs of the user's, as one HTML file."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rnaexp import models
from rnaexp.data.atomic import write_atomically
from rnaexp.errors import InputError, ScoreError, TooLongError, UnsuitableError
from rnaexp.models.spec import Encoder
from rnaexp.progress import announce, say
from rnaexp.reading.loading import Loading
from rnaexp.rna import Rna
from rnaexp.structure.configuration import head_for
from rnaexp.structure.heads import TunedHead
from rnaexp.structure.protocol import Scoring
from rnaexp.structure.reading import Reading
from rnaexp.tasks.pairs.explorer import Explored, explored, explorer_page
from rnaexp.tasks.pairs.find_head import look_for_head
from rnaexp.tasks.pairs.measure import read_out_of


def explore(model: str, rnas: Sequence[Rna], out: Path, loading: Loading, *, tuned: str = "") -> None:
    """Write the page: its first view is the tuned head at its threshold, or, without one, the best head of the RNA.

    Raises: InputError if no RNA can be shown, UnavailableError.
    """
    known = look_for_head(model, tuned)
    encoder = models.load(**loading.of(model, known.tuned.read_out.token_pairs if known else "mean"))
    frozen = _fitting(encoder, known.tuned if known else None, named=bool(tuned))
    if frozen is None:
        reading = Reading(read_out=read_out_of(encoder), scoring=Scoring())
    else:
        reading = Reading(read_out=frozen.read_out, scoring=frozen.scoring)
    found = list[Explored]()
    with announce(f"{encoder.spec.name}, every head", len(rnas)) as progress:
        for rna in rnas:
            try:
                found.append(explored(encoder, rna, reading, frozen))
            except (ScoreError, TooLongError, UnsuitableError) as error:
                say(f"{rna.id}: left out: {error}")
            progress(1)
    if not found:
        message = f"none of the {len(rnas)} RNAs can be shown"
        raise InputError(message)
    page = explorer_page(encoder.spec.name, found, reading, frozen).encode()
    write_atomically(out, page)
    sys.stdout.write(f"{len(found)} RNAs, {encoder.layers * encoder.heads} heads, {len(page) / 1e6:.1f} MB: {out}\n")


def _fitting(encoder: Encoder, tuned: TunedHead | None, *, named: bool) -> TunedHead | None:
    """The head, if it is one of these very weights; a default head of other weights is left out."""
    if tuned is None:
        return None
    try:
        return head_for(encoder, tuned)
    except InputError as error:
        if named:
            raise
        say(f"no tuned head is shown: {error}")
        return None
