"""Choose layer, head and threshold on the validation set: Optuna enumerates the heads, each optimum is the true one."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnaexp.structure.curve import Optimum
from rnaexp.structure.grid import optimum
from rnaexp.structure.heads import HeadScores, TunedHead


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Every head's exact optimum on one set."""

    trials: pd.DataFrame  # layer, head, f1, threshold, bound: one row a head
    best: int  # row of the winner, the first of equals

    @property
    def winner(self) -> dict[str, float]:
        """The winner's row."""
        return {str(name): float(value) for name, value in self.trials.iloc[self.best].items()}

    @property
    def uncertain(self) -> list[int]:
        """Rows that could still win, or whose own optimum could still rise: their lists are too short to tell."""
        behind = self.trials["bound"] > self.winner["f1"] + 1e-12
        return [int(row) for row in np.flatnonzero(behind)]


def search(scores: HeadScores, *, storage: str | None = None) -> Search:
    """Enumerate all heads as trials of one study, so that the study holds the true optimum.

    A head is a name, not a number: head 3 is no nearer to head 4 than to head 11, so no sampler can do better.
    `storage`: an Optuna RDB URL where several workers share the study; in memory otherwise.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rnas = scores.scored()
    optima: dict[int, Optimum] = {}
    rows = list(range(len(scores.heads)))

    def objective(trial: optuna.Trial) -> float:
        layer, head = trial.suggest_categorical("head", [f"{a}.{b}" for a, b in map(scores.name, rows)]).split(".")
        row = scores.row(int(layer), int(head))
        optima[row] = optimum(rnas, row, scores.scoring)
        trial.set_user_attr("threshold", optima[row].threshold)
        return optima[row].f1

    study = optuna.create_study(direction="maximize", storage=storage, sampler=optuna.samplers.RandomSampler(seed=0))
    for row in rows:
        study.enqueue_trial({"head": "{}.{}".format(*scores.name(row))})
    study.optimize(objective, n_trials=len(rows))
    trials = pd.DataFrame(
        [(*scores.name(row), optima[row].f1, optima[row].threshold, optima[row].bound) for row in rows],
        columns=["layer", "head", "f1", "threshold", "bound"],
    )
    return Search(trials=trials, best=int(trials["f1"].to_numpy().argmax()))


def tuned_head(scores: HeadScores, found: Search) -> TunedHead:
    """Freeze the winner with all that it was chosen on.

    Raises: ValueError if the lists were too short to know the winner.
    """
    if found.uncertain:
        message = f"{len(found.uncertain)} heads of {scores.model} could still win: read more pairs a head first"
        raise ValueError(message)
    winner = found.winner
    return TunedHead(
        model=scores.model,
        weights=scores.weights,
        layer=int(winner["layer"]),
        head=int(winner["head"]),
        threshold=winner["threshold"],
        validation_f1=winner["f1"],
        tuned_on=scores.data,
        tuned_on_sha256=scores.data_sha256,
        sequences=tuple(rna.sequence_sha256 for rna in scores.scored()),
        clusters=tuple(sorted({rna.cluster for rna in scores.scored()})),
        read_out=scores.read_out,
        scoring=scores.scoring,
    )


def depth_to_certify(references: int, incumbent: float, candidates: int) -> int:
    """How many pairs to keep so that this RNA's F1 below them cannot exceed the incumbent: 2R/(K+R) <= F1."""
    if incumbent <= 0 or not references:
        return candidates
    return min(candidates, int(np.ceil(references * (2 / incumbent - 1))) + 1)
