"""The interval that includes the choice: resample the validation set, choose again, resample the test set.

F1, its mean over RNAs as well as pooled, can only rise where a reference pair is called, whatever the weights of the
RNAs. So the scores of the validation set's reference pairs are all the thresholds a resample can choose (on a grid, its
steps), and one matrix product a head gives the F1 of every resample at every one of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from rnaexp.compiled import compiled
from rnaexp.stats.bootstrap import cluster_draws, percentile_interval
from rnaexp.stats.intervals import FEWEST
from rnaexp.structure.grid import thresholds as thresholds_of
from rnaexp.structure.heads import HeadScores, RnaScores
from rnaexp.structure.outlines import Counts, f1_between

RETUNINGS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Retuning:
    """What became of the choice and of the test F1 over all resamples.

    `stability`: share of the resamples that choose the head chosen on the whole validation set. `low`, `high`: 95 % of
    the test F1; where the kept pairs of a test RNA end above a threshold its F1 is taken at its least for `low` and at
    its most for `high`; both None where a set has fewer than `FEWEST` clusters. `winners`: how often each (layer, head)
    was chosen, most often first.
    """

    low: float | None
    high: float | None
    stability: float
    winners: tuple[tuple[tuple[int, int], int], ...]


def retune(
    validation: HeadScores,
    test: HeadScores,
    *,
    chosen: tuple[int, int],
    whole: HeadScores | None = None,
    outlines: Iterable[tuple[Counts, int]] | None = None,
    resamples: int = RETUNINGS,
    seed: int = 0,
) -> Retuning:
    """Cluster bootstrap of the test F1 (mean over RNAs) through the whole procedure; see the head of this file.

    Only thresholds that every kept list reaches are chosen among, as in tuning. `whole`: the chosen head's complete
    test lists, where those of `test` may end too early. `outlines`: of the test RNAs that were read, where `test` has
    no lists; within a step F1 is taken at its least and at its most as well.
    """
    rnas = validation.scored()
    draws = cluster_draws(_clusters(rnas), resamples=resamples, seed=seed)
    rows, thresholds = _choices(validation, draws)
    tested = test.scored()
    weights = cluster_draws(_clusters(tested), resamples=resamples, seed=seed + 1)
    least, most = np.empty(resamples), np.empty(resamples)
    names = [validation.name(row) for row in range(len(validation.heads))]
    if outlines is not None:
        f1 = _f1_of_outlines(outlines, tested, rows, thresholds)
        for bound, values in zip((least, most), f1, strict=True):
            bound[:] = (weights * values.T).sum(1) / weights.sum(1)
    for row in np.unique(rows):
        mine = np.flatnonzero(rows == row)
        if outlines is not None and names[row] != chosen:
            continue
        source = whole if whole is not None and names[row] == chosen else test
        f1 = _f1_at(source.scored(), source.row(*names[row]), thresholds[mine])
        for bound, values in zip((least, most), f1, strict=True):
            bound[mine] = (weights[mine] * values.T).sum(1) / weights[mine].sum(1)
    counts = np.bincount(rows, minlength=len(names))
    clusters = min(len(np.unique(_clusters(some))) for some in (rnas, tested))
    enough = clusters >= FEWEST
    order = sorted(np.flatnonzero(counts), key=lambda row: (-counts[row], row))
    return Retuning(
        low=percentile_interval(least, clusters)[0] if enough else None,
        high=percentile_interval(most, clusters)[1] if enough else None,
        stability=float(counts[names.index(chosen)] / resamples),
        winners=tuple((names[row], int(counts[row])) for row in order),
    )


def _clusters(rnas: Sequence[RnaScores]) -> np.ndarray:
    return np.array([rna.cluster for rna in rnas])


def _choices(
    validation: HeadScores, draws: Int[np.ndarray, "b r"]
) -> tuple[Int[np.ndarray, "b"], Float[np.ndarray, "b"]]:
    """Each resample's best head, the first of equals, and its threshold."""
    rnas, statistic, grid = validation.scored(), _STATISTICS[validation.scoring.averaging], validation.scoring.grid
    best = np.full(len(draws), -1.0)
    rows, thresholds = np.zeros(len(draws), np.int64), np.full(len(draws), np.inf)
    for row in range(len(validation.heads)):
        candidates = _hit_scores(rnas, row) if not grid else thresholds_of(grid)[::-1]
        if not len(candidates):
            continue
        counts = [_count_at(rna.scores[row], rna.hits[row], candidates) for rna in rnas]
        values = statistic(draws, np.stack([c for c, _ in counts]), np.stack([f for _, f in counts]), rnas)
        # Of equals the highest score; on a grid the first step, which is the lowest.
        at = values.argmax(1) if not grid else len(candidates) - 1 - values[:, ::-1].argmax(1)
        better = values[np.arange(len(draws)), at] > best + 1e-6  # sums in float32: closer than this is a tie
        best[better] = values[better, at[better]]
        rows[better], thresholds[better] = row, candidates[at[better]]
    for row in np.unique(rows) if not grid else ():
        mine = np.flatnonzero(rows == row)
        thresholds[mine] = (thresholds[mine] + _next_lower(rnas, row, thresholds[mine], draws[mine])) / 2
    return rows, thresholds


