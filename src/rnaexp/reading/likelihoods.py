"""A model's score of each variant: shard by shard into the store, so that what is done stays done."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rnaexp.choices import Convention
from rnaexp.errors import InputError, TooLongError, UnsuitableError
from rnaexp.fitness.agreement import information
from rnaexp.fitness.conventions import (
    IN_VARIANTS,
    IN_WILD_TYPE,
    OF_DECODERS,
    OF_WHOLE_SEQUENCES,
    contexts_of,
    log_likelihood,
    marginal,
    matched,
    mutated_sites,
)
from rnaexp.models.left_to_right import is_causal
from rnaexp.models.spec import Encoder
from rnaexp.progress import Announce
from rnaexp.reading.cached import cached_shards
from rnaexp.reading.entry import Arrays
from rnaexp.reading.letters import Pass, Request, entry_key, letters_of, read, read_contexts, rna_of, sums
from rnaexp.reading.store import Store
from rnaexp.rna import Rna

SHARD = 256  # variants whose result is written, and after a crash repeated, as one
ROUNDING = 1e-6  # nats from uniform: what is left below it is float32's rounding, whose order would pass for knowledge
_WHOLE = " or ".join(OF_WHOLE_SEQUENCES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """`scores`: NaN where `reasons` says why there is none. In nats, of all that was read of letters (`reads`):

    `certainty` how far from uniform, `variation` how different from site to site; see `fitness.agreement.information`.
    Likelihoods that are uniform to rounding give equal scores.
    """

    scores: Float[np.ndarray, "v"]
    reasons: tuple[str, ...]
    reads: int
    certainty: float
    variation: float


def refuse_unsuited(request: Request) -> None:
    """Raises: InputError for a convention that cannot score this assay."""
    assay, convention = request.assay, request.convention
    if assay.wild_type is None and convention not in OF_WHOLE_SEQUENCES:
        message = f"{assay.name} names no wild type: only {_WHOLE} can score it, {convention} needs one"
        raise InputError(message)
    if assay.substitutions_only:
        return
    length = len(assay.wild_type or assay.variants[0].sequence)
    odd = next(one for one in assay.variants if len(one.sequence) != length)
    problem = f"{assay.name}: {odd.id} has {len(odd.sequence)} bases, others {length}"
    if convention not in OF_WHOLE_SEQUENCES:
        message = f"{problem}: insertions and deletions can only be scored by --convention {_WHOLE}"
        raise InputError(message)
    if request.alignment is not None:
        message = f"{problem}: an alignment has columns for the wild type's bases only; leave --alignment away"
        raise InputError(message)


def model_scores(encoder: Encoder, request: Request, store: Store, announce: Announce) -> Scored:
    """Every mutant's score, in the assay's order; what the store has is not computed again.

    Raises: InputError (see `refuse_unsuited`), UnavailableError for a model without likelihoods of letters.
    """
    refuse_unsuited(request)
    letters_of(encoder)
    _refuse_direction(encoder, request.convention)
    sequences = [variant.sequence for variant in request.assay.mutants]
    wild = request.assay.wild_type
    if request.convention not in OF_WHOLE_SEQUENCES:
        assert wild is not None, "refused above"
        by = _by_wild_type if request.convention in IN_WILD_TYPE else _by_contexts
        return by(encoder, request, wild, sequences, store, announce)
    if wild is not None:
        sequences.append(wild)  # scored as one of the variants, then subtracted from each
    parts = [sequences[start : start + SHARD] for start in range(0, len(sequences), SHARD)]
    keys = [entry_key(encoder, request, part, request.convention) for part in parts]
    with announce(f"{encoder.spec.name} on {request.assay.name}, {request.convention}", len(sequences)) as progress:

        def compute(at: int) -> Arrays:
            entry = _shard(encoder, request, parts[at])
            progress(len(parts[at]))
            return entry

        entries = list(cached_shards(store, keys, compute, lambda at: progress(len(parts[at]))))
    scores = np.concatenate([entry["scores"] for entry in entries])
    reasons = [str(reason) for entry in entries for reason in entry["reasons"]]
    if wild is not None:
        _refuse_wild_type(encoder, reasons.pop())
        scores = scores[:-1] - scores[-1]
    return _scored(scores, reasons, entries)


def _refuse_direction(encoder: Encoder, convention: Convention) -> None:
    """A decoder hides nothing; a model that sees both sides would see the letter it predicts."""
    if is_causal(encoder) and convention not in OF_DECODERS:
        message = f"{encoder.spec.name} reads from left to right: --convention {' or '.join(OF_DECODERS)}"
        raise InputError(message)
    if convention == "left-to-right" and not is_causal(encoder):
        message = f"{encoder.spec.name} reads both sides of a base: --convention left-to-right is for decoders"
        raise InputError(message)


def _by_wild_type(
    encoder: Encoder, request: Request, wild: str, sequences: Sequence[str], store: Store, announce: Announce
) -> Scored:
    """One pass per distinct mutated site of the wild type, or a single one unmasked: none of it per variant."""
    row_of, entry = _of_wild_type(encoder, request, wild, sequences, store, announce)
    scores, reasons = [], []
    for sequence in sequences:
        reasons.append(_no_letter(sequence))
        mutated = mutated_sites(wild, sequence)
        rows = np.array([row_of[site] for site in mutated])
        scores.append(np.nan if reasons[-1] else marginal(wild, sequence, mutated, rows))
    return _scored(np.array(scores), reasons, [entry])


def _of_wild_type(
    encoder: Encoder, request: Request, wild: str, sequences: Sequence[str], store: Store, announce: Announce
) -> tuple[dict[int, np.ndarray], Arrays]:
    """The wild type's own log-probabilities at each site that some variant has mutated; and the entry."""
    sites = sorted({site for sequence in sequences for site in mutated_sites(wild, sequence)})
    hidden = request.convention != "wild-type-marginal"
    convention: Convention = "masked-marginal" if hidden else "wild-type-marginal"
    rna = rna_of(request, wild)
    _refuse_wild_type(encoder, _unreadable(encoder, rna))  # every process sees it, none waits for others

    def compute(at: int) -> Arrays:
        passes: list[Pass] = [(rna, (site,), (site,)) for site in sites] if hidden else [(rna, (), tuple(sites))]
        rows = np.concatenate([np.zeros((0, 4)), *read(letters_of(encoder), passes)])
        return {"rows": rows, **sums(rows)}

    key = entry_key(encoder, request, [wild, *map(str, sites)], convention)
    with announce(f"{encoder.spec.name} on {request.assay.name}, {convention}", len(sequences)) as progress:
        (entry,) = cached_shards(store, [key], compute, lambda at: None)
        progress(len(sequences))
    return dict(zip(sites, entry["rows"], strict=True)), entry


