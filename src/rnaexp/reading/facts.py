"""What of a model stands in a run's parameters, alike in every task."""

from rnaexp.models.options import precision_of
from rnaexp.models.spec import Encoder
from rnaexp.reading.unbuilt import parameter_count


def model_facts(encoder: Encoder) -> dict[str, object]:
    """Its group, size, origin, weights, and how it was read: letters to a token, precision, device."""
    spec = encoder.spec
    return {
        "group": spec.group,
        "parameters": parameter_count(encoder),
        **spec.provenance(),
        "resolution": spec.resolution,
        "fingerprint": encoder.fingerprint,
        "precision": precision_of(encoder),
        "device": str(getattr(encoder, "device", "cpu")),
    }
