"""Clusters of related proteins: chains at 30 % identity or more, joined by single linkage."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float32

from rnaexp.data.clusters import Groups, join_equal, name_of
from rnaexp.rna import AMINO_ACIDS, Rna

IDENTITY = 0.3
_LEAST = 10  # identical residues: between short peptides less is chance
_WORD = 3
# Strangers share a word of three residues by chance n * m / 20^3 times; relatives at 30 % identity share more.
_ABOVE_CHANCE = 1.2


def clustered_proteins(proteins: Sequence[Rna]) -> tuple[Rna, ...]:
    """The proteins with `cluster` set; to compare two sets, call it with both together.

    Joined are chains of one sequence, and those whose best local alignment (BLOSUM62, gaps 11 + 1 a residue) has
    identical residues at 30 % of the shorter chain or more, and at ten residues or more.
    """
    group = Groups(len(proteins))
    join_equal(group, [protein.sequence for protein in proteins])
    for i, j in _worth_aligning(proteins):
        if group.of(i) != group.of(j) and are_related(proteins[i].sequence, proteins[j].sequence):
            group.join(i, j)
    return tuple(replace(one, cluster=name_of(proteins[group.of(at)])) for at, one in enumerate(proteins))


def are_related(a: str, b: str) -> bool:
    """Whether two sequences are identical in enough residues of their best local alignment; X is identical to none."""
    from biotite.sequence import ProteinSequence
    from biotite.sequence.align import align_optimal

    first, second = ProteinSequence(a), ProteinSequence(b)
    found = align_optimal(first, second, _matrix(), gap_penalty=(-11, -1), local=True, max_number=1)
    if not found:
        return False
    i, j = found[0].trace[(found[0].trace >= 0).all(1)].T
    same = int(((first.code[i] == second.code[j]) & (first.symbols[i] != "X")).sum())
    return same >= max(_LEAST, IDENTITY * min(len(a), len(b)))


@cache
def _matrix() -> Any:
    from biotite.sequence.align import SubstitutionMatrix

    return SubstitutionMatrix.std_protein_matrix()


def _worth_aligning(proteins: Sequence[Rna]) -> Iterator[tuple[int, int]]:
    """Pairs of indices that share more words than strangers do: to align all would take minutes."""
    words = _word_table(proteins)
    counts = words.sum(1)
    for at in range(len(proteins) - 1):
        shared = words[at + 1 :] @ words[at]
        chance = counts[at] * counts[at + 1 :] / len(AMINO_ACIDS) ** _WORD
        yield from ((at, at + 1 + int(other)) for other in np.flatnonzero(shared >= 2 + _ABOVE_CHANCE * chance))


def _word_table(proteins: Sequence[Rna]) -> Float32[np.ndarray, "r w"]:
    """Which words of three residues each chain contains (words with X left out)."""
    place = {letter: at for at, letter in enumerate(AMINO_ACIDS)}
    table = np.zeros((len(proteins), len(AMINO_ACIDS) ** _WORD), np.float32)
    for row, protein in zip(table, proteins, strict=True):
        text = protein.sequence
        for word in {text[at : at + _WORD] for at in range(len(text) - _WORD + 1)}:
            if "X" not in word:
                row[sum(place[letter] * len(AMINO_ACIDS) ** power for power, letter in enumerate(word))] = 1
    return table
