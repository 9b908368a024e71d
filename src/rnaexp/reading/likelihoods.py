"""A model's score of each variant: shard by shard into the store, so that what is done stays done."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from rnaexp.choices import Convention
from rnaexp.classify.embed import batches
from rnaexp.data.assays import Assay
from rnaexp.errors import InputError, ScoreError, TooLongError, UnavailableError, UnsuitableError
from rnaexp.fitness.agreement import information
from rnaexp.fitness.conventions import (
    IN_WILD_TYPE,
    OF_DECODERS,
    OF_WHOLE_SEQUENCES,
    log_likelihood,
    marginal,
    mutated_sites,
    scored_sites,
)
from rnaexp.models.left_to_right import is_causal
from rnaexp.models.options import precision_of
from rnaexp.models.spec import Encoder, LetterModel
from rnaexp.progress import Announce
from rnaexp.reading.cached import cached_shards
from rnaexp.reading.entry import Arrays
from rnaexp.reading.store import Store, key_of
from rnaexp.rna import Alignment, Rna

SHARD = 256  # variants whose result is written, and after a crash repeated, as one
TOKENS = 8192  # bases in one batch
ROUNDING = 1e-6  # nats from uniform: what is left below it is float32's rounding, whose order would pass for knowledge
_SCHEMA = 1
_WHOLE = " or ".join(OF_WHOLE_SEQUENCES)

Pass = tuple[Rna, tuple[int, ...], tuple[int, ...]]  # an RNA, its hidden bases, the bases read


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An assay with the convention it is scored by and, for models that read them, the wild type's alignment."""

    assay: Assay
    convention: Convention
    alignment: Alignment | None = None


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
    _letters(encoder)
    _refuse_direction(encoder, request.convention)
    sequences = [variant.sequence for variant in request.assay.mutants]
    wild = request.assay.wild_type
    if request.convention in IN_WILD_TYPE:
        assert wild is not None, "refused above"
        return _by_wild_type(encoder, request, wild, sequences, store, announce)
    if request.convention in OF_WHOLE_SEQUENCES and wild is not None:
        sequences.append(wild)  # scored as one of the variants, then subtracted from each
    parts = [sequences[start : start + SHARD] for start in range(0, len(sequences), SHARD)]
    keys = [_key(encoder, request, part) for part in parts]
    with announce(f"{encoder.spec.name} on {request.assay.name}, {request.convention}", len(sequences)) as progress:

        def compute(at: int) -> Arrays:
            entry = _shard(encoder, request, parts[at])
            progress(len(parts[at]))
            return entry

        entries = list(cached_shards(store, keys, compute, lambda at: progress(len(parts[at]))))
    scores = np.concatenate([entry["scores"] for entry in entries])
    reasons = [str(reason) for entry in entries for reason in entry["reasons"]]
    if request.convention in OF_WHOLE_SEQUENCES and wild is not None:
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


def _letters(encoder: Encoder) -> LetterModel:
    if not isinstance(encoder, LetterModel):
        message = f"{encoder.spec.name} gives no probabilities of letters: it has no language-model head"
        raise UnavailableError(message)
    return encoder


def _by_wild_type(
    encoder: Encoder, request: Request, wild: str, sequences: Sequence[str], store: Store, announce: Announce
) -> Scored:
    """One pass per distinct mutated site of the wild type, or a single one unmasked: none of it per variant."""
    sites = sorted({site for sequence in sequences for site in mutated_sites(wild, sequence)})
    key = _key(encoder, request, [wild, *map(str, sites)])
    _refuse_wild_type(
        encoder, _unreadable(encoder, _rna(request, wild))
    )  # every process sees it, none waits for others
    with announce(f"{encoder.spec.name} on {request.assay.name}, {request.convention}", len(sequences)) as progress:
        (entry,) = cached_shards(store, [key], lambda at: _of_wild_type(encoder, request, wild, sites), lambda at: None)
        progress(len(sequences))
    row_of = dict(zip(sites, entry["rows"], strict=True))
    scores, reasons = [], []
    for sequence in sequences:
        reasons.append(_no_letter(sequence))
        mutated = mutated_sites(wild, sequence)
        rows = np.array([row_of[site] for site in mutated])
        scores.append(np.nan if reasons[-1] else marginal(wild, sequence, mutated, rows))
    return _scored(np.array(scores), reasons, [entry])


