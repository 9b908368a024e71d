"""Intervals and tests that know which RNAs are relatives."""
