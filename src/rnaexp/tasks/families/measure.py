"""The classification job: embed a set with families, or take a control's vectors, and measure how they overlap."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd
from jaxtyping import Float32

from rnaexp import models
from rnaexp.classify.controls import (
    CENTRED,
    CONTROLS,
    IDENTITY,
    LENGTH,
    WORDS,
    ruler,
    word_counts,
)
from rnaexp.classify.drawn import Repeated
from rnaexp.classify.embed import reduce, unit
from rnaexp.classify.families import family_similarity
from rnaexp.classify.layout import Layout, layout
from rnaexp.classify.matching import Matching, length_matching
from rnaexp.classify.measure import Design, Measured, measure_pairs
from rnaexp.classify.protocol import EmbeddingProtocol
from rnaexp.data.families import FamilySet, Selection, load_families
from rnaexp.data.shuffle import dinucleotide_shuffle
from rnaexp.errors import InputError
from rnaexp.models.spec import IN_MEMORY, Encoder
from rnaexp.models.training import listed_families
from rnaexp.progress import Announce
from rnaexp.reading.derived import derived
from rnaexp.reading.embeddings import embed_all
from rnaexp.reading.read import Skipped
from rnaexp.reading.store import Store
from rnaexp.reading.unbuilt import load_to_read
from rnaexp.rna import Rna
from rnaexp.structure.windows import windows_of
from rnaexp.tasks.families.identities import identities, sampled_identities, sampled_pairs
from rnaexp.tasks.families.overlaps import overlaps
from rnaexp.tasks.families.settings import ClassifyTask

_FEWEST_PAIRS = 50  # below, a density says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """All of a task's numbers; `vectors`, `table` and `means` in layout order, None for a control of pairs only."""

    task: ClassifyTask
    encoder: Encoder | None
    data: FamilySet
    rnas: tuple[Rna, ...]  # those that have a vector, in layout order
    layout: Layout
    skipped: tuple[Skipped, ...]
    every: Measured
    matched: Measured | None
    unmatched_reason: str  # why there is no matched figure
    remote: Measured | None = None  # of homologs less alike than the protocol says, None where that was not wanted
    vectors: Float32[np.ndarray, "r d"] | None = None
    table: pd.DataFrame | None = None
    means: np.ndarray | None = None
    drawn: Repeated | None = None  # where the protocol also draws pairs

    @property
    def coverage(self) -> float:
        """Share of the set's RNAs that have a vector."""
        return len(self.rnas) / len(self.data.rnas)

    @property
    def windowed(self) -> tuple[str, ...]:
        """The RNAs whose vector is that of windows."""
        encoder = self.encoder
        if encoder is None:
            return ()
        return tuple(rna.id for rna in self.rnas if windows_of(encoder, rna, self.task.long) is not None)


def classify(task: ClassifyTask, store: Store, announce: Announce, encoder: Encoder | None = None) -> Classified:
    """Measure one model or control.

    Raises: InputError, UnavailableError.
    """
    data = _families(task.families, _selection(task, encoder))
    if task.model == IDENTITY:
        return _by_alignment(task, data, store, announce)
    raw, reasons, loaded = _raw_vectors(task, data.rnas, store, announce, encoder)
    kept, raw = _with_company(data, reasons, raw)
    rnas = [data.rnas[at] for at in kept]
    order = layout([str(rna.family) for rna in rnas], [str(rna.cluster) for rna in rnas], seed=task.protocol.seed)
    protocol = _protocol(task)
    vectors = unit(reduce(raw, protocol))[order.order]
    rnas = [rnas[at] for at in order.order]
    lengths, design = [len(rna) for rna in rnas], task.design or Design()
    inputs = [vectors, lengths, order, protocol, design.resamples, design.permutations]
    found = derived(store, "families", inputs, lambda: overlaps(vectors, lengths, order, protocol, design))
    remote = None
    if protocol.below_identity:
        remote = _remote(task, rnas, order, lambda at: (vectors[at[:, 0]] * vectors[at[:, 1]]).sum(1), store, announce)
    return Classified(
        remote=remote,
        task=replace(task, protocol=protocol),
        encoder=loaded,
        data=data,
        rnas=tuple(rnas),
        layout=order,
        skipped=_skipped(data, reasons, set(kept)),
        every=found.every,
        matched=found.matched,
        unmatched_reason=found.unmatched_reason,
        vectors=vectors,
        table=found.table,
        means=family_similarity(vectors, order),
        drawn=found.drawn,
    )


def _protocol(task: ClassifyTask) -> EmbeddingProtocol:
    """Counts of words are not reduced, and centred where their name says so."""
    if task.model not in CONTROLS:
        return task.protocol
    centred = task.model.endswith(CENTRED)
    return replace(task.protocol, reduction="none", centring="mean" if centred else task.protocol.centring)


def _unseen_by(task: ClassifyTask, encoder: Encoder | None) -> str:
    """The model whose training families are left out, "" for none; a control model has those of what it controls."""
    named = task.protocol.unseen_by
    whole, other = task.protocol.selection == "all", task.model in CONTROLS or task.stored is not None
    if named == "none" or (named == "auto" and (whole or other)):
        return ""
    if named == "auto" and encoder is not None and encoder.spec.loader == IN_MEMORY:
        return ""  # what it was trained on only its owner knows
    name = task.model.removeprefix(models.SHUFFLED).removeprefix(models.UNTRAINED) if named == "auto" else named
    return name if listed_families(models.spec(name)) else ""


