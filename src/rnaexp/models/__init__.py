"""Every published model behind one interface: load it by name, read it one layer at a time."""

from typing import TYPE_CHECKING, Any

from rnaexp.models.catalog import SHUFFLED, UNTRAINED, is_control, lasting_name, names, spec

if TYPE_CHECKING:
    from rnaexp.models.loading import load

__all__ = ["SHUFFLED", "UNTRAINED", "is_control", "lasting_name", "load", "names", "spec"]


def __getattr__(name: str) -> Any:
    """What is known of the models is there at once; torch is imported by who loads one."""
    if name == "load":
        from rnaexp.models.loading import load

        return load
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
