"""Which Rfam families a model was trained on, as far as that is known."""

from functools import lru_cache
from importlib.resources import files

from rnaexp.models.spec import ModelSpec

EVERY_FAMILY = "rfam"


def was_trained_on(spec: ModelSpec, family: str | None) -> bool | None:
    """Whether the model has seen this family (an Rfam accession); None where model or family is not known."""
    if spec.trained_families is None or family is None or not family.startswith("RF"):
        return None
    return spec.trained_families == EVERY_FAMILY or family in _listed(spec.trained_families)


def listed_families(spec: ModelSpec) -> frozenset[str]:
    """The families it was trained on, where they are listed one by one; none of a model that saw every family."""
    if spec.trained_families in (None, EVERY_FAMILY):
        return frozenset()
    return _listed(str(spec.trained_families))


@lru_cache
def _listed(resource: str) -> frozenset[str]:
    return frozenset(files("rnaexp").joinpath(resource).read_text().split())
