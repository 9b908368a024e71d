"""An RNA longer than a model reads, in overlapping parts: pairs further apart than a part have no score."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from rnaexp.choices import Long
from rnaexp.models.spec import Encoder
from rnaexp.rna import Alignment, Rna
from rnaexp.structure.pairs import pair_scores
from rnaexp.structure.protocol import ReadOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Parts of up to `length` bases from each of `starts`; each overlaps the next by half, the last ends the RNA."""

    bases: int
    length: int
    starts: tuple[int, ...]

    @classmethod
    def over(cls, bases: int, length: int, word: int = 1) -> "Windows":
        """Every part begins with a whole word of `word` bases, so that codons stay codons."""
        step = max(word, length // 2 // word * word)
        last = -(-(bases - length) // word) * word
        return cls(bases=bases, length=length, starts=(*range(0, last, step), last))

    def cuts(self) -> list[slice]:
        """Where each part stands."""
        return [slice(start, min(start + self.length, self.bases)) for start in self.starts]

    def covered(self) -> Bool[np.ndarray, "n n"]:
        """Which pairs some part holds whole."""
        together = np.zeros((self.bases, self.bases), bool)
        for cut in self.cuts():
            together[cut, cut] = True
        return together

    def parts(self, rna: Rna) -> list[Rna]:
        """The RNA cut; of its alignment, the rows that have a base there."""
        return [
            type(rna)(
                id=rna.id, sequence=rna.sequence[cut], alignment=_cut(rna.alignment, cut) if rna.alignment else None
            )
            for cut in self.cuts()
        ]


def windows_of(encoder: Encoder, rna: Rna, long: Long) -> Windows | None:
    """How an RNA is cut; None where it is read whole, or the policy or the model does not cut."""
    if long != "window":  # checked for every RNA, before `longest`, which encodes a probe
        return None
    longest = getattr(encoder, "longest", None)
    if longest is None or len(rna) <= longest:
        return None
    return Windows.over(len(rna), longest, getattr(encoder, "word", 1))


def averaged(maps: Sequence[Float[Tensor, "h w w"]], windows: Windows, read_out: ReadOut) -> Float[Tensor, "h n n"]:
    """Pair scores of the whole RNA: of each part as of an RNA of its own, then the mean where parts overlap.

    Corrected part by part, because what a part's bases draw is only known within it. 0 where no part holds a pair.
    """
    total = torch.zeros(maps[0].shape[0], windows.bases, windows.bases, device=maps[0].device)
    times = torch.zeros(windows.bases, windows.bases, device=maps[0].device)
    for cut, part in zip(windows.cuts(), maps, strict=True):
        total[:, cut, cut] += pair_scores(part, read_out)
        times[cut, cut] += 1
    return total / times.clamp(min=1)


def averaged_rows(rows: Sequence[Float[Tensor, "w d"]], windows: Windows) -> Float[Tensor, "n d"]:
    """Each base's vector: the mean over the parts that hold it."""
    total = rows[0].new_zeros(windows.bases, rows[0].shape[1])
    times = rows[0].new_zeros(windows.bases, 1)
    for cut, part in zip(windows.cuts(), rows, strict=True):
        total[cut] += part
        times[cut] += 1
    return total / times


def already_made(read_out: ReadOut) -> ReadOut:
    """The read-out of what `averaged` gives: symmetrised and corrected before."""
    return replace(read_out, symmetrise=False, apc=False)


def _cut(alignment: Alignment, cut: slice) -> Alignment:
    rows = [(name, row[cut]) for name, row in zip(alignment.names, alignment.rows, strict=True)]
    kept = [(name, row) for at, (name, row) in enumerate(rows) if at == 0 or row.strip("-")]
    return replace(alignment, names=tuple(name for name, _ in kept), rows=tuple(row for _, row in kept))
