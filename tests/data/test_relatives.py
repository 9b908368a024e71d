"""The test for relatives: its scores against biotite's aligner, its errors against sequences made by chance."""

import random

import numpy as np
import pytest
from biotite.sequence import GeneralSequence, LetterAlphabet
from biotite.sequence.align import SubstitutionMatrix, align_optimal

from rnaexp.data import relatives as tested
from rnaexp.data.relatives import relatives, too_short
from rnaexp.data.sets import load_set
from rnaexp.rna import LETTERS, Rna, codes_of


def rna(sequence, name="a", **fields):
    return Rna(id=name, sequence=sequence, **fields)


def drawn(chance, length, letters="ACGU"):
    return "".join(chance.choices(letters, k=length))


def mutated(chance, sequence, identity):
    """So many bases kept, at random places; the others become another base."""
    changed = set(chance.sample(range(len(sequence)), round((1 - identity) * len(sequence))))
    return "".join(
        chance.choice([letter for letter in "ACGU" if letter != base]) if at in changed else base
        for at, base in enumerate(sequence)
    )


def biotites_score(a, b):
    alphabet = LetterAlphabet(LETTERS)
    table = np.where(np.eye(len(LETTERS), dtype=bool), 1, -1).astype(np.int32)
    table[-1, -1] = -1  # N is equal to nothing
    first, second = GeneralSequence(alphabet, a), GeneralSequence(alphabet, b)
    matrix = SubstitutionMatrix(alphabet, alphabet, table)
    return align_optimal(first, second, matrix, gap_penalty=(-5, -2), local=True, max_number=1)[0].score


def test_scores_are_those_of_a_local_alignment():
    chance = random.Random(0)
    shared = [drawn(chance, 30) for _ in range(3)]
    texts = [drawn(chance, chance.randint(1, 60), "ACGUN") for _ in range(40)]
    texts += [
        drawn(chance, 9) + core[:cut] + drawn(chance, gap) + core[cut:]
        for core in shared
        for cut in (9, 20)
        for gap in (1, 3)
    ]
    blocks = tested._blocks([codes_of([text])[0] for text in texts])
    for text in texts[::4]:
        got = tested._best_scores(codes_of([text])[0], blocks, len(texts))
        assert got.tolist() == [biotites_score(text, other) for other in texts]


def test_the_e_value_is_karlin_and_altschuls():
    scores, equal = np.array([5.0, 20.0]), np.array([0.25, 0.4])
    got = tested._e_values(scores, np.array([1e4, 1e6]), equal)
    for value, score, size, p in zip(got, scores, (1e4, 1e6), equal, strict=True):
        rate = -np.log(value / (tested._K * size)) / score
        assert p * np.exp(rate) + (1 - p) * np.exp(-rate) == pytest.approx(1)
        assert rate > 0
    assert tested._e_values(np.array([50.0]), np.array([1.0]), np.array([0.5])).tolist() == [np.inf]


@pytest.mark.parametrize("length", [8, 12, 30, 100, 300])
def test_random_sequences_have_no_relatives(length):
    chance, known = random.Random(length), load_set("builtin-vl").rnas
    queries = [drawn(chance, length) for _ in range(150)]
    found = {at for at, text in enumerate(queries) if relatives([rna(text)], known)}
    assert len(found) <= 3  # 1.5 are expected at a rate of 1 %, the largest one allowed


def test_a_hairpin_of_twelve_is_no_relative_of_long_rnas_and_that_is_said():
    hairpin, known = rna("GGGGAAAACCCC"), load_set("builtin-vl").rnas
    assert relatives([hairpin], known) == []
    assert too_short([hairpin, rna(known[0].sequence, "b")], known) == ["a"]


def test_mutated_rows_and_pieces_are_found():
    chance = random.Random(5)
    known = [rna(drawn(chance, 120), str(at)) for at in range(50)]
    long = known[17].sequence
    for text in (mutated(chance, long, 0.8), long[:60], long[40:80], drawn(chance, 40) + long[:60] + drawn(chance, 40)):
        assert relatives([rna(text)], known) == [(0, 17)]


def test_equal_sequences_are_relatives_however_short_and_few_letters_are_no_proof():
    assert relatives([rna("ACGU")], [rna("UGCA"), rna("ACGU", "b")]) == [(0, 1)]
    assert relatives([rna("A" * 80)], [rna("A" * 90)]) == []
    assert relatives([rna("AC" * 40)], [rna("AC" * 45)]) == []
    assert too_short([rna("A" * 80), rna("N" * 50, "n")], [rna("A" * 90)]) == ["a", "n"]
    assert relatives([], [rna("A")]) == relatives([rna("A")], []) == too_short([], []) == []
