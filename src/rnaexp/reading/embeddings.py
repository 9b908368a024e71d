"""Pooled embeddings of many RNAs: shard by shard into the store, so that what is done stays done."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float32

from rnaexp.choices import Long
from rnaexp.classify.embed import batches, pool
from rnaexp.errors import InputError, UnavailableError
from rnaexp.models.options import precision_of
from rnaexp.models.spec import Encoder, TokenModel
from rnaexp.reading.cached import cached_shards, fill
from rnaexp.reading.entry import Arrays
from rnaexp.reading.read import unreadable
from rnaexp.reading.store import Store, key_of
from rnaexp.rna import Rna
from rnaexp.structure.windows import averaged_rows, windows_of

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
    pooling: str = "mean",
    special_tokens: Literal["cut", "kept"] = "cut",
    tokens: int = TOKENS,
    long: Long = "skip",
    progress: Callable[[int], None] | None = None,
) -> Iterator[Embedded]:
    """Every shard in order; those not yet in the store are computed first, each process its share of them.

    `pooling`: as `classify.embed.pool` has it; `special_tokens`: kept pools the model's tokens and not the bases.

    An RNA longer than the model reads has no vector, or (`long` = window) that of its bases' means over windows.
    Raises: InputError for such an RNA if `long` is error.
    """
    for rna in rnas if long == "error" else ():  # the store may hold a shard that was made by leaving it out
        unreadable(encoder, rna, long)
    encoder = encoder if special_tokens == "cut" else _with_tokens(encoder, long)
    parts = _parts(rnas)
    keys = [_key(encoder, part, pooling, tokens, long) for part in parts]

    def compute(at: int) -> Arrays:
        return _embed(encoder, parts[at], pooling, tokens, long, progress)

    def done(at: int) -> None:
        if progress is not None:
            progress(len(parts[at]))

    for entry in cached_shards(store, keys, compute, done):
        yield Embedded(vectors=entry["vectors"], reasons=tuple(entry["reasons"].tolist()))


def embed_share(
    encoder: Encoder,
    rnas: Sequence[Rna],
    store: Store,
    *,
    pooling: str,
    tokens: int,
    long: Long,
    share: tuple[int, int],
    progress: Callable[[int], None] | None = None,
) -> tuple[int, int]:
    """Only every n-th shard, from a first on (`share`: its place and n), into the store; how many, and of how many."""
    parts = _parts(rnas)
    mine = {at: _key(encoder, parts[at], pooling, tokens, long) for at in range(share[0], len(parts), share[1])}

    def compute(at: int) -> Arrays:
        return _embed(encoder, parts[at], pooling, tokens, long, progress)

    fill(store, mine, compute, lambda at: progress(len(parts[at])) if progress is not None else None)
    return len(mine), len(parts)


def missing_shards(
    encoder: Encoder, rnas: Sequence[Rna], store: Store, *, pooling: str, tokens: int, long: Long
) -> list[int]:
    """The numbers, from 1, of the shards that are not in the store."""
    keys = (_key(encoder, part, pooling, tokens, long) for part in _parts(rnas))
    return [at for at, key in enumerate(keys, start=1) if store.get(key) is None]


def _parts(rnas: Sequence[Rna]) -> list[Sequence[Rna]]:
    return [rnas[start : start + SHARD] for start in range(0, len(rnas), SHARD)]


def embed_all(
    encoder: Encoder,
    rnas: Sequence[Rna],
    store: Store,
    *,
    pooling: str = "mean",
    special_tokens: Literal["cut", "kept"] = "cut",
    long: Long = "skip",
    progress: Callable[[int], None] | None = None,
) -> tuple[Float32[np.ndarray, "k d"], list[str]]:
    """The vectors of all RNAs that have one, and for each RNA "" or why it has none.

    Raises: InputError if none has one, or one is too long and `long` is error.
    """
    how: dict[str, Any] = {"pooling": pooling, "special_tokens": special_tokens, "long": long}
    shards = list(embed_shards(encoder, rnas, store, **how, progress=progress))
    reasons = [reason for shard in shards for reason in shard.reasons]
    vectors = [shard.vectors for shard in shards if len(shard.vectors)]
    if not vectors:
        message = f"{encoder.spec.name} can read none of {len(rnas)} RNAs; the first: {reasons[0]}"
        raise InputError(message)
    return np.concatenate(vectors), reasons


class _Tokens:
    """An encoder whose embeddings are its tokens', special ones and all."""

    def __init__(self, encoder: TokenModel) -> None:
        self._encoder, self.embed = encoder, encoder.embed_tokens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)


