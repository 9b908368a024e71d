"""What a model knows while it is trained: a call for any loop, callbacks for Lightning and for transformers."""

from rnaexp.callbacks.probe import Probe

__all__ = ["Probe"]
