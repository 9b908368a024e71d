"""The fitness job: score an assay's variants, compare with what was measured, and with what needs no model."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float

from rnaexp import models
from rnaexp.choices import Convention
from rnaexp.data.assay_sets import load_assay
from rnaexp.data.assays import Assay
from rnaexp.data.readers import read_file
from rnaexp.errors import InputError, TooLongError, UnavailableError, UnsuitableError
from rnaexp.fitness.agreement import Agreement, advantage, agreement, by_mutations, held_at, tied, within_mutations
from rnaexp.fitness.baselines import BASELINES, MUTATIONS, OF_ALIGNMENTS
from rnaexp.fitness.ranking import Ranking, ranking
from rnaexp.models.left_to_right import is_causal
from rnaexp.models.spec import Encoder
from rnaexp.progress import Announce
from rnaexp.reading.left_out import report_rows
from rnaexp.reading.letters import Request
from rnaexp.reading.likelihoods import Scored, model_scores
from rnaexp.reading.store import Store
from rnaexp.rna import Alignment, Rna
from rnaexp.tasks.fitness.baselines import baseline_scores, mutation_counts
from rnaexp.tasks.fitness.settings import FitnessTask

BASELINE = "baseline"  # stands in the place of a convention where there are no likelihoods


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One kind of scores against what was measured, on the variants that the model could score.

    `over_mutations`: its Spearman less that of the number of mutations, None where no wild type is known.
    """

    name: str
    convention: str
    agreement: Agreement
    over_mutations: Agreement | None
    table: pd.DataFrame | None
    tied: float
    ranking: Ranking
    scored: Scored | None = None

    @property
    def within(self) -> float | None:
        """Spearman among variants of equally many mutations."""
        return None if self.table is None else within_mutations(self.table)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitness:
    """All of a task's numbers. `scores` and `mutations` are in the order of `assay.mutants`, NaN where not scored.

    `measured`: higher is fitter, whatever the assay's direction. `baselines`: these and the untrained control, on the
    same variants.
    """

    task: FitnessTask
    assay: Assay  # the sample, if one was wanted
    of: int  # mutants of the whole assay
    request: Request
    encoder: Encoder | None
    scores: Float[np.ndarray, "v"]
    reasons: tuple[str, ...]
    measured: Float[np.ndarray, "v"]
    mutations: np.ndarray | None
    judged: Judged
    baselines: tuple[Judged, ...]

    @property
    def coverage(self) -> float:
        """Share of the mutants that the model scored."""
        return float(np.isfinite(self.scores).mean())

    @property
    def convention(self) -> str:
        """What the scores are: one of four conventions, or `baseline`."""
        return self.judged.convention


def measure_fitness(task: FitnessTask, store: Store, announce: Announce, encoder: Encoder | None = None) -> Fitness:
    """Measure one model or baseline; `encoder`: the model, where it is loaded already.

    Raises: InputError, UnavailableError.
    """
    whole = load_assay(
        task.assay,
        wild_type=task.wild_type,
        direction=task.direction,
        layout=task.layout,
        report=partial(report_rows, task.assay, strict=task.strict, silent=task.silent),
    )
    assay = whole.sampled(task.sample, task.seed)
    alignment = _alignment(task.alignment, assay)
    if encoder is None and task.model not in BASELINES:
        encoder = models.load(**{**task.loading, "name": task.model})
    convention = _convention(task, assay, encoder)
    request = Request(assay=assay, convention=convention, alignment=alignment)
    mutations = mutation_counts(assay)
    baselines = baseline_scores(request, mutations, store, announce, task.seed)
    scored = None
    if encoder is None:
        if task.model not in baselines:
            lacks = "an alignment" if task.model in OF_ALIGNMENTS and assay.wild_type else "a wild type"
            message = f"{task.model} needs {lacks}; {assay.name} has none"
            raise InputError(message)
        scores, reasons = baselines.pop(task.model), ("",) * len(assay.mutants)
    else:
        request = _read_by(encoder, request)
        if task.long == "error":
            _refuse_long(encoder, request)
        scored = model_scores(encoder, request, store, announce)
        scores, reasons = scored.scores, scored.reasons
    judge = _judge_of(assay, mutations, np.isfinite(scores), reasons)
    others = [judge(name, BASELINE, values, None) for name, values in baselines.items()]
    if encoder is not None:
        others += _untrained(task, encoder, request, store, announce, judge)
    return Fitness(
        task=task,
        assay=assay,
        of=len(whole.mutants),
        request=request,
        encoder=encoder,
        scores=scores,
        reasons=reasons,
        measured=_measured(assay),
        mutations=mutations,
        judged=judge(task.model, BASELINE if encoder is None else convention, scores, scored),
        baselines=tuple(others),
    )


