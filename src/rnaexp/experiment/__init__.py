"""Experiments from Python: several models, several tasks, one table, tracked or not."""
