"""The aligner that counts on the way, against biotite's tables and tracebacks: the same alignment, not one as good."""

import numpy as np
import pytest
from biotite.sequence import GeneralSequence, LetterAlphabet
from biotite.sequence.align import SubstitutionMatrix, align_optimal

from rnaexp.data.whole_alignment import identical_columns
from rnaexp.rna import LETTERS


def by_biotite(a, b):
    alphabet = LetterAlphabet(LETTERS)
    matrix = SubstitutionMatrix(alphabet, alphabet, np.where(np.eye(5, dtype=bool), 2, -2).astype(np.int32))
    first, second = GeneralSequence(alphabet, a), GeneralSequence(alphabet, b)
    found = align_optimal(first, second, matrix, gap_penalty=(-4, -1), terminal_penalty=False, max_number=1)[0]
    both = [(row, i, j) for row, (i, j) in enumerate(found.trace) if i >= 0 and j >= 0]
    if not both:
        return 0, 1
    return sum(a[i] == b[j] != "N" for _, i, j in both), both[-1][0] - both[0][0] + 1


def a_relative(rng, sequence, letters):
    """Substitutions, a piece left out, a piece put in."""
    bases = [rng.choice(list(letters)) if rng.random() < 0.25 else base for base in sequence]
    cut, put = sorted(rng.integers(0, len(bases), 2))
    return "".join(bases[:cut] + bases[cut + rng.integers(0, 6) :] + list(rng.choice(list(letters), put - cut)))[:80]


@pytest.mark.parametrize("letters", ["AC", "ACGU", "ACGUN"])
def test_it_is_the_alignment_that_biotite_chooses(letters):
    rng = np.random.default_rng(len(letters))
    for _ in range(400):
        a = "".join(rng.choice(list(letters), rng.integers(1, 60)))
        b = (
            a_relative(rng, a, letters)
            if rng.random() < 0.5
            else "".join(rng.choice(list(letters), rng.integers(1, 60)))
        )
        assert identical_columns(a, b or "A") == by_biotite(a, b or "A"), (a, b)


def test_nothing_in_common_is_no_stretch():
    assert identical_columns("A", "C") == by_biotite("A", "C")
    assert identical_columns("NNNN", "NNNN") == (0, 4)
