"""What draws a tuned head's structures: computed once for a head and the RNAs it was tuned on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from rnaexp import models
from rnaexp.errors import InputError
from rnaexp.models.spec import Encoder
from rnaexp.progress import Announce
from rnaexp.reading.derived import derived
from rnaexp.reading.read import read_set
from rnaexp.reading.store import Store
from rnaexp.rna import Rna
from rnaexp.structure.calibrate import Tenths, drawable, reliability
from rnaexp.structure.fit_view import fit_confidence, fit_view, places_of, structure_f1, unscored_f1, with_folding
from rnaexp.structure.heads import RnaScores, TunedHead
from rnaexp.structure.probabilities import OF_PROBABILITIES, StructureView
from rnaexp.structure.protocol import PAIR_SCORES, PROTOCOLS, Scoring
from rnaexp.structure.reading import Reading
from rnaexp.structure.view import pair_table, view_of
from rnaexp.tasks.pairs.diagnosis import FOLDING, WITHOUT_ENERGIES
from rnaexp.tasks.pairs.parts import whole_head
from rnaexp.tasks.pairs.result import Part, Result, ViewOnTest

_FOLDING = "viennarna"
_LONGEST = 500  # bases of the test RNAs whose structures are judged


def with_view(
    encoder: Encoder, validation: Part, tuned: TunedHead, store: Store, announce: Announce, *, fold: bool = False
) -> TunedHead:
    """The head with calibrated probabilities and what its structures were worth; as it is if it is one of contacts, or
    if its RNAs have no pair that a structure may hold. `fold`: ViennaRNA's with its scores as well."""
    if not tuned.scoring.molecule.brackets:
        return tuned
    head = tuned.layer, tuned.head
    scores = whole_head(encoder, validation, head, validation.rnas, store, announce).scored()
    by_id = {rna.id: rna for rna in validation.rnas}
    rnas = [by_id[each.id] for each in scores]
    if not any(len(drawable(rna, each).places) for rna, each in zip(rnas, scores, strict=True)):
        return tuned

    folds = encoder.spec.name in FOLDING

    def fitted() -> StructureView:
        folding = None if folds else _folding_f1(validation, rnas, scores, store)
        view = fit_view(rnas, scores, unscored_f1=_unscored_f1(rnas, scores, store), folding_f1=folding)
        view = with_control(view, encoder, validation, scores, store)
        return with_folding(view, rnas, scores) if fold else view

    return replace(tuned, view=derived(store, "view", [folds, fold, _content(scores)], fitted))


def measured_view(encoder: Encoder, validation: Part, store: Store) -> StructureView:
    """Of scores that are probabilities themselves: nothing is tuned, but what its structures are worth is measured."""
    scores = [each for each in validation.scores.scored() if each.read]
    by_id = {rna.id: rna for rna in validation.rnas}
    rnas = [by_id[each.id] for each in scores]
    view = with_control(fit_confidence(rnas, scores), encoder, validation, scores, store)
    return replace(view, measured_on=validation.data.name)


def with_control(
    view: StructureView, encoder: Encoder, validation: Part, scores: Sequence[RnaScores], store: Store
) -> StructureView:
    """With the best control without energies: of those that read all of these RNAs, that with the best structures."""
    wanted = {each.id for each in scores}
    rnas = [rna for rna in validation.rnas if rna.id in wanted]
    f1 = {}
    for name in WITHOUT_ENERGIES[encoder.spec.reads]:
        if name != encoder.spec.name and (found := _control_f1(name, validation, rnas, store)) is not None:
            f1[name] = found
    if not f1:
        return view
    best = max(f1, key=lambda name: f1[name])
    return replace(view, control=best, control_f1=f1[best])