def _convention(task: FitnessTask, assay: Assay, encoder: Encoder | None) -> Convention:
    """The setting, else what the model and the assay allow."""
    if task.convention:
        return task.convention  # type: ignore[return-value]
    if encoder is not None and is_causal(encoder):
        return "left-to-right"
    return "masked-marginal" if assay.wild_type else "pseudo-likelihood"


def _alignment(path: str, assay: Assay) -> Alignment | None:
    """The wild type's, from a file or a folder of them, which need not have one for every assay.

    Raises: InputError if no first row of a file is the wild type.
    """
    if not path:
        return None
    where = Path(path)
    files = sorted(each for each in where.iterdir() if each.is_file()) if where.is_dir() else [where]
    targets = (rna for each in files for rna in read_file(each))
    found = next((rna.alignment for rna in targets if rna.sequence == assay.wild_type), None)
    if found is None and not where.is_dir():
        message = f"its first row is not the wild type of {assay.name}" if assay.wild_type else "no wild type is known"
        raise InputError(message, path=path)
    return found


def _read_by(encoder: Encoder, request: Request) -> Request:
    """A model of single sequences reads no alignment."""
    return request if encoder.spec.reads == "alignment" else replace(request, alignment=None)


def _refuse_long(encoder: Encoder, request: Request) -> None:
    for variant in request.assay.mutants:
        try:
            encoder.check(Rna(id=variant.id, sequence=variant.sequence))
        except TooLongError as error:
            message = f"{error}; long skip leaves such variants out"
            raise InputError(message) from error
        except UnsuitableError:  # it is left out, with its reason
            pass


def _measured(assay: Assay) -> Float[np.ndarray, "v"]:
    sign = 1.0 if assay.direction == "higher" else -1.0
    return sign * np.array([variant.score for variant in assay.mutants])


class _Judge:
    """Judges any scores of the assay's mutants on those of them that one model scored."""

    def __init__(self, assay: Assay, mutations: np.ndarray | None, keep: np.ndarray) -> None:
        self.keep, self.measured = keep, _measured(assay)[keep]
        self.mutations = None if mutations is None else mutations[keep]
        kept = [variant.sequence for variant, here in zip(assay.mutants, keep, strict=True) if here]
        self.held = held_at(kept, assay.wild_type) if assay.substitutions_only else None

    def __call__(self, name: str, convention: str, scores: np.ndarray, scored: Scored | None) -> Judged:
        mine, counts = scores[self.keep], self.mutations
        over = None
        if counts is not None and name != MUTATIONS:
            over = advantage(mine, -counts.astype(float), self.measured, self.held)
        return Judged(
            name=name,
            convention=convention,
            agreement=agreement(mine, self.measured, self.held),
            over_mutations=over,
            table=None if counts is None else by_mutations(mine, self.measured, counts),
            tied=tied(mine),
            ranking=ranking(mine, self.measured),
            scored=scored,
        )


def _judge_of(assay: Assay, mutations: np.ndarray | None, keep: np.ndarray, reasons: Sequence[str]) -> _Judge:
    if keep.sum() < 3:
        first = next((reason for reason in reasons if reason), "")
        message = f"{assay.name}: {int(keep.sum())} of {len(keep)} variants have a score; the first without: {first}"
        raise InputError(message)
    return _Judge(assay, mutations, keep)


def _untrained(
    task: FitnessTask, encoder: Encoder, request: Request, store: Store, announce: Announce, judge: _Judge
) -> list[Judged]:
    """The same model with random weights; none where it has no such control."""
    name = f"{models.UNTRAINED}{task.model}"
    if task.model.startswith(models.UNTRAINED):
        return []
    with suppress(InputError, UnavailableError):
        untrained = models.load(**{**task.loading, "name": name, "weights": None})
        scored = model_scores(untrained, request, store, announce)
        if np.isfinite(scored.scores[judge.keep]).all():
            return [judge(name, request.convention, scored.scores, scored)]
    return []
