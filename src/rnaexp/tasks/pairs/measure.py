"""The main job: tune a model's head on one set, freeze it, test it on another, and keep the evidence."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from rnaexp import models
from rnaexp.choices import Long
from rnaexp.data.dataset import DataSet
from rnaexp.errors import InputError
from rnaexp.models.fitted import FITTED
from rnaexp.models.spec import Encoder, refuse_without_attention
from rnaexp.progress import Announce
from rnaexp.reading.derived import derived
from rnaexp.reading.store import Store
from rnaexp.reading.unbuilt import load_to_read
from rnaexp.rna import Rna
from rnaexp.structure.configuration import head_for
from rnaexp.structure.curve import Optimum
from rnaexp.structure.decode import one_partner, square
from rnaexp.structure.evaluate import Evaluation, evaluate_head, refuse_misuse
from rnaexp.structure.grid import PooledFigures, best_on_test, optimum, pooled_at
from rnaexp.structure.heads import HeadScores, TunedHead
from rnaexp.structure.protocol import ATTENTION, PAIR_SCORES, ReadOut, Scoring
from rnaexp.structure.reading import DEPTH, Reading
from rnaexp.structure.tune import tuned_head
from rnaexp.tasks.pairs.fitted import fitted
from rnaexp.tasks.pairs.parts import read_exactly, whole_head
from rnaexp.tasks.pairs.result import Part, Result, Task
from rnaexp.tasks.pairs.sets import Sets, clustered_with_tuning, sets_of


def read_out_of(
    encoder: Encoder,
    score_scale: Literal["raw", "z-score", "top"] = "raw",
    squash: Literal["none", "sigmoid"] = "none",
) -> ReadOut:
    """Attention is symmetrised and corrected; a baseline's scores are taken as they are."""
    made = ATTENTION if encoder.spec.output == "attention" else PAIR_SCORES
    made = replace(made, score_scale=score_scale, squash=squash)
    return replace(made, token_pairs=getattr(encoder, "token_pairs", "mean"))


def reading_for(
    encoder: Encoder, read_out: ReadOut, scoring: Scoring, long: Long = "skip", depth: float = DEPTH
) -> Reading:
    """Of all heads; one head's lists cost nothing to keep whole, and then nothing is ever read twice."""
    whole = encoder.layers * encoder.heads == 1 or _needs_every_pair(scoring)
    return Reading(read_out=read_out, scoring=scoring, depth=float("inf") if whole else depth, long=long)


def choose(
    encoder: Encoder, data: DataSet, rnas: Sequence[Rna], reading: Reading, store: Store, announce: Announce
) -> tuple[Part, TunedHead]:
    """Choose head and threshold on these RNAs of the set.

    Raises: InputError if none of them can be scored.
    """
    validation = read_exactly(encoder, data, rnas, reading, store, announce, must=True)
    return validation, tuned_head(validation.scores, validation.search)


def tune(
    encoder: Encoder, data: DataSet, rnas: Sequence[Rna], reading: Reading, store: Store, announce: Announce
) -> tuple[Part, TunedHead]:
    """As `choose`, and the threshold of the dot-bracket view, for which one head is read once more."""
    validation, tuned = choose(encoder, data, rnas, reading, store, announce)
    return validation, _with_dot_bracket_view(encoder, validation, tuned, store, announce)


def tune_and_test(
    task: Task,
    store: Store,
    announce: Announce,
    encoder: Encoder | None = None,
    sets: Sets | None = None,
    *,
    tuning: Callable[..., tuple[Part, TunedHead]] = tune,
    depth: float = DEPTH,
) -> Result:
    """Tune, freeze, test; nothing but the scores. `sets`: the task's, where they are read already.

    `tuning`: `tune` or `choose`; `depth`: of the first reading (`Reading`).

    Raises: InputError, UnavailableError, LeakageError.
    """
    if encoder is None:
        name = task.model.removeprefix(FITTED)
        refuse_without_attention(models.spec(name))  # before weights are fetched
        encoder = load_to_read(store, **{**task.loading, "name": name})
        refuse_without_attention(encoder.spec)  # of a checkpoint of the user's own it is known only now
    validation_set, test_set, related = sets or sets_of(task)
    tuned = task.tuned
    if tuned is not None:
        tuned = head_for(encoder, tuned)
        test_set, tuned = clustered_with_tuning(test_set, tuned)
    usable = [] if validation_set is None else _not_related(validation_set, related if task.related == "drop" else ())
    if task.model.startswith(FITTED):
        if validation_set is None:
            message = f"{task.model}: nothing to fit without a validation set"
            raise InputError(message)
        encoder = fitted(encoder, usable, task.scoring, store, announce)
    read_out = tuned.read_out if tuned is not None else read_out_of(encoder, task.score_scale, task.squash)
    reading = reading_for(encoder, read_out, task.scoring, task.long, depth)
    validation = None
    if validation_set is not None:
        validation, tuned = tuning(encoder, validation_set, usable, reading, store, announce)
    head = None if tuned is None else (tuned.layer, tuned.head)
    test = read_exactly(encoder, test_set, test_set.rnas, reading, store, announce, must=False, whole=head)
    tested = None if head is None else whole_head(encoder, test, head, test.scored, store, announce)
    best = test.search.winner
    return Result(
        task=task,
        encoder=encoder,
        validation=validation,
        test=test,
        tuned=tuned,
        evaluation=None if tuned is None or tested is None else _evaluated(tested, tuned, task, store),
        oracle=evaluated(test.whole or test.scores, (int(best["layer"]), int(best["head"])), best["threshold"], store),
        related=related,
        tested=tested,
        pooled=_pooled(tested, tuned, store),
        chosen_on_test=_chosen_on_test(task, validation, test),
    )


