"""Several processes that torchrun started, on one machine or many, as one: meet, and add up what each counted.

They share the store (RNAEXP_STORE, on a file system that all of them see); nothing else is exchanged but sums.
"""

import os
from datetime import timedelta
from typing import Any

import numpy as np
import torch

from rnaexp.classify.similarity import Counts
from rnaexp.reading.processes import processes

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


def add_up(counts: Counts) -> Counts:
    """The sum of what all processes counted, in each of them."""
    if processes() > 1:
        group = _group()
        for names, operation in ((_ADDED, group.ReduceOp.SUM), (_GREATEST, group.ReduceOp.MAX)):
            for name in names:
                values: np.ndarray = getattr(counts, name)
                group.all_reduce(torch.from_numpy(values), op=operation)
    return counts


def _group() -> Any:
    from torch import distributed

    if not distributed.is_initialized():
        distributed.init_process_group("gloo", timeout=_PATIENCE)
    return distributed
