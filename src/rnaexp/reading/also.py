"""One head's lists, made from the same maps that are read for something else."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rnaexp.models.spec import Encoder
from rnaexp.reading.keys import key_of_entry
from rnaexp.reading.store import Store
from rnaexp.rna import Rna
from rnaexp.structure.reading import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Also:
    """The head's reading, where its entries are kept, and under which keys."""

    reading: Reading
    store: Store
    keys: dict[str, str]

    @classmethod
    def of(
        cls, encoder: Encoder, rnas: Sequence[Rna], reading: Reading, head: tuple[int, int] | None, store: Store
    ) -> "Also | None":
        """Of a (layer, head), None without one."""
        if head is None:
            return None
        one = of_head(reading, head)
        return cls(reading=one, store=store, keys={rna.id: key_of_entry(encoder, rna, one) for rna in rnas})


def of_head(reading: Reading, head: tuple[int, int]) -> Reading:
    """The same reading of every candidate of one head."""
    return replace(reading, depth=float("inf"), head=head, outline=False, band=None)
