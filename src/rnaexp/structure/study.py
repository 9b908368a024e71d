"""An Optuna study for people: what it is of, and its pictures."""

import warnings
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure


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
