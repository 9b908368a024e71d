"""Track what pre-training alone taught RNA language models: base pairs, families, fitness."""

__version__ = "0.1.0"
