"""Random RNAs, references and attention for tests."""

import torch

from rnaexp.rna import Rna
from rnaexp.structure.heads import HeadScores
from rnaexp.structure.protocol import ATTENTION, Scoring
from rnaexp.structure.reading import Reading, Table, scores_from

PAPER = Scoring()


def random_rna(rng, n, pairs=None, id="r"):
    sequence = "".join(rng.choice(list("ACGU"), n))
    some = sorted({tuple(sorted(map(int, rng.choice(n, 2, replace=False)))) for _ in range(pairs or max(2, n // 3))})
    return Rna(id=id, sequence=sequence, pairs=tuple(some), cluster=id)


def random_attention(rng, heads, n, rna=None, strength=0.0):
    """Softmax rows [h n n]; with `strength` the reference pairs stand out."""
    logits = rng.normal(size=(heads, n, n))
    if rna is not None:
        for i, j in rna.pairs:
            logits[:, j, i] += strength
    return torch.softmax(torch.from_numpy(logits), -1).float()


def table_of(rna, layers, scoring=PAPER, read_out=ATTENTION, depth=float("inf")):
    table = Table(rna, Reading(read_out=read_out, scoring=scoring, depth=depth, least=1))
    for number, maps in enumerate(layers):
        table.add(number, maps)
    return scores_from(rna, table.entry(), scoring)


def scores_of(tables, *, heads, layers=1, scoring=PAPER, read_out=ATTENTION, data="set", model="m"):
    return HeadScores(
        model=model,
        weights="w",
        data=data,
        data_sha256=data,
        read_out=read_out,
        scoring=scoring,
        heads_per_layer=heads,
        heads=tuple(range(heads * layers)),
        rnas=tuple(tables),
    )
