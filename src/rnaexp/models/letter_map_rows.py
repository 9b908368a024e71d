"""Models read through their letters instead of their attention: `jacobian:MODEL`, `dependency:MODEL`,
`dependency-hidden:MODEL`, as rows of the catalogue; `letter_maps.py` computes them."""

from dataclasses import replace

from rnaexp.errors import InputError
from rnaexp.models.spec import ModelSpec, as_one_map

JACOBIAN, DEPENDENCY, HIDDEN = "jacobian:", "dependency:", "dependency-hidden:"
_TITLES = {
    JACOBIAN: "categorical Jacobian of its letters",
    DEPENDENCY: "dependencies of its letters",
    HIDDEN: "dependencies of its letters, each base hidden",
}


def letter_map(name: str) -> str | None:
    """The prefix that a name begins with; None for any other."""
    return next((prefix for prefix in _TITLES if name.startswith(prefix)), None)


def letter_map_spec(prefix: str, base: ModelSpec) -> ModelSpec:
    """The entry of the wrapped model. Raises: InputError for a baseline, which has no letters, and for two prefixes."""
    if letter_map(base.name):
        message = f"{prefix}{base.name}: a model's letters are read in one of these ways, not in two"
        raise InputError(message)
    if base.group == "baseline":
        message = f"{base.name} predicts no letters, so there is no {prefix}{base.name}"
        raise InputError(message)
    return replace(as_one_map(base, prefix, _TITLES[prefix]), has_attention=True)