def view_on_test(result: Result, store: Store) -> ViewOnTest | None:
    """How the tuned head's structures and probabilities hold on the test set; None without calibrated probabilities.

    Of RNAs of up to `_LONGEST` bases: decoding takes bases^3.
    """
    tuned, tested = result.tuned, result.tested
    if tuned is None or tested is None or tuned.view is None:
        return None
    view, by_id = tuned.view, {rna.id: rna for rna in result.test.rnas}
    scores = [each for each in tested.scored() if each.bases <= _LONGEST]
    if not scores:
        return None
    rnas = [by_id[each.id] for each in scores]
    return derived(store, "view on test", [view, _content(scores)], lambda: _judged(rnas, scores, view))


def _judged(rnas: Sequence[Rna], scores: Sequence[RnaScores], view: StructureView) -> ViewOnTest:
    rows, every = list[dict[str, Any]](), Tenths()
    sure, right = list[float](), list[np.ndarray]()
    for rna, known in zip(rnas, scores, strict=True):
        found = drawable(rna, known)
        table = pair_table(found, view.calibration)
        one = view_of(rna, table, view)
        f1 = structure_f1(one.pairs, known)
        rows.append({"rna": rna.id, "cluster": known.cluster, "f1": f1, "expected_f1": one.expected_f1})
        every.add(table.probabilities, found.paired)
        sure += one.confidences
        right.append(np.isin(places_of(one.pairs, known.bases), known.reference))
    parts = {
        "all": every.table(),
        "drawn": reliability(np.array(sure, np.float64), np.concatenate(right)),
    }
    held = pd.concat([part.assign(of=name) for name, part in parts.items()], ignore_index=True)
    return ViewOnTest(per_rna=pd.DataFrame(rows), reliability=held)


def _folding_f1(validation: Part, rnas: Sequence[Rna], scores: Sequence[RnaScores], store: Store) -> float | None:
    """Mean F1 of ViennaRNA's own structures on the same RNAs; None where it could not fold one of them."""
    folding = models.load(_FOLDING)

    def f1() -> float | None:
        folded = _read_whole(folding, validation, rnas, PROTOCOLS["paper"], store)
        if folded is None:
            return None
        how, found = OF_PROBABILITIES, []
        for rna, known in zip(rnas, scores, strict=True):
            table = pair_table(drawable(rna, folded[rna.id]), how.calibration)
            found.append(structure_f1(view_of(rna, table, how).pairs, known))
        return float(np.mean(found))

    return derived(store, "folding", [folding.fingerprint, _content_for_all(scores)], f1)


def _control_f1(name: str, validation: Part, rnas: Sequence[Rna], store: Store) -> float | None:
    """Mean F1 of a control's structures, drawn as a head's are; None where it could not read one of the RNAs."""
    control, scoring = models.load(name), validation.scores.scoring
    read = _read_whole(control, validation, rnas, scoring, store)
    if read is None:
        return None
    scores = [read[rna.id] for rna in rnas]

    def f1() -> float | None:
        return fit_view(rnas, scores, unscored_f1=0.0).f1

    return derived(store, "control", _content(scores), f1)


def _read_whole(
    encoder: Encoder, validation: Part, rnas: Sequence[Rna], scoring: Scoring, store: Store
) -> dict[str, RnaScores] | None:
    """A baseline's scores of every candidate of each RNA, by id; None unless it reads all of them."""
    reading = Reading(read_out=PAIR_SCORES, scoring=scoring, depth=float("inf"))
    data = validation.data.name, validation.data.sha256
    try:
        read = read_set(encoder, rnas, reading, store, data=data, progress=None)[0]
    except InputError:
        return None
    found = {each.id: each for each in read.rnas}
    return found if set(found) == {rna.id for rna in rnas} else None


def _unscored_f1(rnas: Sequence[Rna], scores: Sequence[RnaScores], store: Store) -> float:
    return derived(store, "unscored", _content_for_all(scores), lambda: unscored_f1(rnas, scores))


def _content(scores: Sequence[RnaScores]) -> list[str]:
    return [each.content for each in scores]


def _content_for_all(scores: Sequence[RnaScores]) -> list[tuple[Any, ...]]:
    """What is the same for all models that read these RNAs: ids, sequences, candidates, reference pairs."""
    return [(each.id, each.sequence_sha256, np.sort(each.indices), each.reference) for each in scores]
