"""Families: how far embeddings of RNAs of one family overlap with those of others."""
