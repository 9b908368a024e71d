"""Two sets of hairpins with known stems, written as a user would: FASTA with a dot-bracket line."""

import numpy as np

from rnaexp import models
from rnaexp.data.dot_bracket import to_dot_bracket
from rnaexp.errors import TooLongError
from rnaexp.models.planted import stems
from rnaexp.structure.protocol import Scoring
from rnaexp.tasks.pairs.run import run_structure
from rnaexp.tasks.pairs.settings import Task

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


def write_sets(folder, validation=6, test=6):
    """`validation.fa` and `test.fa` of so many RNAs each; their paths."""
    return write_set(folder / "validation.fa", 1, validation, "v"), write_set(folder / "test.fa", 2, test, "t")


def run_planted(sets, store, announce, config, unread=frozenset(), **scored):
    """A run of the toy on these files, which cannot read the RNAs in `unread`."""
    encoder = models.load("planted", config=config)

    def check(rna):
        if rna.id in unread:
            raise TooLongError(f"{rna.id}: too long for this test")

    encoder.check = check
    validation, test = (str(path) for path in sets)
    task = Task(
        model="planted",
        validation=validation,
        test=test,
        scoring=Scoring(**scored),
        related="keep",
        loading={"name": "planted", "config": config},
    )
    return run_structure(task, store, announce, encoder)
