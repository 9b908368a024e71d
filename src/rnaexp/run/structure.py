"""The main job: tune a model's head on one set, freeze it, test it on another, and keep the evidence."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from rnaexp import models
from rnaexp.data.clusters import clustered
from rnaexp.data.sets import DataSet, load_set
from rnaexp.errors import InputError, UnavailableError
from rnaexp.models.spec import Encoder
from rnaexp.rna import Rna
from rnaexp.run.read import Progress, Skipped, read_set, sequence_sha256
from rnaexp.store import Store
from rnaexp.structure.curve import best_threshold
from rnaexp.structure.decode import one_partner
from rnaexp.structure.evaluate import Evaluation, TooShallowError, evaluate, evaluate_head
from rnaexp.structure.heads import HeadScores, RnaScores, TunedHead
from rnaexp.structure.pairs import reference
from rnaexp.structure.protocol import ATTENTION, PAIR_SCORES, ReadOut, Scoring
from rnaexp.structure.reading import DEPTH, Reading
from rnaexp.structure.tune import Search, depth_to_certify, search, tuned_head

Announce = Callable[[str, int], AbstractContextManager[Progress]]  # (what, how many RNAs) -> a progress bar

# Up to the first size a second reading simply keeps every pair; beyond the last one an oracle stays a lower bound.
_SMALL_TABLES, _LARGE_TABLES = 2**30, 4 * 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to do. `validation` None: nothing is tuned, only the oracle is reported (or `tuned` is applied)."""

    model: str
    test: str
    validation: str | None = None
    scoring: Scoring
    related: Literal["drop", "keep"] = "drop"
    tuned: TunedHead | None = None
    loading: Mapping[str, Any] = field(default_factory=dict)  # arguments of `models.load`


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One set, read: its scores, what was left out, and the exact optimum of every head on it."""

    data: DataSet
    rnas: tuple[Rna, ...]
    scores: HeadScores
    skipped: tuple[Skipped, ...]
    search: Search
    exact: bool = True  # False: the search's best is a lower bound, deeper reading was refused as too large


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All of a task's numbers. `oracle` is the best head of the test set itself: never a result, only a ceiling."""

    task: Task
    encoder: Encoder
    validation: Part | None
    test: Part
    tuned: TunedHead | None
    evaluation: Evaluation | None
    oracle: Evaluation
    related: tuple[str, ...]  # validation RNAs with a relative in the test set

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Everything that has no score, tuning and test set together."""
        return (*(self.validation.skipped if self.validation else ()), *self.test.skipped)

    @property
    def coverage(self) -> float:
        """Share of the test RNAs with reference pairs that the model scored."""
        return len(self.test.scores.scored()) / max(1, len(self.test.rnas))


def read_out_of(encoder: Encoder) -> ReadOut:
    """Attention is symmetrised and corrected; a baseline's scores are taken as they are."""
    return ATTENTION if encoder.spec.output == "attention" else PAIR_SCORES


