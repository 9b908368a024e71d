"""Two sets of hairpins with known stems, written as a user would: FASTA with a dot-bracket line."""

import numpy as np

from rnaexp.data.dot_bracket import to_dot_bracket
from rnaexp.models.planted import stems

PARTNER = {"A": "U", "C": "G", "G": "C", "U": "A"}


def hairpin(rng):
    """A stem of 5 to 8 pairs between random letters; its reference is what the toy's own rule finds in it."""
    stem = "".join(rng.choice(list("CG"), int(rng.integers(5, 9))))
    back = "".join(PARTNER[letter] for letter in reversed(stem))
    first, loop, last = ("".join(rng.choice(list("ACGU"), int(rng.integers(4, 16)))) for _ in range(3))
    return first + stem + loop + back + last


def write_set(path, seed, rnas, prefix):
    rng = np.random.default_rng(seed)
    lines = []
    for at in range(rnas):
        sequence = hairpin(rng)
        lines += [f">{prefix}{at}", sequence, to_dot_bracket(len(sequence), stems(sequence))]
    path.write_text("\n".join(lines) + "\n")
    return path
