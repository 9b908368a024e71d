"""What needs no language model: how many mutations, which letters, what homologs have there, and chance."""

import hashlib

import numpy as np

from rnaexp.fitness.conventions import BASES, mutated_sites
from rnaexp.rna import Alignment

MUTATIONS, GC, CONSERVATION, POTTS = "mutations", "gc", "conservation", "potts"
VIENNARNA, DEFECT, RANDOM = "viennarna", "defect", "random"
BASELINES = (MUTATIONS, GC, CONSERVATION, POTTS, VIENNARNA, DEFECT, RANDOM)
OF_ALIGNMENTS = (CONSERVATION, POTTS)


def mutation_count(wild_type: str, sequence: str) -> int:
    """Sites that differ; where lengths differ, the fewest substitutions, insertions and deletions."""
    if len(wild_type) == len(sequence):
        return len(mutated_sites(wild_type, sequence))
    above = list(range(len(sequence) + 1))
    for at, old in enumerate(wild_type, start=1):
        row = [at]
        for to, new in enumerate(sequence, start=1):
            row.append(min(above[to] + 1, row[-1] + 1, above[to - 1] + (old != new)))
        above = row
    return above[-1]


def gc_share(sequence: str) -> float:
    """Share of G and C."""
    return sum(letter in "GC" for letter in sequence) / len(sequence)


def random_score(sequence: str, seed: int) -> float:
    """Uniform in [0, 1), of the sequence and the seed alone."""
    digest = hashlib.sha256(f"{seed} {sequence}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def conservation_score(alignment: Alignment, sequence: str) -> float:
    """Sum over mutated sites of log frequency of the new letter less that of the wild type's, each column alone.

    The alignment's first row is the wild type. A row weighs 1 / (rows at 80 % identity); one pseudocount is shared by
    the four letters; gaps and N do not count.
    """
    log_odds = _log_frequencies(alignment)
    wild = alignment.rows[0]
    return sum(
        float(log_odds[BASES.index(sequence[site]), site] - log_odds[BASES.index(wild[site]), site])
        for site in mutated_sites(wild, sequence)
    )


def _log_frequencies(alignment: Alignment) -> np.ndarray:
    codes, weights = alignment.codes(), alignment.weights()
    counts = np.stack([weights @ (codes == letter) for letter in range(len(BASES))]) + 1 / len(BASES)
    logs: np.ndarray = np.log(counts / counts.sum(0))
    return logs
