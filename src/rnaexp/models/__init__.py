"""Every published model behind one interface: load it by name, read it one layer at a time."""

from rnaexp.models.catalog import UNTRAINED, load, names, spec

__all__ = ["UNTRAINED", "load", "names", "spec"]
