"""Optuna studies for people: what each is of, its pictures, and a data base that `optuna-dashboard` opens."""

import time
import warnings
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from rnaexp.errors import UnavailableError

_PAUSES = 0.5, 1.0, 2.0  # seconds between attempts to open a data base


def open_storage(url: str) -> Any:
    """The data base; of workers that come to an empty one together, one makes the tables and the others try again.

    Raises: UnavailableError if it cannot be opened.
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    for pause in (*_PAUSES, None):
        try:
            return optuna.storages.RDBStorage(url)
        except (SQLAlchemyError, ImportError) as error:
            if pause is None or isinstance(error, ImportError):
                reason = str(error).splitlines()[0]
                message = f"--storage cannot be opened: {reason}"
                raise UnavailableError(message) from error
            time.sleep(pause)
    raise AssertionError


def keep_study(study: Any, url: str) -> None:
    """Copy a study that ended in memory into a data base, under its name; a shorter one of that name is replaced.

    Two searches of one name tried the same configurations in the same order, since the name says all that they depend
    on but for how many they tried.
    Raises: UnavailableError if the data base cannot be opened or written.
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    storage = open_storage(url)
    try:
        if study.study_name in optuna.get_all_study_names(storage):
            kept = optuna.load_study(study_name=study.study_name, storage=storage)
            if len(kept.trials) >= len(study.trials):
                return
            optuna.delete_study(study_name=study.study_name, storage=storage)
        made = optuna.create_study(study_name=study.study_name, storage=storage, directions=study.directions)
        describe_study(made, study.user_attrs)
        made.add_trials(study.get_trials(deepcopy=False))
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        message = f"study {study.study_name!r} cannot be written: {str(error).splitlines()[0]}"
        raise UnavailableError(message) from error


def study_of_heads(trials: pd.DataFrame, name: str, about: Mapping[str, Any]) -> Any:
    """The enumeration of a model's heads as a study in memory: one trial a head, its threshold a user attribute.

    `trials`: columns layer, head, f1, threshold.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(study_name=name, direction="maximize")
    describe_study(study, about)
    heads = [f"{layer}.{head}" for layer, head in zip(trials["layer"], trials["head"], strict=True)]
    choices = optuna.distributions.CategoricalDistribution(heads)
    for head, f1, threshold in zip(heads, trials["f1"], trials["threshold"], strict=True):
        study.add_trial(
            optuna.create_trial(
                params={"head": head},
                distributions={"head": choices},
                value=float(f1),
                user_attrs={"threshold": float(threshold)},
            )
        )
    return study


def describe_study(study: Any, about: Mapping[str, Any]) -> None:
    """Write into the study what it is of, once, as user attributes: `optuna-dashboard` shows them."""
    for name, value in about.items():
        if study.user_attrs.get(name) != value:
            study.set_user_attr(name, value)


def study_pictures(study: Any) -> dict[str, Figure]:
    """By file name: the best value by trial, what each choice did to it, and how much it mattered (fANOVA).

    Importance needs two different values; without them it is left out.
    """
    import optuna.visualization.matplotlib as drawn

    complete = [trial.value for trial in study.get_trials(deepcopy=False) if trial.value is not None]
    wanted = {"search_history.png": drawn.plot_optimization_history, "search_slices.png": drawn.plot_slice}
    if len(set(complete)) > 1:
        wanted["search_importance.png"] = drawn.plot_param_importances
    found = {}
    for name, draw in wanted.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna calls its Matplotlib pictures experimental
            axes = draw(study)
        found[name] = (axes.flat[0] if hasattr(axes, "flat") else axes).figure
    return found