def run_structure(task: Task, store: Store, announce: Announce, encoder: Encoder | None = None) -> Result:
    """Tune, freeze, test.

    Raises: InputError, UnavailableError, LeakageError.
    """
    if encoder is None:
        encoder = models.load(**{"name": task.model, **task.loading})
    validation_set, test_set, related = _sets(task)
    tuned = task.tuned
    if tuned is not None:
        test_set, tuned = _clustered_with_tuning(test_set, tuned)
    # One head's lists cost nothing to keep whole, and then nothing is ever read twice.
    depth = float("inf") if encoder.layers * encoder.heads == 1 else DEPTH
    reading = Reading(read_out=read_out_of(encoder), scoring=task.scoring, depth=depth)
    validation = None
    if validation_set is not None:
        dropped = set(related) if task.related == "drop" else set()
        rnas = [rna for rna in validation_set.rnas if rna.id not in dropped]
        if dropped and not any(rna.pairs for rna in rnas):
            message = (
                f"{validation_set.name}: nothing left to tune on without the {len(dropped)} relatives of the test set; "
                "--related keep tunes on them all the same"
            )
            raise InputError(message)
        validation = _read_exactly(encoder, validation_set, rnas, reading, store, announce, must=True)
        tuned = tuned_head(validation.scores, validation.search)
        decoded = _dot_bracket_threshold(encoder, validation, tuned, store, announce)
        tuned = replace(tuned, dot_bracket_threshold=decoded)
    test = _read_exactly(encoder, test_set, test_set.rnas, reading, store, announce, must=False)
    evaluation = None
    if tuned is not None:
        evaluation = _evaluate(encoder, test, tuned, store, announce, related=task.related == "keep")
    best = test.search.winner
    oracle = evaluate_head(test.scores, layer=int(best["layer"]), head=int(best["head"]), threshold=best["threshold"])
    return Result(
        task=task,
        encoder=encoder,
        validation=validation,
        test=test,
        tuned=tuned,
        evaluation=evaluation,
        oracle=oracle,
        related=related,
    )


def _sets(task: Task) -> tuple[DataSet | None, DataSet, tuple[str, ...]]:
    """Both sets with clusters named over both, and the validation RNAs that have a relative in the test set."""
    test = load_set(task.test)
    if task.validation is None:
        return None, test, ()
    validation = load_set(task.validation)
    rnas = clustered([*validation.rnas, *test.rnas])
    validation = replace(validation, rnas=rnas[: len(validation)])
    test = replace(test, rnas=rnas[len(validation) :])
    tested = {rna.cluster for rna in test.rnas if rna.pairs}
    return validation, test, tuple(rna.id for rna in validation.rnas if rna.pairs and rna.cluster in tested)


def _clustered_with_tuning(test: DataSet, tuned: TunedHead) -> tuple[DataSet, TunedHead]:
    """Clusters are named anew over both sets; if the tuning set is gone, only equal sequences can be noticed."""
    if not tuned.sequences:
        return test, tuned
    try:
        tuning = load_set(tuned.tuned_on)
    except (InputError, UnavailableError):
        return test, tuned
    rnas = clustered([*tuning.rnas, *test.rnas])
    used = {rna.cluster or rna.id for rna in rnas[: len(tuning)] if sequence_sha256(rna) in tuned.sequences}
    return replace(test, rnas=rnas[len(tuning) :]), replace(tuned, clusters=tuple(sorted(used)))


def _dot_bracket_threshold(
    encoder: Encoder, validation: Part, tuned: TunedHead, store: Store, announce: Announce
) -> float:
    """The threshold that suits one partner a base, on the same RNAs by the same head."""
    if tuned.scoring.decoder == "greedy":
        return tuned.threshold
    whole = whole_head(encoder, validation, (tuned.layer, tuned.head), validation.rnas, store, announce)
    decoded = [one_partner(rna, 0) for rna in whole.scored()]
    return best_threshold(decoded, 0, tuned.scoring.averaging).threshold


def whole_head(
    encoder: Encoder, part: Part, head: tuple[int, int], rnas: Sequence[Rna], store: Store, announce: Announce
) -> HeadScores:
    """Every candidate's score under one head; the model runs, up to that head's layer, only for what is not known."""
    if part.scores.complete:
        return part.scores.one_head(*head)
    scores = part.scores
    reading = Reading(read_out=scores.read_out, scoring=scores.scoring, depth=float("inf"), head=head)
    data = (part.data.name, part.data.sha256)
    with announce(f"{scores.model} on {part.data.name}, head {head[0]}.{head[1]} alone", len(rnas)) as progress:
        return read_set(encoder, rnas, reading, store, data=data, progress=progress)[0]


