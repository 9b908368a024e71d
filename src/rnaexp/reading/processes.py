"""Several processes that torchrun started: how many, and which one tracks and prints."""

import os


def processes() -> int:
    """Number of processes that torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first_process() -> bool:
    """True in a single process and in rank 0 under torchrun: the one that tracks and prints."""
    return os.environ.get("RANK", "0") == "0"


def rank() -> int:
    """This process's number, from 0."""
    return int(os.environ.get("RANK", "0"))
