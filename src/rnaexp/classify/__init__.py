"""Do a model's embeddings know RNA families: similarities, their overlap ratio, and what it depends on."""