def _with_tokens(encoder: Encoder, long: Long) -> Encoder:
    """Raises: UnavailableError if the model shows no special tokens, InputError for windows, which have their own."""
    if long == "window":
        message = "special_tokens kept: an RNA read in windows has the tokens of each; choose --long skip or error"
        raise InputError(message)
    if not isinstance(encoder, TokenModel):
        message = f"{encoder.spec.name} shows no embeddings of its special tokens; choose special_tokens cut"
        raise UnavailableError(message)
    tokens: Any = _Tokens(encoder)
    return tokens  # type: ignore[no-any-return]


def _key(encoder: Encoder, rnas: Sequence[Rna], pooling: str, tokens: int, long: Long) -> str:
    parts: dict[str, Any] = {
        "schema": _SCHEMA,
        "what": "embeddings",
        "encoder": encoder.fingerprint,
        "precision": {"fp32": "float32"}.get(precision_of(encoder), precision_of(encoder)),
        "pooling": pooling,
        "tokens": tokens,
        "rnas": [(rna.sequence, rna.alignment.sha256() if rna.alignment else None) for rna in rnas],
    }
    if isinstance(encoder, _Tokens):
        parts["special_tokens"] = "kept"
    cuts = [windows_of(encoder, rna, long) for rna in rnas]
    if any(cuts):  # what is read whole is read alike under every policy
        parts["windows"] = [None if cut is None else [cut.length, cut.starts] for cut in cuts]
    return key_of(parts)


def _embed(
    encoder: Encoder,
    rnas: Sequence[Rna],
    pooling: str,
    tokens: int,
    long: Long,
    progress: Callable[[int], None] | None,
) -> Arrays:
    reasons = [unreadable(encoder, rna, long).removeprefix(f"{rna.id}: ") for rna in rnas]
    read = [at for at, reason in enumerate(reasons) if not reason]
    found: dict[int, np.ndarray] = {}
    if progress is not None:
        progress(len(rnas) - len(read))
    for places, rows in _bases(encoder, rnas, read, tokens, long):
        for at, bases in zip(places, rows, strict=True):
            vector = pool(_numbers(bases), pooling)
            if np.isfinite(vector).all() and vector.any():
                found[at] = vector
            else:
                reasons[at] = "its embedding is not finite or all zero"
        if progress is not None:
            progress(len(places))
    width = len(next(iter(found.values()))) if found else 0
    vectors = np.array([found[at] for at in sorted(found)], np.float32).reshape(len(found), width)
    return {"vectors": vectors, "reasons": np.array(reasons)}


def _bases(
    encoder: Encoder, rnas: Sequence[Rna], read: Sequence[int], tokens: int, long: Long
) -> Iterator[tuple[list[int], list[torch.Tensor]]]:
    """Embeddings of each base, batch by batch with the places of its RNAs; a long RNA's windows are its own batches."""
    cuts = {at: windows_of(encoder, rnas[at], long) for at in read}
    whole = [at for at in read if cuts[at] is None]
    for places, rows in _in_batches(encoder, [rnas[at] for at in whole], tokens):
        yield [whole[at] for at in places], rows
    for at, cut in cuts.items():
        if cut is not None:
            rows_of = dict[int, torch.Tensor]()
            for places, rows in _in_batches(encoder, cut.parts(rnas[at]), tokens):
                rows_of |= zip(places, rows, strict=True)
            yield [at], [averaged_rows([rows_of[part] for part in range(len(rows_of))], cut)]


def _in_batches(encoder: Encoder, rnas: Sequence[Rna], tokens: int) -> Iterator[tuple[list[int], list[torch.Tensor]]]:
    for places in batches([len(rna) for rna in rnas], tokens):
        with torch.inference_mode():
            rows = encoder.embed([rnas[at] for at in places])
        yield places, rows


def _numbers(bases: Any) -> np.ndarray:
    numbers: np.ndarray = bases.float().cpu().numpy()
    return numbers
