"""`rnaexp embed`: a Parquet file with one row for each of the user's RNAs."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnaexp import models
from rnaexp.classify.embed import reduce
from rnaexp.classify.protocol import EmbeddingProtocol
from rnaexp.data.atomic import replacing
from rnaexp.data.own import OwnRnas
from rnaexp.progress import announce, silence
from rnaexp.reading.distributed import take_own_device
from rnaexp.reading.embeddings import SHARD, Embedded, embed_shards
from rnaexp.reading.left_out import left_out, refuse, write_faults
from rnaexp.reading.processes import is_first_process, processes, rank
from rnaexp.reading.read import Skipped
from rnaexp.reading.store import Store
from rnaexp.rna import Rna
from rnaexp.structure.windows import windows_of
from rnaexp.tasks.families.settings import EmbedSettings
from rnaexp.tasks.families.settings import protocol as checked_protocol


def embed(
    own: OwnRnas,
    out: Path,
    loading: Mapping[str, Any],
    settings: EmbedSettings,
    *,
    seed: int,
) -> None:
    """Write `id`, `length`, `vector` (reduced), `embedding` (whole), `skipped` ("" or the reason), `windows`.

    Rows stand as in the file. `windows`: how many parts an RNA was read in, 1 if whole, 0 if it was skipped.
    What was left out, records that could not be read first, is in `skipped.csv` next to the file.

    Shards of the work are kept in the store as they are done; the file appears when all are, under its name at once.
    Under torchrun every process takes its share of the shards, and the first writes the file.
    Raises: InputError (also if nothing has an embedding or, if `strict`, something has none), UnavailableError.
    """
    protocol = checked_protocol(pooling=settings.pooling, reduction=settings.reduction, seed=seed)
    take_own_device()
    rnas, encoder = own.rnas, models.load(**loading)
    shown = announce if is_first_process() else silence
    mine = sum(len(rnas[start : start + SHARD]) for start in range(rank() * SHARD, len(rnas), processes() * SHARD))
    with shown(f"{encoder.spec.name} on {own.name}", mine) as progress:
        shards = embed_shards(
            encoder,
            rnas,
            Store(),
            pooling=protocol.pooling,
            tokens=settings.tokens,
            long=settings.long,
            progress=progress,
        )
        if not is_first_process():
            for _ in shards:
                break
            return
        parts = [1 if (cut := windows_of(encoder, rna, settings.long)) is None else len(cut.starts) for rna in rnas]
        skipped = _write(out, rnas, parts, shards, protocol)
    left, listed = left_out(own, skipped), out.parent / "skipped.csv"
    write_faults(left, listed)
    refuse(own, left, listed, strict=settings.strict)
    windowed = sum(part > 1 for part in parts)
    more = f", {windowed} RNAs longer than the model reads in windows (column windows)" if windowed else ""
    sys.stdout.write(f"{len(rnas) - len(skipped)} embeddings: {out}; {len(left)} RNAs skipped: {listed}{more}\n")


def _write(
    out: Path, rnas: Sequence[Rna], parts: Sequence[int], shards: Iterator[Embedded], protocol: EmbeddingProtocol
) -> list[Skipped]:
    """One row group a shard, under a private name until all is written; returns the RNAs without an embedding."""
    import pyarrow.parquet as parquet

    writer, start, skipped = None, 0, list[Skipped]()
    with replacing(out) as private:
        for shard in shards:
            here = slice(start, start + len(shard.reasons))
            table = _table(rnas[here], parts[here], shard, protocol)
            writer = writer or parquet.ParquetWriter(private, table.schema, compression="zstd")
            writer.write_table(table)
            reasons = zip(rnas[here], shard.reasons, strict=True)
            skipped += [Skipped(id=rna.id, reason=reason) for rna, reason in reasons if reason]
            start += len(shard.reasons)
        assert writer is not None, "a file without RNAs was refused when it was read"
        writer.close()
    return skipped


def _table(rnas: Sequence[Rna], parts: Sequence[int], shard: Embedded, protocol: EmbeddingProtocol) -> Any:
    import pyarrow as arrow

    done = np.array([not reason for reason in shard.reasons])
    vectors: list[Any] = [None] * len(rnas)
    embeddings: list[Any] = [None] * len(rnas)
    reduced = reduce(shard.vectors, protocol).astype(np.float32) if done.any() else shard.vectors
    for row, at in enumerate(np.flatnonzero(done)):
        vectors[at], embeddings[at] = reduced[row], shard.vectors[row]
    numbers = arrow.list_(arrow.float32())
    return arrow.table(
        {
            "id": arrow.array([rna.id for rna in rnas], arrow.string()),
            "length": arrow.array([len(rna) for rna in rnas], arrow.int32()),
            "vector": arrow.array(vectors, numbers),
            "embedding": arrow.array(embeddings, numbers),
            "skipped": arrow.array(shard.reasons, arrow.string()),
            "windows": arrow.array(np.where(done, parts, 0), arrow.int32()),
        }
    )
