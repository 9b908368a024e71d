"""Several processes that torchrun started: how many, and which one tracks and prints."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ALONE = ContextVar("_ALONE", default=False)
_SHARED = ContextVar("_SHARED", default=False)


def processes() -> int:
    """Number of processes that torchrun started; 1 without it, and for what a process does alone."""
    return 1 if _ALONE.get() else int(os.environ.get("WORLD_SIZE", "1"))


def is_first_process() -> bool:
    """True in a single process and in rank 0 under torchrun: the one that tracks and prints."""
    return os.environ.get("RANK", "0") == "0"


def rank() -> int:
    """This process's number, from 0."""
    return 0 if _ALONE.get() else int(os.environ.get("RANK", "0"))


@contextmanager
def alone() -> Iterator[None]:
    """For what one process does while the others have ended or go on: it waits for none of them."""
    token = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(token)


@contextmanager
def sharing() -> Iterator[None]:
    """For what the processes of one training do in step, each with a store of its own: every reading is shared out."""
    token = _SHARED.set(True)
    try:
        with alone():
            yield
    finally:
        _SHARED.reset(token)


def shares() -> bool:
    """Whether `sharing` is on."""
    return _SHARED.get()
