"""Scores of variants from a model's likelihoods of letters, and how well they agree with measured fitness."""