def _of_wild_type(encoder: Encoder, request: Request, wild: str, sites: Sequence[int]) -> Arrays:
    rna = _rna(request, wild)
    hidden = request.convention == "masked-marginal"
    passes: list[Pass] = [(rna, (site,), (site,)) for site in sites] if hidden else [(rna, (), tuple(sites))]
    rows = np.concatenate([np.zeros((0, 4)), *_read(_letters(encoder), passes)])
    return {"rows": rows, **_sums(rows)}


def _shard(encoder: Encoder, request: Request, sequences: Sequence[str]) -> Arrays:
    """Scores of some variants, each read on its own."""
    rnas = [_rna(request, sequence) for sequence in sequences]
    reasons = [_no_letter(rna.sequence) or _unreadable(encoder, rna) for rna in rnas]
    wild, scores = request.assay.wild_type, np.full(len(rnas), np.nan)
    sites_of = {
        at: scored_sites(request.convention, wild, rna.sequence) for at, rna in enumerate(rnas) if not reasons[at]
    }
    passes: list[Pass] = (
        [(rnas[at], (), sites) for at, sites in sites_of.items()]
        if request.convention == "left-to-right"
        else [(rnas[at], (site,), (site,)) for at, sites in sites_of.items() for site in sites]
    )
    rows = np.concatenate([np.zeros((0, 4)), *_read(_letters(encoder), passes)])
    first = 0
    for at, sites in sites_of.items():
        own, first = rows[first : first + len(sites)], first + len(sites)
        if request.convention in OF_WHOLE_SEQUENCES:
            scores[at] = log_likelihood(rnas[at].sequence, own)
        else:
            assert wild is not None, "refused before"
            scores[at] = marginal(wild, rnas[at].sequence, sites, own)
    return {"scores": scores, "reasons": np.array(reasons), **_sums(rows)}


def _read(encoder: LetterModel, passes: Sequence[Pass]) -> Iterator[Float[np.ndarray, "m a"]]:
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


def _rna(request: Request, sequence: str) -> Rna:
    """The sequence, with the wild type's homologs below it if there are any."""
    alignment = request.alignment
    if alignment is not None:
        alignment = replace(alignment, rows=(sequence, *alignment.rows[1:]))
    return Rna(id=sequence, sequence=sequence, alignment=alignment)


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


def _sums(rows: Float[np.ndarray, "p a"]) -> Arrays:
    """What `information` needs of all that was read."""
    odds = np.exp(rows)
    return {
        "letters": odds.sum(0) if len(rows) else np.zeros(4),
        "log_sum": np.array((odds * rows).sum()),
        "reads": np.array(len(rows)),
    }


def _scored(scores: np.ndarray, reasons: Sequence[str], entries: Sequence[Arrays]) -> Scored:
    reads = int(sum(entry["reads"] for entry in entries))
    letters = np.sum([entry["letters"] for entry in entries], axis=0)
    log_sum = float(sum(entry["log_sum"] for entry in entries))
    certainty, variation = information(letters, log_sum, reads) if reads else (0.0, 0.0)
    if reads and certainty < ROUNDING:
        scores = np.where(np.isfinite(scores), 0.0, np.nan)
    return Scored(scores=scores, reasons=tuple(reasons), reads=reads, certainty=certainty, variation=variation)


def _key(encoder: Encoder, request: Request, sequences: Sequence[str]) -> str:
    alone = request.convention in OF_WHOLE_SEQUENCES  # read without the wild type
    return key_of(
        {
            "schema": _SCHEMA,
            "what": "fitness",
            "encoder": encoder.fingerprint,
            "precision": precision_of(encoder),
            "convention": request.convention,
            "wild_type": None if alone else request.assay.wild_type,
            "alignment": request.alignment.rows[1:] if request.alignment is not None else None,
            "sequences": list(sequences),
        }
    )
