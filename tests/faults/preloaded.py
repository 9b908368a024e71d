"""Imported once, by the process from which the programs are forked."""

from tests.faults.program import preload

preload()
