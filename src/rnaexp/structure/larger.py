"""The larger search: more choices than one head and a threshold, and how each makes pair scores from kept maps.

Searched on one part of the validation set and chosen on the other, so that the gain it promises is one it has shown.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure

from rnaexp.structure.choice import Choice
from rnaexp.structure.study import describe_study, open_storage, study_pictures

MOST_HEADS = 8  # whose maps are kept
_SEPARATIONS = 1, 6  # smallest and largest that calls may be required to have


def halves(clusters: Sequence[str]) -> tuple[list[int], list[int]]:
    """Places of the RNAs in two parts of about one size; relatives stay together.

    Raises: ValueError with fewer than two clusters.
    """
    sizes = {name: sum(one == name for one in clusters) for name in dict.fromkeys(clusters)}
    if len(sizes) < 2:
        message = "all validation RNAs are related: they cannot be split into one part to search and one to choose on"
        raise ValueError(message)
    parts: tuple[list[int], list[int]] = ([], [])
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        smaller = min(parts, key=len)
        smaller += [at for at, one in enumerate(clusters) if one == name]
    return parts


Objective = Callable[[Choice], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyName:
    """What a study is called, what it was called before names were readable, and what it is of, as user attributes."""

    name: str
    earlier: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """Each choice once with what it gave, best first; `pictures`: of the Optuna study, by file name."""

    found: list[tuple[Choice, float]]
    study: Any
    pictures: Mapping[str, Figure]


def explore(
    objective: Objective, *, heads: int, trials: int, name: StudyName, storage: str | None = None, seed: int = 0
) -> Explored:
    """Choices that Optuna's TPE tried, the plain head among them.

    `storage`: an Optuna RDB URL; workers that give the same share one study, each adding its trials. A study in
    memory repeats to the digit.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=seed if storage is None else None, multivariate=True)
    opened = None if storage is None else open_storage(storage)
    earlier = opened is not None and name.earlier in optuna.get_all_study_names(opened)
    study = optuna.create_study(
        direction="maximize",
        sampler=sampler,
        storage=opened,
        study_name=name.earlier if earlier else name.name,
        load_if_exists=True,
    )
    describe_study(study, name.about)
    if not study.trials:
        study.enqueue_trial(_plain(heads))
    study.optimize(lambda trial: objective(_suggested(trial, heads)), n_trials=trials)
    found: dict[Choice, float] = {}
    for trial in study.get_trials(states=(optuna.trial.TrialState.COMPLETE,)):
        found[Choice(**trial.params)] = float(trial.value or 0.0)
    ordered = sorted(found.items(), key=lambda item: -item[1])
    return Explored(found=ordered, study=study, pictures=study_pictures(study))


def _plain(heads: int) -> dict[str, Any]:
    plain = Choice()
    return {name: getattr(plain, name) for name in plain.__slots__ if name != "heads" or heads > 1}


def _suggested(trial: Any, heads: int) -> Choice:
    return Choice(
        heads=trial.suggest_int("heads", 1, heads) if heads > 1 else 1,
        symmetrise=trial.suggest_categorical("symmetrise", [True, False]),
        apc=trial.suggest_categorical("apc", [True, False]),
        standardise=trial.suggest_categorical("standardise", [True, False]),
        min_separation=trial.suggest_int("min_separation", *_SEPARATIONS),
        pairs=trial.suggest_categorical("pairs", ["all", "canonical"]),
        decoder=trial.suggest_categorical("decoder", ["none", "greedy"]),
    )
