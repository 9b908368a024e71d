"""Two sets of hairpins with known stems, written as a user would: FASTA with a dot-bracket line."""

import numpy as np

from rnaexp.data.dot_bracket import to_dot_bracket
from rnaexp.models.planted import stems

LETTERS, PARTNER = "ACGU", {"A": "U", "C": "G", "G": "C", "U": "A"}


def hairpin(rng):
    """A stem of 5 to 8 pairs with tails and a loop of A, so that the letters leave no doubt about the stem."""
    stem = "".join(rng.choice(list("CG"), int(rng.integers(5, 9))))
    back = "".join(PARTNER[letter] for letter in reversed(stem))
    tails = ["A" * int(rng.integers(1, 12)) for _ in range(2)]
    return tails[0] + stem + "A" * int(rng.integers(4, 9)) + back + tails[1]


def write_set(path, seed, rnas, prefix):
    rng = np.random.default_rng(seed)
    lines = []
    for at in range(rnas):
        sequence = hairpin(rng)
        lines += [f">{prefix}{at}", sequence, to_dot_bracket(len(sequence), stems(sequence))]
    path.write_text("\n".join(lines) + "\n")
    return path
