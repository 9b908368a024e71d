"""What is left when meaning is taken out: sequences with their dinucleotides shuffled, columns without covariation."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from rnaexp.rna import Alignment, Rna


def dinucleotide_shuffle(sequence: str, seed: int) -> str:
    """A random sequence with exactly the same dinucleotides (so the same letters, first and last one too).

    Every such sequence is equally likely: an Euler path through the graph of neighbours, its last exits a random
    spanning tree (drawn by Wilson's loop-erased walk), all other exits in random order.
    Source: Altschul and Erickson 1985, doi:10.1093/oxfordjournals.molbev.a040370; Wilson 1996,
    doi:10.1145/237814.237880.
    """
    random = np.random.default_rng([seed, len(sequence), *sequence.encode()])
    exits: dict[str, list[str]] = {letter: [] for letter in sequence}
    for letter, following in pairwise(sequence):
        exits[letter].append(following)
    last = _last_exits(exits, sequence[-1], random)
    for letter, others in exits.items():
        if letter in last:
            others.remove(last[letter])
        others[:] = [others[at] for at in random.permutation(len(others))]
        if letter in last:
            others.append(last[letter])
    walk, taken = [sequence[0]], dict.fromkeys(exits, 0)
    for _ in range(len(sequence) - 1):
        here = walk[-1]
        walk.append(exits[here][taken[here]])
        taken[here] += 1
    return "".join(walk)


def _last_exits(exits: dict[str, list[str]], end: str, random: np.random.Generator) -> dict[str, str]:
    """For each letter but the end one the exit taken last: together they lead to the end from everywhere."""
    last: dict[str, str] = {}
    reached = {end}
    for start in sorted(exits):
        here = start
        while here not in reached:
            last[here] = exits[here][int(random.integers(len(exits[here])))]
            here = last[here]
        here = start
        while here not in reached:
            reached.add(here)
            here = last[here]
    return last


def shuffled_columns(rna: Rna, seed: int) -> Rna:
    """The RNA with its dinucleotides shuffled; it has no pairs, no alignment, no family: every call on it is false."""
    return Rna(id=f"{rna.id} shuffled", sequence=dinucleotide_shuffle(rna.sequence, seed), pairs=())


def shuffle_columns(alignment: Alignment, seed: int) -> Alignment:
    """Each column, gaps included, permuted over the rows below the first: conservation is kept, covariation destroyed.

    Row 0 is the RNA itself and stays.
    """
    random = np.random.default_rng([seed, alignment.depth, len(alignment.rows[0])])
    letters = np.array([list(row) for row in alignment.rows])
    letters[1:] = random.permuted(letters[1:], axis=0)
    return replace(alignment, rows=tuple("".join(row) for row in letters))


def first_rows(alignment: Alignment, depth: int) -> Alignment:
    """The first `depth` rows; one row is the RNA alone."""
    return alignment.chosen(range(min(depth, alignment.depth)))


def sampled_rows(alignment: Alignment, depth: int, seed: int) -> Alignment:
    """The RNA and `depth - 1` others drawn at random, in their order; of one seed a smaller sample is in a larger."""
    drawn = np.random.default_rng(seed).permutation(alignment.depth - 1)[: depth - 1] + 1
    return alignment.chosen([0, *sorted(int(row) for row in drawn)])
