"""Several processes that torchrun started, on one machine or many, as one: meet, and add up what each counted.

They share the store (RNAEXP_STORE, on a file system that all of them see); nothing else is exchanged but sums. The
processes of a training (`processes.sharing`) have each a store of their own and exchange what they read.
"""

import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

from rnaexp.reading.processes import processes, shares

if TYPE_CHECKING:  # Numba comes with it
    from rnaexp.classify.similarity import Counts

_T = TypeVar("_T")
_S = TypeVar("_S")

_PATIENCE = timedelta(days=1)  # between the fastest and the slowest process; a process that died ends all by torchrun
_ADDED = ("homologous", "non_homologous", "within", "between", "squares", "outside")
_GREATEST = ("best_same", "best_other")


def take_own_device() -> None:
    """Each process of a machine computes on a GPU of its own, where there are GPUs."""
    if torch.cuda.is_available() and processes() > 1:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())


def meet() -> None:
    """Wait until every process is here."""
    if processes() > 1:
        _group().barrier()


def add_up(counts: "Counts") -> "Counts":
    """The sum of what all processes counted, in each of them."""
    if processes() > 1:
        group = _group()
        for names, operation in ((_ADDED, group.ReduceOp.SUM), (_GREATEST, group.ReduceOp.MAX)):
            for name in names:
                values: np.ndarray = getattr(counts, name)
                group.all_reduce(torch.from_numpy(values), op=operation)
    return counts


def shared_out(read: Callable[[_T], _S], items: Sequence[_T]) -> list[_S]:
    """`read` of each item, in order; the processes of a training read a share each and give each other the results.

    Raises: as `in_step`.
    """
    rank, count = training_rank()
    if not shares() or count == 1:
        return [read(item) for item in items]
    parts = exchanged(in_step(lambda: [read(item) for item in items[rank::count]]))
    return [parts[at % count][at // count] for at in range(len(items))]


def in_step(make: Callable[[], _S]) -> _S:
    """What `make` gives here; if it fails in one process of the training, it fails in all of them.

    Raises: what `make` raises; RuntimeError where it went well and another process failed.
    """
    if training_rank()[1] == 1:
        return make()
    error: Exception | None = None
    try:
        made = make()
    except Exception as raised:  # the others wait for an answer
        error = raised
    messages = exchanged(None if error is None else f"{type(error).__name__}: {error}")
    if error is not None:
        raise error
    for at, message in enumerate(messages):
        if message is not None:
            message = f"process {at}: {message}"
            raise RuntimeError(message)
    return made


def exchanged(mine: _T) -> list[_T]:
    """What each process of the training has here, by rank, in each of them."""
    from torch import distributed

    found: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(found, mine)
    return found


def training_rank() -> tuple[int, int]:
    """This process's number among those of the training that it is part of, and how many they are."""
    from torch import distributed

    if not (distributed.is_available() and distributed.is_initialized()):
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


def _group() -> Any:
    from torch import distributed

    if not distributed.is_initialized():
        distributed.init_process_group("gloo", timeout=_PATIENCE)
    return distributed
