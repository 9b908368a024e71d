"""What a score is worth: ceilings, controls on the same RNAs, shuffled RNAs, the interval that includes the choice."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pandas as pd

from rnaexp.data.shuffle import shuffled_columns
from rnaexp.errors import InputError, UnavailableError
from rnaexp.models.files import FileEncoder
from rnaexp.models.training import was_trained_on
from rnaexp.progress import silence
from rnaexp.reading.derived import derived
from rnaexp.reading.read import read_set
from rnaexp.reading.store import Store
from rnaexp.rna import Rna
from rnaexp.stats.verdict import Verdict, verdict
from rnaexp.structure.breakdown import breakdown
from rnaexp.structure.evaluate import Evaluation, paired_f1
from rnaexp.structure.heads import HeadScores
from rnaexp.structure.kinds import ceilings, f1_ceiling
from rnaexp.structure.predict import reading_of
from rnaexp.structure.protocol import Scoring
from rnaexp.structure.retune import Retuning, retune
from rnaexp.structure.standing import Standing, standing
from rnaexp.tasks.pairs.contrasts import f1_of
from rnaexp.tasks.pairs.control_scores import control_scores
from rnaexp.tasks.pairs.diagnosis import FOLDING, WITHOUT_ENERGIES, diagnose
from rnaexp.tasks.pairs.measure import evaluated
from rnaexp.tasks.pairs.parts import whole_head
from rnaexp.tasks.pairs.result import Assessment, Control, Result
from rnaexp.tasks.pairs.views import view_on_test

SHUFFLED = 10  # test RNAs whose shuffled copies are read: a tenth or so of a run's cost, named with the figure
_SEED = 0
_FOLDS = {"sequence": "viennarna", "alignment": "alifold"}


def assess(result: Result, store: Store) -> Assessment:
    """All that is reported with the scores of a run."""
    scored = result.test.scored
    known: dict[str, str] = {rna.id: result.test.data.evidence_for(rna.id) or "unknown" for rna in result.test.rnas}
    evidence = dict(Counter(known.values()))
    seen = _seen(result, result.test.rnas)
    shuffled = _shuffled_calls(result, scored, store)
    controls = _controls(result, store)
    scoring, rnas = result.test.scores.scoring, [_identity(rna) for rna in result.test.rnas]
    about = derived(
        store, "about", [rnas, scoring], lambda: pd.DataFrame([_about(rna, scoring) for rna in result.test.rnas])
    )
    scores, threshold = chosen_head(result)
    parts = [rnas, scores.content, threshold, known]
    return Assessment(
        retuning=_retuning(result, store),
        about=about,
        breakdown=derived(store, "breakdown", parts, lambda: _breakdown(result, about, known)),
        shuffled_calls=shuffled,
        shuffled=0 if shuffled is None else min(SHUFFLED, len(scored)),
        evidence=evidence,
        seen=seen,
        tags=tuple(diagnose(result, evaluations(controls), evidence, seen)),
        controls=controls,
        view=view_on_test(result, store),
        verdict=_verdict(result, evaluations(controls)),
    )


def _verdict(result: Result, controls: Mapping[str, Evaluation]) -> Verdict | None:
    """Of the test set's F1, paired by RNA with that of the best control that knows neither language nor energies."""
    free = {name: one for name, one in controls.items() if name not in FOLDING}
    if result.evaluation is None or not free:
        return None
    best = max(free, key=lambda name: free[name].f1.mean)
    return verdict(*paired_f1(result.evaluation.per_rna, free[best].per_rna), against=best)


def _identity(rna: Rna) -> str:
    """All that is known of it but its alignment's names."""
    alignment = None if rna.alignment is None else rna.alignment.sha256()
    return repr((replace(rna, alignment=None), alignment))


def _about(rna: Rna, scoring: Scoring) -> dict[str, object]:
    alignment = rna.alignment
    return {
        "rna": rna.id,
        "depth": 1 if alignment is None else alignment.depth,
        "neff": 1.0 if alignment is None else alignment.neff(),
        "f1_ceiling": f1_ceiling(rna, scoring),
        **{f"ceiling_{name}": value for name, value in ceilings(rna, scoring).items()},
    }


def _seen(result: Result, scored: Sequence[Rna]) -> int | None:
    known = [was_trained_on(result.encoder.spec, rna.family) for rna in scored]
    return None if all(one is None for one in known) else sum(bool(one) for one in known)


