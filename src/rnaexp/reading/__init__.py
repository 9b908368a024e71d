"""Models read once: maps, embeddings and likelihoods, kept in the store."""
