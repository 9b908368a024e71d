"""Where a tuned head comes from, and how its model is loaded: by name, or as it was registered."""

from collections.abc import Callable

from rnaexp import models
from rnaexp.errors import InputError
from rnaexp.models.spec import Encoder
from rnaexp.run.verbs import find_tuned, loading
from rnaexp.structure.configuration import refuse_other_weights
from rnaexp.structure.heads import TunedHead

REGISTERED = "models:/"

Load = Callable[[], Encoder]


def named(
    model: str, *, tuned: str, weights: str, config: str, device: str, precision: str, seed: int
) -> tuple[TunedHead, Load]:
    """The newest tuned head of a model, or the one that `tuned` names.

    Raises: UnavailableError naming the command that makes one; loading raises InputError for other weights.
    """
    head = find_tuned(model, tuned)
    if head.scoring.of_proteins:
        message = f"{tuned}: tuned on contacts of proteins; base pairs of RNAs are predicted by a head tuned on those"
        raise InputError(message)

    def load() -> Encoder:
        asked = loading(model, weights, config, device, seed, precision, tuned=head)
        return refuse_other_weights(models.load(**asked), head)

    return head, load


def registered(
    uri: str, *, tuned: str, weights: str, config: str, device: str, precision: str, seed: int
) -> tuple[TunedHead, Load]:
    """The head behind `models:/NAME@ALIAS` with all that it needs.

    Raises: InputError for an option that the registered configuration decides, UnavailableError.
    """
    from rnaexp.track.registry import fetch_configuration

    given = {"tuned": tuned, "config": config, "precision": precision != "fp32", "seed": seed}
    for name, value in given.items():
        if value:
            message = f"--{name}: {uri} says that itself"
            raise InputError(message)
    found, folder = fetch_configuration(uri)

    return found.tuned, lambda: found.load_either(folder, weights=weights, device=device)