def _retuning(result: Result, store: Store) -> Retuning | None:
    if result.validation is None or result.tuned is None:
        return None
    parts: list[object] = [
        None if one is None else one.content for one in (result.validation.scores, result.test.scores, result.tested)
    ]
    head = (result.tuned.layer, result.tuned.head)
    if result.test.outlines is not None:
        parts.append(list(result.test.outlines.keys))
    return derived(store, "retuning", [*parts, head], lambda: retuning(result))


def retuning(result: Result) -> Retuning | None:
    """The interval that includes the choice of head and threshold; None where nothing was tuned."""
    if result.validation is None or result.tuned is None:
        return None
    head = (result.tuned.layer, result.tuned.head)
    test = result.test
    return retune(result.validation.scores, test.scores, chosen=head, whole=result.tested, outlines=test.outlines)


def _breakdown(result: Result, about: pd.DataFrame, evidence: Mapping[str, str]) -> pd.DataFrame:
    """Of the frozen head; of the oracle's, whose run names it so, where nothing was tuned."""
    per_rna = (result.evaluation or result.oracle).per_rna.merge(about[["rna", "depth", "neff"]], on="rna")
    scores, threshold = chosen_head(result)
    return breakdown(result.test.rnas, scores, per_rna, threshold=threshold, evidence=evidence)


def chosen_head(result: Result) -> tuple[HeadScores, float]:
    """The frozen head and its threshold; the oracle's where nothing was tuned."""
    if result.tuned is not None and result.tested is not None:
        return result.tested, result.tuned.threshold
    return result.test.best_scores, result.test.search.winner["threshold"]


def _shuffled_calls(result: Result, scored: Sequence[Rna], store: Store) -> float | None:
    """Calls per 100 bases of the frozen head where there is nothing to find."""
    encoder, tuned = result.encoder, result.tuned
    if tuned is None or encoder.spec.reads != "sequence" or isinstance(encoder, FileEncoder):
        return None
    by_length = sorted(scored, key=lambda rna: (len(rna), rna.id))
    places = np.unique(np.linspace(0, len(by_length) - 1, min(SHUFFLED, len(by_length))).round().astype(int))
    shuffled = [shuffled_columns(by_length[at], _SEED) for at in places]
    reading = reading_of(tuned, result.task.long)
    scores, _ = read_set(encoder, shuffled, reading, store, data=("shuffled", ""))
    if not scores.rnas:
        return None
    calls = sum(int((rna.scores[0].astype(np.float64) >= tuned.threshold).sum()) for rna in scores.rnas)
    return 100 * calls / sum(rna.bases for rna in scores.rnas)


def _controls(result: Result, store: Store) -> dict[str, Control]:
    """The controls that the diagnosis looks at."""
    reads = result.encoder.spec.reads
    return of_controls(result, store, ("random", *WITHOUT_ENERGIES[reads], _FOLDS[reads]))


def of_controls(result: Result, store: Store, names: Sequence[str]) -> dict[str, Control]:
    """Controls by name, through the same tuning and test; none where nothing was tuned."""
    if result.validation is None:
        return {}
    sets = result.validation.data, result.test.data, result.related
    found = {}
    for name in names:
        if name != result.encoder.spec.name:
            with suppress(InputError, UnavailableError):  # a control that cannot read these RNAs says nothing of them
                found[name] = control_scores(name, result.task, sets, store)
    return found


def free_controls(result: Result, store: Store) -> dict[str, Control]:
    """Those that know neither language nor energies, through the same tuning and test."""
    return of_controls(result, store, ("random", *WITHOUT_ENERGIES[result.encoder.spec.reads]))


def on_validation(
    result: Result, store: Store, controls: Mapping[str, Control]
) -> tuple[pd.DataFrame, Standing | None] | None:
    """The tuned head's F1 on each validation RNA, and how it stands there to the best control without energies.

    None where nothing was tuned.
    """
    part, tuned = result.validation, result.tuned
    if part is None or tuned is None:
        return None
    head = tuned.layer, tuned.head
    whole = whole_head(result.encoder, part, head, part.scored, store, silence)
    mine = f1_of(evaluated(whole, head, tuned.threshold, store))
    rivals = {name: each.validation for name, each in controls.items() if name not in FOLDING}
    return mine, standing(mine, rivals)


def evaluations(controls: Mapping[str, Control]) -> dict[str, Evaluation]:
    """Each control's on the test set."""
    return {name: control.evaluation for name, control in controls.items()}