def _by_contexts(
    encoder: Encoder, request: Request, wild: str, sequences: Sequence[str], store: Store, announce: Announce
) -> Scored:
    """Each variant's own contexts; those that several variants, or conventions, have in common are read once."""
    _refuse_wild_type(encoder, _unreadable(encoder, rna_of(request, wild)))
    reasons = [_no_letter(sequence) or _not_read(encoder, request, sequence) for sequence in sequences]
    contexts = [
        () if reason else contexts_of(request.convention, wild, sequence)
        for sequence, reason in zip(sequences, reasons, strict=True)
    ]
    distinct = list(dict.fromkeys(context for each in contexts for context in each))
    found, entries = read_contexts(encoder, request, distinct, store, announce)
    rows_of = dict(zip(distinct, found, strict=True))
    of_wild: dict[int, np.ndarray] = {}
    if request.convention == "match-fill":
        of_wild, entry = _of_wild_type(encoder, request, wild, sequences, store, announce)
        entries.append(entry)
    scores = np.full(len(sequences), np.nan)
    for at, (sequence, each) in enumerate(zip(sequences, contexts, strict=True)):
        if reasons[at]:
            continue
        sites = [site for context in each for site in context.hidden]
        own = np.concatenate([rows_of[context] for context in each])
        there = np.array([of_wild[site] for site in sites]) if of_wild else own
        scores[at] = matched(wild, sequence, sites, own, there)
    return _scored(scores, reasons, entries)


def _not_read(encoder: Encoder, request: Request, sequence: str) -> str:
    """Why a variant cannot be read, where its convention reads it at all."""
    return _unreadable(encoder, rna_of(request, sequence)) if request.convention in IN_VARIANTS else ""


def _shard(encoder: Encoder, request: Request, sequences: Sequence[str]) -> Arrays:
    """Likelihoods of some whole sequences, each read on its own."""
    rnas = [rna_of(request, sequence) for sequence in sequences]
    reasons = [_no_letter(rna.sequence) or _unreadable(encoder, rna) for rna in rnas]
    readable = [at for at, reason in enumerate(reasons) if not reason]
    scores = np.full(len(rnas), np.nan)
    passes: list[Pass] = (
        [(rnas[at], (), tuple(range(len(rnas[at])))) for at in readable]
        if request.convention == "left-to-right"
        else [(rnas[at], (site,), (site,)) for at in readable for site in range(len(rnas[at]))]
    )
    rows = np.concatenate([np.zeros((0, 4)), *read(letters_of(encoder), passes)])
    first = 0
    for at in readable:
        own, first = rows[first : first + len(rnas[at])], first + len(rnas[at])
        scores[at] = log_likelihood(rnas[at].sequence, own)
    return {"scores": scores, "reasons": np.array(reasons), **sums(rows)}


def _no_letter(sequence: str) -> str:
    return "an N has no likelihood" if "N" in sequence else ""


def _unreadable(encoder: Encoder, rna: Rna) -> str:
    try:
        encoder.check(rna)
    except (TooLongError, UnsuitableError) as error:
        return str(error).removeprefix(f"{rna.id}: ")
    return ""


def _refuse_wild_type(encoder: Encoder, reason: str) -> None:
    if reason:
        message = f"{encoder.spec.name} cannot read the wild type: {reason}"
        raise InputError(message)


def _scored(scores: np.ndarray, reasons: Sequence[str], entries: Sequence[Arrays]) -> Scored:
    reads = int(sum(entry["reads"] for entry in entries))
    letters = np.sum([entry["letters"] for entry in entries], axis=0)
    log_sum = float(sum(entry["log_sum"] for entry in entries))
    certainty, variation = information(letters, log_sum, reads) if reads else (0.0, 0.0)
    if reads and certainty < ROUNDING:
        scores = np.where(np.isfinite(scores), 0.0, np.nan)
    return Scored(scores=scores, reasons=tuple(reasons), reads=reads, certainty=certainty, variation=variation)