def _selection(task: ClassifyTask, encoder: Encoder | None) -> Selection:
    protocol, unseen_by = task.protocol, _unseen_by(task, encoder)
    return Selection(
        without=listed_families(models.spec(unseen_by)) if unseen_by else frozenset(),
        without_name=unseen_by,
        identity=protocol.identity,
        members=protocol.members,
        max_bases=protocol.max_bases,
        seed=protocol.seed,
        alignments=protocol.alignments == "own",
        whole=protocol.selection == "all",
    )


@lru_cache(maxsize=4)
def _families(name: str, selection: Selection) -> FamilySet:
    return load_families(name, selection)


def _raw_vectors(
    task: ClassifyTask, rnas: Sequence[Rna], store: Store, announce: Announce, encoder: Encoder | None
) -> tuple[np.ndarray, list[str], Encoder | None]:
    """A vector for each RNA that has one, and for each RNA "" or why it has none."""
    if task.stored is not None:
        return *task.stored.of(rnas), None
    fine = [""] * len(rnas)
    if (word := task.model.removesuffix(CENTRED)) in WORDS:
        k = WORDS[word]
        reasons = ["" if len(rna) >= k else f"shorter than a word of {k}" for rna in rnas]
        return word_counts([rna for rna, no in zip(rnas, reasons, strict=True) if not no], k), reasons, None
    if task.model == LENGTH:
        return ruler([len(rna) for rna in rnas]), fine, None
    name = task.model.removeprefix(models.SHUFFLED)
    if encoder is None:
        encoder = load_to_read(store, **{**task.loading, "name": name})
    if name != task.model:
        rnas = [Rna(id=rna.id, sequence=dinucleotide_shuffle(rna.sequence, task.protocol.seed)) for rna in rnas]
    with announce(f"{task.model} on {task.families}", len(rnas)) as progress:
        how = {"pooling": task.protocol.pooled_as, "special_tokens": task.protocol.special_tokens, "long": task.long}
        vectors, reasons = embed_all(encoder, rnas, store, **how, progress=progress)  # type: ignore[arg-type]
    return vectors, reasons, encoder


def _with_company(data: FamilySet, reasons: Sequence[str], raw: np.ndarray) -> tuple[list[int], np.ndarray]:
    """RNAs with a vector whose family still has two of them; where the rest went, `_skipped` says."""
    read = [at for at, reason in enumerate(reasons) if not reason]
    sizes = Counter(data.rnas[at].family for at in read)
    kept = [row for row, at in enumerate(read) if sizes[data.rnas[at].family] > 1]
    if len({data.rnas[read[row]].family for row in kept}) < 2:
        first = next((reason for reason in reasons if reason), "")
        message = f"{data.name}: fewer than two families with two readable RNAs are left; {first}"
        raise InputError(message)
    return [read[row] for row in kept], raw[kept]


def _skipped(data: FamilySet, reasons: Sequence[str], kept: set[int]) -> tuple[Skipped, ...]:
    alone = "the only RNA of its family that could be read"
    return tuple(
        Skipped(id=rna.id, reason=reason or alone)
        for at, (rna, reason) in enumerate(zip(data.rnas, reasons, strict=True))
        if at not in kept
    )


def _by_alignment(task: ClassifyTask, data: FamilySet, store: Store, announce: Announce) -> Classified:
    """The identity control: a sample of pairs of each class, drawn by their weights, aligned one by one."""
    order = layout(data.families, data.clans, seed=task.protocol.seed)
    rnas = tuple(data.rnas[at] for at in order.order)
    every = _aligned(task, rnas, order, None, store, announce)
    try:
        matching = length_matching([len(rna) for rna in data.rnas], order)
        matched, reason = _aligned(task, rnas, order, matching, store, announce), ""
    except ValueError as error:
        matched, reason = None, str(error)
    remote = None
    if task.protocol.below_identity:
        remote = _remote(task, rnas, order, lambda at: identities(rnas, at), store, announce)
    return Classified(
        remote=remote,
        task=task,
        encoder=None,
        data=data,
        rnas=rnas,
        layout=order,
        skipped=(),
        every=every,
        matched=matched,
        unmatched_reason=reason,
    )


def _remote(
    task: ClassifyTask,
    rnas: Sequence[Rna],
    order: Layout,
    similarity: Callable[[np.ndarray], np.ndarray],
    store: Store,
    announce: Announce,
) -> Measured | None:
    """Homologs below the protocol's identity against all other pairs; None where hardly any pair is left."""
    samples = sampled_pairs(order, None, task.protocol.seed)
    alike = sampled_identities(rnas, samples, store, announce, task.families)[0]
    homologous = samples[0][alike < task.protocol.below_identity]
    if len(homologous) < _FEWEST_PAIRS:
        return None
    mine, theirs = ((pairs, similarity(pairs).astype(np.float64)) for pairs in (homologous, samples[1]))
    share = len(homologous) / len(samples[0])
    return measure_pairs(mine, theirs, order, task.protocol, task.design or Design(), kept=share)


def _aligned(
    task: ClassifyTask,
    rnas: Sequence[Rna],
    order: Layout,
    matching: Matching | None,
    store: Store,
    announce: Announce,
) -> Measured:
    seed = task.protocol.seed
    samples = sampled_pairs(order, matching, seed)
    found = sampled_identities(rnas, samples, store, announce, task.families)
    kept = 1.0 if matching is None else matching.kept
    return measure_pairs(
        (samples[0], found[0]), (samples[1], found[1]), order, task.protocol, task.design or Design(), kept=kept
    )
