"""The larger search of one model: searched on half of the validation set, chosen on the other, tested once."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from rnaexp.errors import InputError
from rnaexp.progress import Announce
from rnaexp.reading.store import Store, key_of
from rnaexp.rna import Rna
from rnaexp.stats.paired import Contrast, paired_contrast
from rnaexp.structure.choice import Choice, Searched
from rnaexp.structure.choice import searched as searched_of
from rnaexp.structure.curve import best_threshold
from rnaexp.structure.evaluate import Evaluation, evaluate_head, paired_f1
from rnaexp.structure.heads import HeadScores, RnaScores
from rnaexp.structure.larger import MOST_HEADS, StudyName, explore, halves
from rnaexp.structure.protocol import PAIR_SCORES, Scoring, protocol_fields
from rnaexp.structure.searched import Kept, SearchedEncoder, configured, kept_maps
from rnaexp.structure.study import study_of_heads
from rnaexp.structure.tune import search
from rnaexp.tasks.pairs.measure import tune_and_test
from rnaexp.tasks.pairs.result import Part, Result, Task

_FINALISTS = 10  # of the part searched; the other part chooses among them
_MOST_BYTES = 4 * 2**30  # of kept maps


@dataclass(frozen=True, slots=True, kw_only=True)
class Larger:
    """What the search found. `result`: of the configuration chosen, as of any model, `single` that of its best head.

    `trials`: one row a configuration, `chosen_on` its F1 on the other part if it got there.
    `gain`: of the chosen configuration over the plain head on the part that chose; `against`: on the test set.
    `pictures`: of the study, by file name. `studies`: the search, and the enumeration of the single heads.
    """

    single: Result
    result: Result
    searched: Searched
    chosen: Choice
    heads: tuple[tuple[int, int], ...]
    trials: pd.DataFrame
    gain: Contrast
    against: Contrast
    pictures: Mapping[str, Figure]
    studies: tuple[Any, ...]

    @property
    def evaluation(self) -> Evaluation:
        """Of the configuration chosen, on the test set."""
        assert self.result.evaluation is not None
        return self.result.evaluation

    @property
    def threshold(self) -> float:
        """Its own, of all the validation set."""
        assert self.result.tuned is not None
        return self.result.tuned.threshold


def larger_search(
    task: Task, store: Store, announce: Announce, *, trials: int, storage: str | None = None, seed: int = 0
) -> Larger:
    """Tune the single head as ever, then search; the test set is looked at once, by the configuration chosen.

    Raises: InputError where the validation set cannot be split or the maps do not fit.
    """
    if not task.scoring.molecule.brackets:
        message = f"{task.model}: a search is of base pairs of RNAs, not of {task.scoring.molecule.pairs}"
        raise InputError(message)
    single = tune_and_test(task, store, announce)
    if single.validation is None or single.evaluation is None or single.encoder.spec.output != "attention":
        message = f"{task.model}: a search needs attention maps and a validation set"
        raise InputError(message)
    encoder, scoring = single.encoder, task.scoring
    scored = single.validation.scored
    rnas = [rna for rna in scored if rna.pairs]
    try:
        searched, choosing = halves([rna.cluster or rna.id for rna in rnas])
    except ValueError as error:
        message = f"{single.validation.data.name}: {error}"
        raise InputError(message) from error
    heads = _best_heads(single.validation, {rnas[at].id for at in searched})
    _refuse_large(rnas, len(heads))
    kept = []
    with announce(f"{encoder.spec.name} on {single.validation.data.name}, {len(heads)} heads kept", len(rnas)) as step:
        for rna in rnas:
            kept.append(Kept(rna=rna, maps=kept_maps(encoder, rna, heads)))
            step(1)
    first, second = [kept[at] for at in searched], [kept[at] for at in choosing]
    explored = explore(
        lambda chosen: _optimum(first, chosen, scoring)[0],
        heads=len(heads),
        trials=trials,
        name=_study(single, seed),
        storage=storage,
        seed=seed,
    )
    plain, found = Choice(), explored.found
    finalists = [chosen for chosen, _ in found[:_FINALISTS]]
    judged = {chosen: _judged(first, second, chosen, scoring) for chosen in dict.fromkeys([plain, *finalists])}
    best = max(judged, key=lambda chosen: judged[chosen].f1.mean)  # the plain head on a tie: it stands first
    # As any model with one map: its threshold on all of the validation set, then the test set once.
    made = searched_of(best, heads, scoring, getattr(encoder, "token_pairs", "mean"))
    whole = SearchedEncoder(encoder, made)
    result = tune_and_test(task, store, announce, encoder=whole)
    assert result.evaluation is not None
    return Larger(
        single=single,
        result=result,
        searched=made,
        chosen=best,
        heads=heads,
        trials=_table(found, {chosen: one.f1.mean for chosen, one in judged.items()}),
        gain=paired_contrast(*paired_f1(judged[best].per_rna, judged[plain].per_rna)),
        against=paired_contrast(*paired_f1(result.evaluation.per_rna, single.evaluation.per_rna)),
        pictures=explored.pictures,
        studies=(explored.study, _study_of_heads(single.validation)),
    )


def _study(single: Result, seed: int) -> StudyName:
    """Workers share a study only where everything that makes its values is the same."""
    assert single.validation is not None
    scores = single.validation.scores
    inputs = [scores.weights, scores.data_sha256, asdict(scores.scoring), [rna.id for rna in scores.rnas], seed]
    mark, name = key_of({"asked": inputs})[:16], single.encoder.spec.name
    protocol = protocol_fields(scores.scoring, scores.read_out)["name"]
    return StudyName(
        name=f"{name} · {scores.data} · {protocol} · seed {seed} · {mark[:8]}",
        earlier=f"rnaexp-{mark}",
        about={
            "model": name,
            "weights": scores.weights,
            "validation": scores.data,
            "validation.sha256": scores.data_sha256,
            "protocol": protocol,
            "seed": seed,
            "value": "F1 on the part of the validation set that is searched",
        },
    )


def _study_of_heads(part: Part) -> Any:
    scores = part.scores
    protocol = protocol_fields(scores.scoring, scores.read_out)["name"]
    about = {
        "model": scores.model,
        "weights": scores.weights,
        "validation": scores.data,
        "validation.sha256": scores.data_sha256,
        "protocol": protocol,
        "value": "F1 on the validation set at the head's own best threshold",
    }
    mark = key_of({**about, "scoring": asdict(scores.scoring), "rnas": [rna.id for rna in scores.rnas]})[:8]
    return study_of_heads(part.search.trials, f"{scores.model} · {scores.data} · {protocol} · heads · {mark}", about)


def _best_heads(part: Part, ids: set[str]) -> tuple[tuple[int, int], ...]:
    """By F1 on these RNAs alone."""
    some = replace(part.scores, rnas=tuple(rna for rna in part.scores.rnas if rna.id in ids))
    ranked = search(some).trials.sort_values("f1", ascending=False, kind="stable").head(MOST_HEADS)
    return tuple((int(one.layer), int(one.head)) for one in ranked.itertuples())  # type: ignore[arg-type]


def _refuse_large(rnas: Sequence[Rna], heads: int) -> None:
    size = sum(4 * heads * len(rna) ** 2 for rna in rnas)
    if size > _MOST_BYTES:
        message = f"the validation set's maps of {heads} heads need {size / 2**30:.1f} GiB; search on a smaller set"
        raise InputError(message)


def _optimum(kept: Sequence[Kept], chosen: Choice, scoring: Scoring) -> tuple[float, float]:
    """Best F1 of these RNAs and its threshold."""
    found = best_threshold([configured(one, chosen, scoring) for one in kept], 0, scoring.averaging)
    return found.f1, found.threshold


def _judged(first: Sequence[Kept], second: Sequence[Kept], chosen: Choice, scoring: Scoring) -> Evaluation:
    """On the second part, with the threshold of the first."""
    _, threshold = _optimum(first, chosen, scoring)
    return _evaluated([configured(one, chosen, scoring) for one in second], threshold, scoring)


def _evaluated(rnas: Sequence[RnaScores], threshold: float, scoring: Scoring) -> Evaluation:
    scores = HeadScores(
        model="",
        weights="",
        data="",
        data_sha256="",
        read_out=PAIR_SCORES,
        scoring=scoring,
        heads_per_layer=1,
        heads=(0,),
        rnas=tuple(rnas),
    )
    return evaluate_head(scores, layer=0, head=0, threshold=threshold)


def _table(found: Sequence[tuple[Choice, float]], judged: dict[Choice, float]) -> pd.DataFrame:
    rows = [{**asdict(chosen), "searched_on": f1, "chosen_on": judged.get(chosen)} for chosen, f1 in found]
    return pd.DataFrame(rows)
