"""The same homologs aligned again without any structure: to the profile of the RNA's own sequence, by HMMER."""

from functools import lru_cache
from typing import Any

import numpy as np

from rnaexp.rna import Alignment

_ROUNDS = 2  # as in an iterated search: the second profile is made of the first round's alignment


@lru_cache(maxsize=4096)
def realigned(alignment: Alignment) -> Alignment:
    """Each row's bases aligned to the RNA by a profile of sequences alone; bases it has no place for are dropped.

    A row's bases outside the RNA's columns were cut when the alignment was read, so they do not come back.
    `structure_aware` becomes False.
    """
    import pyhmmer

    alphabet = pyhmmer.easel.Alphabet.rna()
    sequences = [_digital(str(at), row.replace("-", ""), alphabet) for at, row in enumerate(alignment.rows)]
    rows = [str(sequences[0].textize().sequence)]
    for turn in range(_ROUNDS if alignment.depth > 1 else 0):
        profile = profile_of(sequences[0], rows if turn else [], alphabet)
        block = pyhmmer.easel.DigitalSequenceBlock(alphabet, sequences)
        rows = _match_columns(pyhmmer.hmmer.hmmalign(profile, block, all_consensus_cols=True))
    kept = [at for at, row in enumerate(rows) if row.strip("-")]
    return Alignment(
        names=tuple(alignment.names[at] for at in kept),
        rows=tuple(alignment.rows[0] if at == 0 else rows[at] for at in kept),
        source_sha256=alignment.source_sha256,
        structure_aware=False,
    )


def _digital(name: str, bases: str, alphabet: Any) -> Any:
    import pyhmmer

    return pyhmmer.easel.TextSequence(name=name, sequence=bases).digitize(alphabet)


def profile_of(query: Any, rows: list[str], alphabet: Any) -> Any:
    """A profile with one match state a base of the RNA."""
    import pyhmmer

    builder = pyhmmer.plan7.Builder(alphabet, architecture="hand")
    background = pyhmmer.plan7.Background(alphabet)
    if not rows:
        return builder.build(query, background)[0]
    named = [pyhmmer.easel.TextSequence(name=str(at), sequence=row) for at, row in enumerate(rows)]
    msa = pyhmmer.easel.TextMSA(name="rows", sequences=named)
    msa.reference = "x" * len(rows[0])
    return builder.build_msa(msa.digitize(alphabet), background)[0]


def _match_columns(msa: Any) -> list[str]:
    """Rows cut to the profile's match states, in the order of their numbers.

    HMMER aligns locally and leaves the ends of a row, where nothing is alike, outside the profile; they are laid out
    without gaps along the places that are left there.
    """
    texts = {int(name): text for name, text in zip(msa.names, msa.alignment, strict=True)}
    inside = np.array([letter != "." for letter in msa.reference])
    return [_with_ends(np.array(list(texts[at])), inside) for at in range(len(texts))]


def _with_ends(letters: np.ndarray, inside: np.ndarray) -> str:
    row = np.char.upper(letters[inside])
    aligned = np.flatnonzero(inside)[row != "-"]
    if len(aligned):
        is_base = np.char.isalpha(letters)
        before, after = letters[: aligned[0]], letters[aligned[-1] + 1 :]
        before, after = before[is_base[: aligned[0]]], after[is_base[aligned[-1] + 1 :]]
        first, last = np.flatnonzero(row != "-")[[0, -1]]
        before, after = before[max(0, len(before) - first) :], after[: len(row) - last - 1]
        row[first - len(before) : first] = np.char.upper(before)
        row[last + 1 : last + 1 + len(after)] = np.char.upper(after)
    return "".join(row)