def _read_exactly(
    encoder: Encoder,
    data: DataSet,
    rnas: Sequence[Rna],
    reading: Reading,
    store: Store,
    announce: Announce,
    *,
    must: bool,
) -> Part:
    """Read, and read again deeper, until no head's optimum is in doubt; unless `must`, give up where it gets large."""
    reasons = {rna.id: _why_not(rna, reading.scoring) for rna in rnas}
    with_pairs = [rna for rna in rnas if reasons[rna.id] is None]
    missing = tuple(Skipped(id=id, reason=reason) for id, reason in reasons.items() if reason is not None)
    while True:
        with announce(f"{encoder.spec.name} on {data.name}", len(with_pairs)) as progress:
            scores, skipped = read_set(
                encoder, with_pairs, reading, store, data=(data.name, data.sha256), progress=progress
            )
        if not scores.scored():
            message = f"{data.name}: no RNA can be scored; {_first_reason((*skipped, *missing))}"
            raise InputError(message)
        found = search(scores)
        part = Part(data=data, rnas=tuple(with_pairs), scores=scores, skipped=(*skipped, *missing), search=found)
        if not found.uncertain:
            return part
        reading = _deeper(reading, scores, found)
        if not must and _bytes(scores, reading) > _LARGE_TABLES:
            return replace(part, exact=False)


def _why_not(rna: Rna, scoring: Scoring) -> str | None:
    """Why nothing can be scored on this RNA, whatever the model; None if it can."""
    if rna.pairs is None:
        return "its reference pairs are not known"
    if not rna.pairs:
        return "no reference pairs"
    return None if len(reference(rna, scoring)) else "none of its reference pairs is a candidate under this protocol"


def _first_reason(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return "the set is empty"
    return f"{skipped[0].id}: {skipped[0].reason.removeprefix(skipped[0].id + ': ')}"


def _deeper(reading: Reading, scores: HeadScores, found: Search) -> Reading:
    """Deep enough that no RNA's F1 below its list can exceed the best mean seen: 2R / (K + R)."""
    whole = replace(reading, depth=float("inf"))
    if _bytes(scores, whole) <= _SMALL_TABLES:
        return whole
    needed = max(
        depth_to_certify(rna.references, found.winner["f1"], rna.candidates) / rna.references for rna in scores.scored()
    )
    return replace(reading, depth=max(4 * reading.depth, float(np.ceil(needed))))


def _bytes(scores: HeadScores, reading: Reading) -> int:
    return sum(8 * len(scores.heads) * reading.kept(rna.references, rna.candidates) for rna in scores.rnas)


def _evaluate(
    encoder: Encoder, test: Part, tuned: TunedHead, store: Store, announce: Announce, *, related: bool
) -> Evaluation:
    try:
        return evaluate(test.scores, tuned, allow_related=related)
    except TooShallowError:  # the tuned head calls more pairs of some RNA than were kept
        whole = whole_head(encoder, test, (tuned.layer, tuned.head), test.rnas, store, announce)
        return evaluate(whole, tuned, allow_related=related)


def head_maps(result: Result, ids: Sequence[str], store: Store, announce: Announce) -> dict[str, np.ndarray]:
    """The scores of every candidate pair under the tuned head (or the oracle's), [n n], NaN elsewhere."""
    best = result.test.search.winner
    head = (result.tuned.layer, result.tuned.head) if result.tuned else (int(best["layer"]), int(best["head"]))
    wanted = set(ids)
    rnas = [rna for rna in result.test.rnas if rna.id in wanted]
    whole = whole_head(result.encoder, result.test, head, rnas, store, announce)
    return {rna.id: _square(rna) for rna in whole.rnas if rna.id in wanted}


def _square(rna: RnaScores) -> np.ndarray:
    flat = np.full(rna.bases**2, np.nan)
    kept = rna.indices[0] >= 0
    flat[rna.indices[0][kept]] = rna.scores[0][kept]
    return flat.reshape(rna.bases, rna.bases)