def _needs_every_pair(scoring: Scoring) -> bool:
    """A grid's step may call most pairs of a weak head, and `head: oracle` uses the optimum of every head."""
    return scoring.grid > 0 or scoring.head == "oracle"


def _pooled(tested: HeadScores | None, tuned: TunedHead | None, store: Store) -> PooledFigures | None:
    if tested is None or tuned is None:
        return None
    layer, head, threshold = tuned.layer, tuned.head, tuned.threshold

    def figures() -> PooledFigures:
        return pooled_at(tested, layer=layer, head=head, threshold=threshold)

    return derived(store, "pooled", [tested.content, layer, head, threshold], figures)


def _chosen_on_test(task: Task, validation: Part | None, test: Part) -> PooledFigures | None:
    if validation is None or task.scoring.head != "oracle":
        return None
    trials = validation.search.trials[["layer", "head", "threshold"]].to_numpy(float)
    return best_on_test(trials, test.scores)


def _evaluated(tested: HeadScores, tuned: TunedHead, task: Task, store: Store) -> Evaluation:
    refuse_misuse(tested, tuned, allow_related=task.related == "keep")
    return evaluated(tested, (tuned.layer, tuned.head), tuned.threshold, store)


def evaluated(scores: HeadScores, head: tuple[int, int], threshold: float, store: Store) -> Evaluation:
    """Any head at any threshold, worked out once."""
    layer, number = head

    def worked_out() -> Evaluation:
        return evaluate_head(scores, layer=layer, head=number, threshold=threshold)

    return derived(store, "evaluation", [scores.content, head, threshold], worked_out)


def _not_related(validation: DataSet, related: Sequence[str]) -> list[Rna]:
    rnas = [rna for rna in validation.rnas if rna.id not in set(related)]
    if related and not any(rna.pairs for rna in rnas):
        message = (
            f"{validation.name}: nothing left to tune on without the {len(related)} relatives of the test set; "
            "--related keep tunes on them all the same"
        )
        raise InputError(message)
    return rnas


def _with_dot_bracket_view(
    encoder: Encoder, validation: Part, tuned: TunedHead, store: Store, announce: Announce
) -> TunedHead:
    """With the threshold that suits one partner a base, on the same RNAs by the same head, and its F1."""
    if not tuned.scoring.molecule.brackets:
        return tuned
    if tuned.scoring.decoder == "greedy":
        return replace(tuned, dot_bracket_threshold=tuned.threshold, dot_bracket_f1=tuned.validation_f1)
    whole = whole_head(encoder, validation, (tuned.layer, tuned.head), validation.rnas, store, announce)

    def view() -> Optimum:
        return optimum([one_partner(rna, 0) for rna in whole.scored()], 0, tuned.scoring)

    best = derived(store, "dot-bracket view", [whole.content], view)
    return replace(tuned, dot_bracket_threshold=best.threshold, dot_bracket_f1=best.f1)


def head_maps(result: Result, ids: Sequence[str], store: Store, announce: Announce) -> dict[str, np.ndarray]:
    """The scores of every candidate pair under the tuned head (or the oracle's), [n n], NaN elsewhere."""
    best = result.test.search.winner
    head = (result.tuned.layer, result.tuned.head) if result.tuned else (int(best["layer"]), int(best["head"]))
    wanted = set(ids)
    rnas = [rna for rna in result.test.rnas if rna.id in wanted]
    whole = whole_head(result.encoder, result.test, head, rnas, store, announce)
    return {rna.id: square(rna) for rna in whole.rnas if rna.id in wanted}
