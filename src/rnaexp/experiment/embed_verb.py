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
from rnaexp.errors import UnavailableError
from rnaexp.experiment.question import places
from rnaexp.models.spec import Encoder
from rnaexp.progress import announce, silence
from rnaexp.reading.distributed import take_own_device
from rnaexp.reading.embeddings import SHARD, Embedded, embed_shards, embed_share, missing_shards
from rnaexp.reading.left_out import left_out, refuse, write_faults
from rnaexp.reading.processes import is_first_process, processes, rank
from rnaexp.reading.read import Skipped
from rnaexp.reading.store import Store
from rnaexp.rna import Rna
from rnaexp.structure.windows import windows_of
from rnaexp.tasks.families.settings import EmbedSettings
from rnaexp.tasks.families.settings import protocol as checked_protocol

MERGE = "merge"  # of --shard: write what the shards left


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
    Under torchrun every process takes its share of the shards, and the first writes the file. `settings.shard`: only a
    share of them, without a file, or the file and nothing computed.
    Raises: InputError (also if nothing has an embedding or, if `strict`, something has none), UnavailableError.
    """
    protocol = checked_protocol(pooling=settings.pooling, reduction=settings.reduction, seed=seed)
    share = None if settings.shard in ("", MERGE) else places(settings.shard)
    take_own_device()
    rnas, encoder = own.rnas, models.load(**loading)
    how: dict[str, Any] = {"pooling": protocol.pooling, "tokens": settings.tokens, "long": settings.long}
    if share is not None:
        _share(own, encoder, share, how)
        return
    if settings.shard == MERGE and (missing := missing_shards(encoder, rnas, Store(), **how)):
        message = (
            f"{own.name}: part {missing[0]} and {len(missing) - 1} more of {-(-len(rnas) // SHARD)} are not in the "
            f"store {Store().root}; run their shards, and bring their stores together with rnaexp store merge"
        )
        raise UnavailableError(message)
    shown = announce if is_first_process() else silence
    with shown(f"{encoder.spec.name} on {own.name}", _in_share(len(rnas), rank(), processes())) as progress:
        shards = embed_shards(
            encoder,
            rnas,
            Store(),
            **how,
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


def _share(own: OwnRnas, encoder: Encoder, share: tuple[int, int], how: Mapping[str, Any]) -> None:
    first, of = share
    mine = _in_share(len(own.rnas), first, of)
    with announce(f"{encoder.spec.name} on {own.name}, shard {first + 1} of {of}", mine) as progress:
        done, parts = embed_share(encoder, own.rnas, Store(), share=share, progress=progress, **how)
    sys.stdout.write(f"shard {first + 1} of {of}: {done} of {parts} parts of {own.name} are in {Store().root}\n")


def _in_share(rnas: int, first: int, of: int) -> int:
    """How many of the RNAs are in every `of`-th part, from the `first` on."""
    return sum(min(SHARD, rnas - start) for start in range(first * SHARD, rnas, of * SHARD))


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
