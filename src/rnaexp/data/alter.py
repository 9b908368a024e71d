"""Alignments with something taken out: what a model of alignments needs is seen by what it loses."""

from dataclasses import replace
from typing import get_args

from rnaexp.choices import How
from rnaexp.data.dataset import DataSet, content_sha256
from rnaexp.data.realign import realigned
from rnaexp.data.shuffle import sampled_rows, shuffle_columns
from rnaexp.rna import Alignment

_SEED = 0


def altered_set(data: DataSet, how: How) -> DataSet:
    """The set with every alignment altered; RNAs without one stay as they are.

    `shuffled`: each column permuted over the rows below the first (conservation stays, covariation goes). `depth-1`:
    the RNA alone; `depth-2` to `depth-64`: with so many rows at most, drawn at random, each depth's within the next's.
    `realigned`: the same homologs aligned without any structure.
    """
    if how == "intact":
        return data
    rnas = tuple(
        replace(rna, alignment=None if rna.alignment is None else altered(rna.alignment, how)) for rna in data.rnas
    )
    return replace(data, rnas=rnas, sha256=content_sha256(rnas))


def altered(alignment: Alignment, how: How) -> Alignment:
    """Raises: ValueError for an alteration that does not exist."""
    if how == "shuffled":
        return shuffle_columns(alignment, _SEED)
    if how in get_args(How) and how.startswith("depth-"):
        return sampled_rows(alignment, int(how.removeprefix("depth-")), _SEED)
    if how == "realigned":
        return realigned(alignment)
    if how == "intact":
        return alignment
    message = f"alignment {how!r}: must be one of {', '.join(get_args(How))}"
    raise ValueError(message)
