"""What a model predicts with one base of an RNA changed, or hidden: the same RNA many times, in batches."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from jaxtyping import Float
from torch import Tensor

from rnaexp.models.spec import LetterModel
from rnaexp.models.tokens import BASES
from rnaexp.rna import Rna

_BATCH_BASES = 2**14  # of changed RNAs that are read at once
Change = tuple[int, int | None]  # a base, and which of A C G U it becomes; None: it is hidden


def substitutions(rna: Rna) -> list[Change]:
    """Each base by each other letter."""
    return [(i, a) for i in range(len(rna)) for a, letter in enumerate(BASES) if rna.sequence[i] != letter]


def predictions(
    model: LetterModel, rna: Rna, changes: Sequence[Change]
) -> Iterator[tuple[Change, Float[Tensor, "n a"]]]:
    """Log-probabilities of A C G U at every base after each change."""
    at_once = max(1, _BATCH_BASES // (len(rna) * (rna.alignment.depth if rna.alignment else 1)))
    for first in range(0, len(changes), at_once):
        some = changes[first : first + at_once]
        changed = [rna if letter is None else _changed(rna, at, BASES[letter]) for at, letter in some]
        hidden = [[at] if letter is None else [] for at, letter in some]
        yield from zip(some, model.predict_letters(changed, hidden), strict=True)


def _changed(rna: Rna, at: int, letter: str) -> Rna:
    """The RNA, and the first row of its alignment, with this letter there."""
    sequence = rna.sequence[:at] + letter + rna.sequence[at + 1 :]
    alignment = rna.alignment and replace(rna.alignment, rows=(sequence, *rna.alignment.rows[1:]))
    return Rna(id=rna.id, sequence=sequence, alignment=alignment)
