"""A look at the heads while training goes on: structure is only looked at here, no gradient comes from it."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float64
from torch import nn

from rnaexp.models.msa_transformer import MsaTransformer
from rnaexp.models.rnamsm import LETTERS
from rnaexp.rna import Alignment, Rna
from rnaexp.structure.counts import top_pairs
from rnaexp.structure.pairs import candidates, reference
from rnaexp.structure.protocol import ATTENTION, Scoring

SCORING = Scoring(min_separation=4)


@torch.inference_mode()
def head_precision(network: MsaTransformer, rnas: Sequence[Rna], *, rows: int) -> Float64[np.ndarray, "l h"]:
    """Mean over RNAs of each head's precision at as many calls as there are reference pairs (there it equals F1)."""
    was_training = network.training
    network.eval()
    found = np.mean([_of_one(network, rna, rows) for rna in rnas], 0)
    network.train(was_training)
    return np.asarray(found, np.float64)


def _of_one(network: nn.Module, rna: Rna, rows: int) -> Float64[np.ndarray, "l h"]:
    alignment = rna.alignment if rows > 1 and rna.alignment else Alignment(names=(rna.id,), rows=(rna.sequence,))
    ids = LETTERS.encode(alignment, range(min(rows, alignment.depth)))
    known, allowed = reference(rna, SCORING), candidates(rna, SCORING)
    found = []
    for maps in network.row_attention(ids[None].to(next(network.parameters()).device)):  # type: ignore[operator]
        _, called = top_pairs(maps[0, :, 1:, 1:], allowed, k=len(known), read_out=ATTENTION)
        found.append(np.isin(called, known).mean(1))
    return np.array(found)
