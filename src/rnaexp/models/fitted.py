"""`fitted:MODEL`: all heads of a model weighted by a probe, as one map of pair scores.

The weights are fitted on the validation set of a run (`run/fitted.py`), so outside a run there is nothing to load.
"""

from dataclasses import replace

from rnaexp.errors import InputError
from rnaexp.models.spec import Encoder, ModelSpec, as_one_map

FITTED = "fitted:"


def fitted_spec(base: ModelSpec) -> ModelSpec:
    """The entry of the fitted row. Raises: InputError for a model with one map, where nothing is to be weighted."""
    if base.output != "attention":
        message = f"{base.name} has one map; there are no heads to weigh in {FITTED}{base.name}"
        raise InputError(message)
    title = "all heads weighted by a probe fitted on the validation set"
    spec = as_one_map(base, FITTED, title)
    return replace(spec, loader="rnaexp.models.fitted:load", structure_seen="experimental")


def load(entry: ModelSpec, **_: object) -> Encoder:
    """Raises: InputError, for the weights come from a run's validation set."""
    message = f"{entry.name} is fitted on a validation set: `rnaexp run --model {entry.name}` does both"
    raise InputError(message)
