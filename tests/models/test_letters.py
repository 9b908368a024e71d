"""Letters from heads over k-mers and words, against a plain loop."""

from itertools import product

import numpy as np
import pytest
import torch

from rnaexp.errors import UnavailableError
from rnaexp.models.letters import LettersOfWords
from rnaexp.models.tokens import Vocabulary, Words
from rnaexp.rna import Rna


def vocabulary(k, letters="ACGT", **more):
    words = ["".join(word) for word in product(letters, repeat=k)]
    return {word: at + 2 for at, word in enumerate(words)} | more


TOKENS = {
    "overlapping 3-mers": Vocabulary(model="x", ids=vocabulary(3), k=3, before=(0,), after=(1,)),
    "overlapping 2-mers of U": Vocabulary(model="x", ids=vocabulary(2, "ACGU"), k=2),
    "codons": Words(model="x", ids=vocabulary(3, "ACGU"), k=3, before=(0,)),
}


@pytest.mark.parametrize("name", TOKENS)
def test_a_letters_odds_are_those_of_the_words_that_differ_in_it(name):
    tokens, rna = TOKENS[name], Rna(id="x", sequence="ACGUUGCAG")
    encoding = tokens.encode(rna)
    logits = np.random.default_rng(0).normal(size=(len(encoding.ids) + 2, 80))  # two of padding
    found = LettersOfWords(rna, encoding, tokens, "x").of(torch.tensor(logits)).numpy()
    letters = "ACGU" if "U" in "".join(tokens.ids) else "ACGT"
    text = rna.sequence.replace("U", letters[3])
    for base in range(len(rna)):
        heard = []
        for token, span in enumerate(encoding.spans):
            if span and span[0] <= base < span[1]:
                words = [text[span[0] : base] + x + text[base + 1 : span[1]] for x in letters]
                odds = np.exp([logits[token, tokens.ids[word]] for word in words])
                heard.append(np.log(odds / odds.sum()))
        mean = np.exp(np.mean(heard, 0))
        np.testing.assert_allclose(found[base], np.log(mean / mean.sum()), atol=1e-6)


def test_what_has_no_such_words_is_refused():
    rna = Rna(id="x", sequence="ACGUA")
    codons = Words(model="x", ids={**vocabulary(3, "ACGU"), "U": 70, "A": 71}, k=3)
    with pytest.raises(UnavailableError, match="'C' is none of its tokens"):
        LettersOfWords(rna, codons.encode(rna), codons, "x")
    with pytest.raises(UnavailableError, match="its tokens have no fixed length"):
        LettersOfWords(rna, codons.encode(rna), object(), "x")