def _mean_f1(draws: np.ndarray, calls: np.ndarray, found: np.ndarray, rnas: Sequence[RnaScores]) -> np.ndarray:
    references = np.array([rna.references for rna in rnas])[:, None]
    weights = (draws / draws.sum(1, keepdims=True)).astype(np.float32)
    means: np.ndarray = weights @ (2 * found / (calls + references)).astype(np.float32)
    return means


def _pooled_f1(draws: np.ndarray, calls: np.ndarray, found: np.ndarray, rnas: Sequence[RnaScores]) -> np.ndarray:
    references = np.array([rna.references for rna in rnas])[:, None]
    weights = draws.astype(np.float32)
    all_found, both = weights @ found.astype(np.float32), weights @ (calls + references).astype(np.float32)
    pooled: np.ndarray = 2 * all_found / both
    return pooled


_STATISTICS = {"per-rna": _mean_f1, "pooled": _pooled_f1}


def _hit_scores(rnas: Sequence[RnaScores], row: int) -> Float[np.ndarray, "t"]:
    """Scores of the reference pairs, falling, above the end of every list."""
    floor = max((float(rna.scores[row][-1]) for rna in rnas if not rna.complete), default=-np.inf)
    hits = np.unique(np.concatenate([rna.scores[row][rna.hits[row]] for rna in rnas]).astype(np.float64))[::-1]
    above: np.ndarray = hits[hits > floor]
    return above


def _next_lower(
    rnas: Sequence[RnaScores], row: int, scores: Float[np.ndarray, "b"], draws: Int[np.ndarray, "b r"]
) -> Float[np.ndarray, "b"]:
    """The next lower score of any pair of the RNAs drawn; the score itself if there is none.

    A threshold half-way between calls the same pairs, and is not at the plateau's edge.
    """
    lower = np.full(len(scores), -np.inf)
    for rna, drawn in zip(rnas, draws.T, strict=True):
        rising = rna.scores[row][rna.indices[row] >= 0][::-1].astype(np.float64)
        at = np.searchsorted(rising, scores) - 1
        below = np.where((at >= 0) & (drawn > 0), rising[np.maximum(at, 0)] if len(rising) else -np.inf, -np.inf)
        lower = np.maximum(lower, below)
    return np.where(np.isfinite(lower), lower, scores)


@compiled()
def _count_at(scores: np.ndarray, hits: np.ndarray, thresholds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Calls and right calls at falling thresholds; scores fall as well, so one walk does."""
    calls, found = np.zeros(len(thresholds), np.int64), np.zeros(len(thresholds), np.int64)
    at, right = 0, 0
    for place in range(len(thresholds)):
        while at < len(scores) and np.float64(scores[at]) >= thresholds[place]:
            right += 1 if hits[at] else 0
            at += 1
        calls[place], found[place] = at, right
    return calls, found


def _f1_of_outlines(
    outlines: Iterable[tuple[Counts, int]],
    rnas: Sequence[RnaScores],
    rows: Int[np.ndarray, "b"],
    thresholds: Float[np.ndarray, "b"],
) -> tuple[Float[np.ndarray, "r b"], Float[np.ndarray, "r b"]]:
    """As `_f1_at`; 0 for RNAs that were not read."""
    least, most = np.zeros((len(rnas), len(rows))), np.zeros((len(rnas), len(rows)))
    places = (at for at, rna in enumerate(rnas) if rna.read)
    for at, (counted, references) in zip(places, outlines, strict=True):
        least[at], most[at] = f1_between(counted, references, rows, thresholds)
    return least, most


def _f1_at(
    rnas: Sequence[RnaScores], row: int, thresholds: Float[np.ndarray, "b"]
) -> tuple[Float[np.ndarray, "r b"], Float[np.ndarray, "r b"]]:
    """F1 of each RNA at each threshold: at least, and at most where its list ends above the threshold."""
    order = np.argsort(-thresholds, kind="stable")
    back = np.argsort(order, kind="stable")
    least, most = [], []
    for rna in rnas:
        calls, found = (counts[back] for counts in _count_at(rna.scores[row], rna.hits[row], thresholds[order]))
        known = 2 * found / (calls + rna.references)
        cut = np.zeros(len(thresholds), bool)
        if not rna.complete:
            cut = (calls == rna.scores.shape[1]) & (thresholds <= float(rna.scores[row][-1]))
        missed = rna.references - found
        # At worst every candidate is called and none of the rest is right; at best the missed ones come next.
        least.append(np.where(cut, 2 * found / (rna.candidates + rna.references), known))
        most.append(np.where(cut, 2 * rna.references / (calls + missed + rna.references), known))
    return np.stack(least), np.stack(most)
