"""Every published model behind one interface: load it by name, read it one layer at a time."""

from rnaexp.models.catalog import load, names, spec

__all__ = ["load", "names", "spec"]
