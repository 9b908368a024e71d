"""What a model says of letters, pass by pass: shard by shard into the store, so that what is done stays done."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from jaxtyping import Float

from rnaexp.choices import Convention
from rnaexp.classify.embed import batches
from rnaexp.data.assays import Assay
from rnaexp.errors import ScoreError, UnavailableError
from rnaexp.fitness.conventions import OF_WHOLE_SEQUENCES, Context
from rnaexp.models.options import precision_of
from rnaexp.models.spec import Encoder, LetterModel
from rnaexp.progress import Announce
from rnaexp.reading.cached import cached_shards
from rnaexp.reading.entry import Arrays
from rnaexp.reading.store import Store, key_of
from rnaexp.rna import Alignment, Rna

TOKENS = 8192  # bases in one batch
CONTEXTS = 1024  # contexts whose letters are written, and after a crash read again, as one
_SCHEMA = 1

Pass = tuple[Rna, tuple[int, ...], tuple[int, ...]]  # an RNA, its hidden bases, the bases read


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An assay with the convention it is scored by and, for models that read them, the wild type's alignment."""

    assay: Assay
    convention: Convention
    alignment: Alignment | None = None


def letters_of(encoder: Encoder) -> LetterModel:
    """The model as one that predicts letters. Raises: UnavailableError for one that does not."""
    if not isinstance(encoder, LetterModel):
        message = f"{encoder.spec.name} gives no probabilities of letters: it has no language-model head"
        raise UnavailableError(message)
    return encoder


def read_contexts(
    encoder: Encoder, request: Request, contexts: Sequence[Context], store: Store, announce: Announce
) -> tuple[list[Float[np.ndarray, "m a"]], list[Arrays]]:
    """Of each context the log-probabilities at its hidden sites, read once for all that ask for it; and the entries."""
    parts = [contexts[start : start + CONTEXTS] for start in range(0, len(contexts), CONTEXTS)]
    keys = [
        entry_key(encoder, request, [f"{sequence} {hidden}" for sequence, hidden in part], "contexts") for part in parts
    ]
    with announce(f"{encoder.spec.name} on {request.assay.name}, {request.convention}", len(contexts)) as progress:

        def compute(at: int) -> Arrays:
            passes = [(rna_of(request, sequence), hidden, hidden) for sequence, hidden in parts[at]]
            rows = np.concatenate([np.zeros((0, 4)), *read(letters_of(encoder), passes)])
            progress(len(parts[at]))
            return {"rows": rows, **sums(rows)}

        entries = list(cached_shards(store, keys, compute, lambda at: progress(len(parts[at]))))
    rows = np.concatenate([np.zeros((0, 4)), *(entry["rows"] for entry in entries)])
    ends = np.cumsum([0, *(len(hidden) for _, hidden in contexts)])
    return [rows[first:last] for first, last in pairwise(ends)], entries


def read(encoder: LetterModel, passes: Sequence[Pass]) -> Iterator[Float[np.ndarray, "m a"]]:
    """What each pass says at the bases it reads, in order; batched under a budget of tokens.

    Raises: ScoreError naming the RNA whose likelihoods are not finite.
    """
    found: dict[int, np.ndarray] = {}
    for batch in batches([len(rna) for rna, _, _ in passes], TOKENS):
        tables = encoder.predict_letters([passes[at][0] for at in batch], [passes[at][1] for at in batch])
        for at, table in zip(batch, tables, strict=True):
            rna, _, sites = passes[at]
            found[at] = table[list(sites)].double().cpu().numpy()
            if not np.isfinite(found[at]).all():
                message = f"{rna.id}: the model's likelihoods are not finite"
                raise ScoreError(message)
    yield from (found[at] for at in range(len(passes)))


def rna_of(request: Request, sequence: str) -> Rna:
    """The sequence, with the wild type's homologs below it if there are any."""
    alignment = request.alignment
    if alignment is not None:
        alignment = replace(alignment, rows=(sequence, *alignment.rows[1:]))
    return Rna(id=sequence, sequence=sequence, alignment=alignment)


def sums(rows: Float[np.ndarray, "p a"]) -> Arrays:
    """What `information` needs of all that was read."""
    odds = np.exp(rows)
    return {
        "letters": odds.sum(0) if len(rows) else np.zeros(4),
        "log_sum": np.array((odds * rows).sum()),
        "reads": np.array(len(rows)),
    }


def entry_key(
    encoder: Encoder, request: Request, sequences: Sequence[str], convention: Convention | Literal["contexts"]
) -> str:
    """Of what is read; `contexts` say themselves what is hidden, for whichever convention."""
    alone = convention == "contexts" or convention in OF_WHOLE_SEQUENCES  # the wild type is no part of it
    return key_of(
        {
            "schema": _SCHEMA,
            "what": "fitness",
            "encoder": encoder.fingerprint,
            "precision": precision_of(encoder),
            "convention": convention,
            "wild_type": None if alone else request.assay.wild_type,
            "alignment": request.alignment.rows[1:] if request.alignment is not None else None,
            "sequences": list(sequences),
        }
    )
