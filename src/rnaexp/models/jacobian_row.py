"""`jacobian:MODEL` as a row of the catalogue; `jacobian.py` computes it."""

from dataclasses import replace

from rnaexp.errors import InputError
from rnaexp.models.spec import ModelSpec

JACOBIAN = "jacobian:"


def jacobian_spec(base: ModelSpec) -> ModelSpec:
    """The entry of the wrapped model. Raises: InputError for a baseline, which has no letters."""
    if base.group == "baseline":
        message = f"{base.name} predicts no letters, so there is no {JACOBIAN}{base.name}"
        raise InputError(message)
    return replace(
        base,
        name=JACOBIAN + base.name,
        title=f"{base.title}, categorical Jacobian of its letters",
        output="pair-scores",
        layers=1,
        heads=1,
        has_attention=True,
        proof_state=None,
        proof=None,
    )
