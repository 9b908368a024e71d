"""One LightningModule round any encoder: each RNA's maps become a small table in the store, layer by layer."""

import hashlib
import logging
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import lightning as L
import numpy as np
import torch
from torch.utils.data import DataLoader

from rnaexp.errors import ScoreError, TooLongError, UnsuitableError
from rnaexp.models.spec import Encoder
from rnaexp.rna import Rna
from rnaexp.store import Arrays, Store, key_of
from rnaexp.structure.heads import HeadScores, RnaScores
from rnaexp.structure.pairs import candidates, reference
from rnaexp.structure.protocol import Scoring
from rnaexp.structure.reading import Reading, Table

# Raise when what an entry holds, or how it is computed, changes: old entries are then not found.
_SCHEMA = 1
_BYTES_OF_MAPS = 2**30  # of one layer, on an accelerator


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """An RNA without scores, and why. `failed`: the model ran, and its output was unusable."""

    id: str
    reason: str
    failed: bool = False


Progress = Callable[[int], None]  # called with the number of RNAs just finished


def read_set(
    encoder: Encoder,
    rnas: Sequence[Rna],
    reading: Reading,
    store: Store,
    *,
    data: tuple[str, str],
    progress: Progress | None = None,
) -> tuple[HeadScores, list[Skipped]]:
    """Scores of all RNAs; only those not yet in the store are run. `data`: name and sha256 of the set.

    Every RNA comes back either scored or skipped with its reason.
    """
    suitable, skipped = _suitable(encoder, rnas)
    keys = {rna.id: _key(encoder, rna, reading) for rna in suitable}
    entries = {rna.id: store.get(keys[rna.id]) for rna in suitable}
    missing = [rna for rna in suitable if entries[rna.id] is None]
    if progress is not None:
        progress(len(rnas) - len(missing))
    # Several processes must agree on who reads what, so each is given the whole list and passes over what is there.
    pending = suitable if processes() > 1 else missing
    if pending:
        _predict(_Reader(encoder, reading, store, keys, progress), pending)
        entries |= {rna.id: store.get(keys[rna.id]) for rna in missing}
    tables = []
    for rna in suitable:
        entry = entries[rna.id]
        if entry is None:
            message = f"{rna.id}: no result after the model ran; another process may have failed. Run again to resume"
            raise RuntimeError(message)
        if "failed" in entry:
            skipped.append(Skipped(id=rna.id, reason=str(entry["failed"]), failed=True))
        else:
            tables.append(scores_from(rna, entry, reading.scoring))
    return _head_scores(encoder, reading, tables, data), skipped


def _suitable(encoder: Encoder, rnas: Sequence[Rna]) -> tuple[list[Rna], list[Skipped]]:
    suitable, skipped = [], []
    for rna in rnas:
        try:
            encoder.check(rna)
        except (TooLongError, UnsuitableError) as error:
            skipped.append(Skipped(id=rna.id, reason=str(error)))
        else:
            suitable.append(rna)
    return suitable, skipped


def _key(encoder: Encoder, rna: Rna, reading: Reading) -> str:
    allowed = candidates(rna, reading.scoring)
    parts = {
        "schema": _SCHEMA,
        "encoder": encoder.fingerprint,
        "precision": "float32",
        "sequence": rna.sequence,
        "alignment": rna.alignment.sha256() if rna.alignment else None,
        "read_out": asdict(reading.read_out),
        "candidates": [reading.scoring.min_separation, reading.scoring.pairs, reading.scoring.decoder],
        "kept": reading.kept(len(reference(rna, reading.scoring)), int(allowed.sum())),
        "head": reading.head,
    }
    # Baselines make pair scores from the sequence alone; a planted toy also reads the reference it must find.
    if encoder.spec.name == "planted":
        parts["pairs"] = rna.pairs
    return key_of(parts)


def scores_from(rna: Rna, entry: Arrays, scoring: Scoring) -> RnaScores:
    """A stored entry beside what is known of its RNA."""
    return RnaScores(
        id=rna.id,
        sequence_sha256=sequence_sha256(rna),
        cluster=rna.cluster or rna.id,
        bases=len(rna),
        candidates=int(entry["candidates"]),
        reference=reference(rna, scoring),
        scores=entry["scores"],
        indices=entry["indices"],
        complete=bool(entry["complete"]),
    )


