"""Fitness: how well likelihoods order measured variants."""
