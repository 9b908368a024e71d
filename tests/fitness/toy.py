"""A model whose likelihoods are written down, and an assay that follows them."""

from dataclasses import replace

import numpy as np
import torch

from rnaexp import models
from rnaexp.data.assays import Assay, Variant
from rnaexp.errors import UnsuitableError

WILD = "GGGAAAUCCC"
LETTERS = "ACGU"


class Table:
    """Of each site its own odds, and a little of the letter to the left: visible context changes what is said."""

    def __init__(self, seed=0, strength=1.0, context=0.5, reads="sequence"):
        rng = np.random.default_rng(seed)
        self.logits = strength * rng.normal(size=(len(WILD) + 2, 4))
        self.left = context * rng.normal(size=(5, 4))
        self.own = 2.0 * np.eye(4) * strength
        self.spec = replace(models.spec("planted"), name="table", reads=reads)
        self.fingerprint = f"table {seed} {strength} {context}"
        self.calls, self.passes = 0, 0

    def check(self, rna):
        if "AAAAA" in rna.sequence:
            message = f"{rna.id}: five A"
            raise UnsuitableError(message)

    def say(self, sequence, masked):
        """[n 4] log-probabilities, by a plain loop."""
        rows = []
        for at in range(len(sequence)):
            logits = self.logits[at].copy()
            if at and at - 1 not in masked:
                logits += self.left[LETTERS.index(sequence[at - 1])]
            if at not in masked:
                logits += self.own[LETTERS.index(sequence[at])]
            rows.append(logits - np.log(np.exp(logits).sum()))
        return np.array(rows)

    def predict_letters(self, rnas, masked):
        self.calls, self.passes = self.calls + 1, self.passes + len(rnas)
        return [torch.tensor(self.say(rna.sequence, hidden)) for rna, hidden in zip(rnas, masked, strict=True)]


class LeftTable(Table):
    """A decoder: of each site its own odds and those of the letter before it, and never of its own letter."""

    causal = True

    def say(self, sequence, masked):
        assert not masked, "a decoder hides nothing"
        logits = np.array(
            [self.logits[at] + self.left[LETTERS.index(sequence[at - 1]) if at else 4] for at in range(len(sequence))]
        )
        return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def mutated(*changes, sequence=WILD):
    letters = list(sequence)
    for site, letter in changes:
        letters[site] = letter
    return "".join(letters)


def library(seed=0, count=60, mutations=3):
    """So many different variants of one to three mutations."""
    rng = np.random.default_rng(seed)
    found = {}
    while len(found) < count:
        sites = rng.choice(len(WILD), rng.integers(1, mutations + 1), replace=False)
        changes = [(int(at), rng.choice([x for x in LETTERS if x != WILD[at]])) for at in sites]
        found[mutated(*changes)] = None
    return list(found)


def assay(sequences, scores, wild_type=WILD, **more):
    variants = [
        Variant(id=f"v{at}", sequence=one, score=float(score))
        for at, (one, score) in enumerate(zip(sequences, scores, strict=True))
    ]
    return Assay(name="toy", variants=tuple(variants), wild_type=wild_type, **more)