def sequence_sha256(rna: Rna) -> str:
    """Identity of an RNA across sets, whatever it is called there."""
    return hashlib.sha256(rna.sequence.encode()).hexdigest()


def _head_scores(encoder: Encoder, reading: Reading, tables: list[RnaScores], data: tuple[str, str]) -> HeadScores:
    one = None if reading.head is None else reading.head[0] * encoder.heads + reading.head[1]
    return HeadScores(
        model=encoder.spec.name,
        weights=encoder.fingerprint,
        data=data[0],
        data_sha256=data[1],
        read_out=reading.read_out,
        scoring=reading.scoring,
        heads_per_layer=encoder.heads,
        heads=tuple(range(encoder.layers * encoder.heads)) if one is None else (one,),
        rnas=tuple(tables),
    )


class _Reader(L.LightningModule):
    """Reads a batch of RNAs and puts each one's table into the store; nothing is gathered across processes."""

    def __init__(
        self, encoder: Encoder, reading: Reading, store: Store, keys: dict[str, str], progress: Progress | None
    ) -> None:
        super().__init__()
        self.encoder, self.reading, self.store, self.keys, self.progress = encoder, reading, store, keys, progress

    def transfer_batch_to_device(self, batch: list[Rna], device: torch.device, dataloader_idx: int) -> list[Rna]:
        """RNAs are nouns, not tensors; the encoder puts its own input where its weights are."""
        return batch

    def predict_step(self, batch: list[Rna]) -> int:
        """Number of RNAs done; each is in the store when this returns."""
        todo = [rna for rna in batch if not self.store.has(self.keys[rna.id])]
        for rna, entry in zip(todo, self._read(todo), strict=True):
            self.store.put(self.keys[rna.id], entry)
        if self.progress is not None:
            self.progress(len(todo))
        return len(batch)

    def _read(self, batch: list[Rna]) -> list[Arrays]:
        tables = [Table(rna, self.reading) for rna in batch]
        try:
            with torch.inference_mode():
                if self.reading.head is not None:
                    layer, head = self.reading.head
                    for table in tables:
                        table.add(layer, self.encoder.read_head(table.rna, layer, head)[None])
                else:
                    self.encoder.read_attention(batch, lambda index, layer, maps: tables[index].add(layer, maps))
        except ScoreError as error:
            if len(batch) > 1:  # find out whose map it was; the others must not suffer
                return [entry for rna in batch for entry in self._read([rna])]
            return [{"failed": np.array(str(error))}]
        return [table.entry() for table in tables]


def _batches(rnas: Sequence[Rna], encoder: Encoder) -> list[list[Rna]]:
    """Longest first, so that memory runs out at once or never; on a CPU one RNA at a time wastes nothing on padding."""
    ordered = sorted(rnas, key=lambda rna: (-len(rna), rna.id))
    if not torch.cuda.is_available():
        return [[rna] for rna in ordered]
    batches: list[list[Rna]] = []
    for rna in ordered:
        longest = len(batches[-1][0]) if batches else 0
        if batches and (len(batches[-1]) + 1) * encoder.heads * longest**2 * 4 <= _BYTES_OF_MAPS:
            batches[-1].append(rna)
        else:
            batches.append([rna])
    return batches


def _predict(module: _Reader, rnas: Sequence[Rna]) -> None:
    """Run through Lightning: on one device, or as one of several processes that torchrun started."""
    loader: Any = DataLoader(_batches(rnas, module.encoder), batch_size=None, shuffle=False)  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice on workers and checkpoints that does not apply to reading
        trainer = _trainer()
        trainer.predict(module, loader, return_predictions=False)
        trainer.strategy.barrier()  # nobody looks for results before everybody has written theirs


def _trainer() -> L.Trainer:
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return L.Trainer(
        accelerator="auto",
        devices=here,
        num_nodes=max(1, processes() // here),
        strategy="ddp" if processes() > 1 else "auto",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        inference_mode=True,
        use_distributed_sampler=True,
    )


def processes() -> int:
    """Number of processes that torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first_process() -> bool:
    """True in a single process and in rank 0 under torchrun: the one that tracks and prints."""
    return os.environ.get("RANK", "0") == "0"
