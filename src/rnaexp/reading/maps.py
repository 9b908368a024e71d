"""Any encoder reads: each RNA's maps become a small table in the store, layer by layer."""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import TypeGuard

import numpy as np
import torch

from rnaexp.errors import ScoreError
from rnaexp.models.encoder import TransformerEncoder
from rnaexp.models.spec import Encoder
from rnaexp.reading.also import Also
from rnaexp.reading.distributed import shared_out
from rnaexp.reading.entry import Arrays
from rnaexp.reading.processes import shares
from rnaexp.reading.store import Store
from rnaexp.rna import Rna
from rnaexp.structure.reading import Reading, Table
from rnaexp.structure.windows import Windows, averaged, windows_of

_BYTES_OF_MAPS = 2**30  # of one layer, on an accelerator
_BASES_AT_ONCE = 1024  # on a CPU; benchmarks/batches.py


class Reader:
    """Reads a batch of RNAs and puts each one's table into the store; nothing is gathered across processes."""

    def __init__(
        self,
        encoder: Encoder,
        reading: Reading,
        store: Store,
        keys: dict[str, str],
        progress: Callable[[int], None] | None,
        whole: Also | None = None,
    ) -> None:
        self.encoder, self.reading, self.store, self.keys = encoder, reading, store, keys
        self.progress, self.whole = progress, whole

    def predict_step(self, batch: list[Rna]) -> int:
        """Number of RNAs done; each is in the store when this returns."""
        todo = [rna for rna in batch if not self.store.has(self.keys[rna.id])]
        if todo:  # another process may have been quicker with the whole batch
            for rna, (entry, whole) in self.read(todo):
                if whole is not None and self.whole is not None:
                    self.whole.store.put(self.whole.keys[rna.id], whole)
                self.store.put(self.keys[rna.id], entry)
        if self.progress is not None:
            self.progress(len(batch))
        return len(batch)

    def read(self, rnas: list[Rna]) -> list[tuple[Rna, tuple[Arrays, Arrays | None]]]:
        """Each RNA's entry, and the one head's; nothing is put into the store."""
        cuts = {rna.id: windows_of(self.encoder, rna, self.reading.long) for rna in rnas}
        short = [rna for rna in rnas if cuts[rna.id] is None]
        found = list(zip(short, self._read(short) if short else [], strict=True))
        return found + [(rna, self._read_in_parts(rna, cut)) for rna in rnas if (cut := cuts[rna.id]) is not None]

    def _read(self, batch: list[Rna]) -> list[tuple[Arrays, Arrays | None]]:
        tables = [Table(rna, self.reading) for rna in batch]
        wholes = [Table(rna, self.whole.reading) for rna in batch] if self.whole is not None else []
        try:
            with torch.inference_mode():
                if self.reading.head is not None:
                    layer, head = self.reading.head
                    for table, one in zip(tables, _maps_of(self.encoder, batch, layer, head), strict=True):
                        table.add(layer, one[None])
                else:
                    self.encoder.read_attention(batch, lambda *read: _add(tables, wholes, *read))
        except ScoreError as error:
            if len(batch) > 1:  # find out whose map it was; the others must not suffer
                return [entry for rna in batch for entry in self._read([rna])]
            return [({"failed": np.array(str(error))}, None)]
        return [(table.entry(), whole.entry() if whole else None) for table, whole in zip_longest(tables, wholes)]

    def _read_in_parts(self, rna: Rna, windows: Windows) -> tuple[Arrays, Arrays | None]:
        """A long RNA's windows side by side, layer by layer: one layer of all of them is in memory."""
        table = Table(rna, self.reading, windows)
        whole = Table(rna, self.whole.reading, windows) if self.whole is not None else None
        parts = windows.parts(rna)
        try:
            if self.reading.head is not None:
                layer, head = self.reading.head
                maps = [self.encoder.read_head(part, layer, head)[None] for part in parts]
                table.add(layer, averaged(maps, windows, self.reading.read_out))
            else:
                layers = zip(*(self.encoder.attention(part) for part in parts), strict=True)
                for layer, together in enumerate(layers):
                    scores = averaged(together, windows, self.reading.read_out)
                    _add([table], [] if whole is None else [whole], 0, layer, scores)
        except ScoreError as error:
            return {"failed": np.array(str(error).removeprefix(f"{rna.id}: "))}, None
        return table.entry(), whole.entry() if whole is not None else None


def _add(tables: list[Table], wholes: list[Table], index: int, layer: int, maps: torch.Tensor) -> None:
    tables[index].add(layer, maps)
    if wholes and (wanted := wholes[index].reading.head) is not None and wanted[0] == layer:
        wholes[index].add(layer, maps[wanted[1] : wanted[1] + 1])


def batches_of(rnas: Sequence[Rna], encoder: Encoder, head: tuple[int, int] | None = None) -> list[list[Rna]]:
    """Longest first, so that memory runs out at once or never. `head`: the one that is read.

    On a CPU one RNA at a time, or for one head those of one length: padding costs more than it saves there, and changes
    the last bits of a result by what else is in the batch.
    """
    ordered = sorted(rnas, key=lambda rna: (-len(rna), rna.id))
    on_gpu = torch.cuda.is_available()
    if not on_gpu and (head is None or not _reads_batches(encoder)):
        return [[rna] for rna in ordered]
    batches: list[list[Rna]] = []
    for rna in ordered:
        longest, count = (len(batches[-1][0]), len(batches[-1]) + 1) if batches else (0, 0)
        fits = count * encoder.heads * longest**2 * 4 <= _BYTES_OF_MAPS
        if not on_gpu:
            fits = longest == len(rna) and count * longest <= _BASES_AT_ONCE
        if batches and fits:
            batches[-1].append(rna)
        else:
            batches.append([rna])
    return batches


def _reads_batches(encoder: Encoder) -> TypeGuard[TransformerEncoder]:
    """Whether one head of several RNAs can be had at once: some encoders read a head in a way of their own."""
    return isinstance(encoder, TransformerEncoder) and type(encoder).read_head is TransformerEncoder.read_head


def _maps_of(encoder: Encoder, rnas: Sequence[Rna], layer: int, head: int) -> list[torch.Tensor]:
    if _reads_batches(encoder):
        return encoder.read_heads(rnas, layer, head)
    return [encoder.read_head(rna, layer, head) for rna in rnas]


def predict(reader: Reader, rnas: Sequence[Rna]) -> None:
    """On one device, or as one of a training's processes; of several that torchrun started:
    `several.predict_together`."""
    places = [(reader.store, reader.keys)]
    if reader.whole is not None:
        places.append((reader.whole.store, reader.whole.keys))

    def read(batch: list[Rna]) -> list[tuple[int, str, Arrays | None]]:
        reader.predict_step(batch)
        if not shares():
            return []
        return [(at, keys[rna.id], store.get(keys[rna.id])) for rna in batch for at, (store, keys) in enumerate(places)]

    with torch.inference_mode():
        found = shared_out(read, batches_of(rnas, reader.encoder, reader.reading.head))
    for entries in found:
        for at, key, entry in entries:
            if entry is not None and not places[at][0].has(key):
                places[at][0].put(key, entry)
