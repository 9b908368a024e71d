"""What a run measures, and all that it found."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from rnaexp.choices import Long
from rnaexp.data.dataset import DataSet
from rnaexp.models.spec import Encoder
from rnaexp.reading.large import Outlines
from rnaexp.reading.read import Skipped
from rnaexp.rna import Rna
from rnaexp.stats.verdict import Verdict
from rnaexp.structure.calibrate import calibration_error
from rnaexp.structure.evaluate import Evaluation
from rnaexp.structure.grid import PooledFigures
from rnaexp.structure.heads import HeadScores, TunedHead
from rnaexp.structure.retune import Retuning
from rnaexp.structure.tune import Search
from rnaexp.tasks.pairs.settings import Task

__all__ = ["Assessment", "Part", "Result", "Task"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One set, read: its scores, what was left out, and the exact optimum of every head on it."""

    data: DataSet
    rnas: tuple[Rna, ...]
    scores: HeadScores
    skipped: tuple[Skipped, ...]
    search: Search
    long: Long = "skip"  # what became of RNAs longer than the model reads
    exact: bool = True  # False: the search's best is a lower bound, deeper reading was refused as too large
    whole: HeadScores | None = None  # the winner's every candidate, where the lists of `scores` end too early
    outlines: Outlines | None = None  # of all heads, where `scores` has no lists and one head's are not held

    @property
    def best_scores(self) -> HeadScores:
        """Of the search's winner alone."""
        best = self.search.winner
        return self.whole or self.scores.one_head(int(best["layer"]), int(best["head"]))

    @property
    def scored(self) -> tuple[Rna, ...]:
        """The RNAs that have scores: one whose map was broken in some head is left out for all of them."""
        ids = {rna.id for rna in self.scores.rnas if rna.read}
        return tuple(rna for rna in self.rnas if rna.id in ids)

    @property
    def unread(self) -> int:
        """How many RNAs with reference pairs count 0 because they could not be read."""
        return sum(not rna.read for rna in self.scores.rnas)


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What knows nothing of language, on a run's sets under its protocol.

    `record`: its row of the table; `evaluation`: on the test set; `validation`: F1 RNA by RNA on the validation set
    (columns rna, cluster, f1).
    """

    record: Mapping[str, Any]
    evaluation: Evaluation
    validation: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewOnTest:
    """The structures that the tuned head draws of the test RNAs, one row an RNA (rna, cluster, f1, expected_f1).

    `reliability`: by tenths of the probability of `all` pairs that a structure may hold, and of the confidence of those
    `drawn` (column `of`): pairs, expected and observed share of real ones.
    """

    per_rna: pd.DataFrame
    reliability: pd.DataFrame

    @property
    def f1(self) -> float:
        """Mean over the RNAs."""
        return float(self.per_rna["f1"].mean())

    @property
    def error(self) -> float:
        """Expected calibration error of the confidences of the pairs drawn; NaN without one."""
        return calibration_error(self.reliability[self.reliability["of"] == "drawn"])


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """What a score is worth: with it what it could be, what chance gives, and how sure it is.

    `about`: of each scored RNA its alignment's depth and Neff (80 %; 1 without one) and the F1 of the best predictions
    under limits (`structure.kinds`), `f1_ceiling` that of the protocol itself; `ceilings`: the means of these.
    `shuffled_calls`: calls per 100 bases on the dinucleotide-shuffled copies of `shuffled` test RNAs, all false;
    None for models of alignments and for proteins. `evidence`: how many scored RNAs have pairs known in which way.
    `seen`: test RNAs of families that the model was trained on, None where that is unknown. `tags`: the automatic
    diagnosis. `contacts`: of proteins, the precision of each chain's best pairs by separation (`structure.contacts`).
    `controls`: by name; none where nothing was tuned. `view`: the structures drawn. `verdict`: what may be claimed of
    the score against the best control without energies, on the test set; None where there is none to compare with.
    """

    retuning: Retuning | None
    about: pd.DataFrame
    breakdown: pd.DataFrame
    shuffled_calls: float | None
    shuffled: int
    evidence: Mapping[str, int]
    seen: int | None
    tags: tuple[str, ...]
    controls: Mapping[str, Control]
    contacts: pd.DataFrame | None = None
    view: ViewOnTest | None = None
    verdict: Verdict | None = None

    @cached_property
    def ceilings(self) -> dict[str, float]:
        """Means over the RNAs, by the columns' names."""
        limits = self.about.drop(columns=["rna", "depth", "neff"])
        return {str(name): float(value) for name, value in limits.mean().items()}


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
    tested: HeadScores | None  # the test set's every candidate under the tuned head
    assessment: Assessment | None = None
    pooled: PooledFigures | None = None  # of the tuned head at its threshold, as `structure.grid` counts
    chosen_on_test: PooledFigures | None = None  # under `head: oracle`, the head that the test set itself prefers

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Everything that has no score, tuning and test set together."""
        return (*(self.validation.skipped if self.validation else ()), *self.test.skipped)

    @property
    def coverage(self) -> float:
        """Share of the test RNAs with reference pairs that the model scored; the others count 0."""
        return len(self.test.scored) / max(1, len(self.test.rnas))
