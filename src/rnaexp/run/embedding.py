"""Pooled embeddings of many RNAs: shard by shard into the store, so that what is done stays done."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32

from rnaexp.classify.embed import batches, pool
from rnaexp.classify.protocol import Pooling
from rnaexp.errors import InputError
from rnaexp.models.options import precision_of
from rnaexp.models.spec import Encoder
from rnaexp.rna import Rna
from rnaexp.run.read import processes, unreadable
from rnaexp.run.together import meet, rank
from rnaexp.store import Arrays, Store, key_of

SHARD = 1024  # RNAs whose result is written, and after a crash repeated, as one
TOKENS = 8192  # bases in one batch, padding included
_SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """One shard in order: pooled vectors of the RNAs that have one, and for each RNA "" or why it has none."""

    vectors: Float32[np.ndarray, "k d"]
    reasons: tuple[str, ...]


def embed_shards(
    encoder: Encoder,
    rnas: Sequence[Rna],
    store: Store,
    *,
    pooling: Pooling = "mean",
    tokens: int = TOKENS,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Embedded]:
    """Every shard in order; those not yet in the store are computed first, each process its share of them."""
    parts = [rnas[start : start + SHARD] for start in range(0, len(rnas), SHARD)]
    keys = [_key(encoder, part, pooling, tokens) for part in parts]
    for at in range(rank(), len(parts), processes()):
        if store.get(keys[at]) is None:
            store.put(keys[at], _embed(encoder, parts[at], pooling, tokens, progress))
        elif progress is not None:
            progress(len(parts[at]))
    meet()
    for key, part in zip(keys, parts, strict=True):
        entry = store.get(key)
        if entry is None:
            message = f"{part[0].id}: its shard is not in the store; do all processes see {store.root}? Run again"
            raise RuntimeError(message)
        yield Embedded(vectors=entry["vectors"], reasons=tuple(entry["reasons"].tolist()))


def embed_all(
    encoder: Encoder,
    rnas: Sequence[Rna],
    store: Store,
    *,
    pooling: Pooling = "mean",
    progress: Callable[[int], None] | None = None,
) -> tuple[Float32[np.ndarray, "k d"], list[str]]:
    """The vectors of all RNAs that have one, and for each RNA "" or why it has none.

    Raises: InputError if none has one.
    """
    shards = list(embed_shards(encoder, rnas, store, pooling=pooling, progress=progress))
    reasons = [reason for shard in shards for reason in shard.reasons]
    vectors = [shard.vectors for shard in shards if len(shard.vectors)]
    if not vectors:
        message = f"{encoder.spec.name} can read none of {len(rnas)} RNAs; the first: {reasons[0]}"
        raise InputError(message)
    return np.concatenate(vectors), reasons


def _key(encoder: Encoder, rnas: Sequence[Rna], pooling: Pooling, tokens: int) -> str:
    return key_of(
        {
            "schema": _SCHEMA,
            "what": "embeddings",
            "encoder": encoder.fingerprint,
            "precision": {"fp32": "float32"}.get(precision_of(encoder), precision_of(encoder)),
            "pooling": pooling,
            "tokens": tokens,
            "rnas": [(rna.sequence, rna.alignment.sha256() if rna.alignment else None) for rna in rnas],
        }
    )


def _embed(
    encoder: Encoder, rnas: Sequence[Rna], pooling: Pooling, tokens: int, progress: Callable[[int], None] | None
) -> Arrays:
    reasons = [unreadable(encoder, rna).removeprefix(f"{rna.id}: ") for rna in rnas]
    fit = [at for at, reason in enumerate(reasons) if not reason]
    found: dict[int, np.ndarray] = {}
    if progress is not None:
        progress(len(rnas) - len(fit))
    for batch in batches([len(rnas[at]) for at in fit], tokens):
        places = [fit[at] for at in batch]
        with torch.inference_mode():
            rows = encoder.embed([rnas[at] for at in places])
        for at, bases in zip(places, rows, strict=True):
            vector = pool(_numbers(bases), pooling)
            if np.isfinite(vector).all() and vector.any():
                found[at] = vector
            else:
                reasons[at] = "its embedding is not finite or all zero"
        if progress is not None:
            progress(len(batch))
    width = len(next(iter(found.values()))) if found else 0
    vectors = np.array([found[at] for at in sorted(found)], np.float32).reshape(len(found), width)
    return {"vectors": vectors, "reasons": np.array(reasons)}


def _numbers(bases: Any) -> np.ndarray:
    numbers: np.ndarray = bases.float().cpu().numpy()
    return numbers
