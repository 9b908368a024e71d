"""How the vectors of one model overlap: everything that follows from them and their layout alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Float32

from rnaexp.classify.drawn import Repeated, drawn_figures
from rnaexp.classify.families import family_table
from rnaexp.classify.layout import Layout
from rnaexp.classify.measure import Design, Measured, measure
from rnaexp.classify.protocol import EmbeddingProtocol
from rnaexp.errors import InputError
from rnaexp.reading.distributed import add_up
from rnaexp.reading.processes import processes, rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlaps:
    """As `measure.Classified` has them."""

    every: Measured
    matched: Measured | None
    unmatched_reason: str
    table: pd.DataFrame
    drawn: Repeated | None


def overlaps(
    vectors: Float32[np.ndarray, "r d"],
    lengths: Sequence[int],
    order: Layout,
    protocol: EmbeddingProtocol,
    design: Design,
) -> Overlaps:
    """Vectors and lengths in layout order; each of several processes counts its part.

    Raises: InputError if the protocol draws pairs that the set does not have.
    """
    design = replace(design, part=(rank(), processes()), add_up=add_up)
    every, counts = measure(vectors, lengths, order, protocol, design, matched=False)
    try:
        matched, reason = measure(vectors, lengths, order, protocol, design, matched=True)[0], ""
    except ValueError as error:
        matched, reason = None, str(error)
    return Overlaps(
        every=every,
        matched=matched,
        unmatched_reason=reason,
        table=family_table(vectors, order, counts),
        drawn=_drawn(vectors, [order.names[family] for family in order.family], protocol),
    )


def _drawn(vectors: np.ndarray, families: Sequence[str], protocol: EmbeddingProtocol) -> Repeated | None:
    try:
        return drawn_figures(vectors, families, protocol)
    except ValueError as error:
        message = f"pairs {protocol.pairs}: {error}"
        raise InputError(message) from error
