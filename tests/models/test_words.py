"""Tokens to bases on random RNAs: every base covered as the rule says, whatever form the letters come in."""

import random
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnaexp.data.letters import normalise
from rnaexp.errors import UnsuitableError
from rnaexp.models.fair_esm import CALM
from rnaexp.models.spread import Spread, to_bases
from rnaexp.models.tokens import Vocabulary, Words
from rnaexp.rna import Rna

NT = Words(
    model="nt",
    ids={word: at for at, word in enumerate(["".join(w) for w in product("ACGT", repeat=6)] + list("ACGTN"))},
    k=6,
    before=(9000,),
)


def kmers(k):
    words = ["".join(word) for word in product("ACGT", repeat=k)]
    return Vocabulary(model="kmer", ids={word: at for at, word in enumerate(words)}, k=k, before=(900,), after=(901,))


def rna(sequence):
    return Rna(id="r", sequence=sequence)


@settings(max_examples=60, deadline=None)
@given(st.text("ACGU", min_size=6, max_size=60), st.sampled_from([3, 4, 5, 6]))
def test_overlapping_kmers_cover_each_base_by_as_many_tokens_as_fit_round_it(sequence, k):
    encoding = kmers(k).encode(rna(sequence))
    covered = [0] * len(sequence)
    for span in encoding.spans:
        for base in range(*span) if span else ():
            covered[base] += 1
    n = len(sequence)
    assert covered == [min(at, n - k) - max(0, at - k + 1) + 1 for at in range(n)]


@settings(max_examples=80, deadline=None)
@given(st.text("ACGUN", min_size=1, max_size=60))
def test_neighbouring_words_cover_each_base_exactly_once_in_order(sequence):
    encoding = NT.encode(rna(sequence))
    assert [base for span in encoding.spans if span for base in range(*span)] == list(range(len(sequence)))
    text = sequence.replace("U", "T")
    back = {at: word for word, at in NT.ids.items()}
    spelled = [back[token] for token, span in zip(encoding.ids, encoding.spans, strict=True) if span]
    assert "".join(spelled) == text


def test_the_nucleotide_transformers_own_examples():
    """From its documentation: left to right, N and what is left over letter by letter."""
    for row in ("ACGTGT ACGTGC ACGGAC GACTAG TCAGCA", "ACGTGT A C N TGCACG G A N CGACTA GTCTGA"):
        sequence = row.replace(" ", "").replace("T", "U")
        assert NT.encode(rna(sequence)).ids == (9000, *(NT.ids[word] for word in row.split()))


@settings(max_examples=40, deadline=None)
@given(st.text("ACGU", min_size=1, max_size=20))
def test_codons_read_whole_codons_and_refuse_the_rest_by_name(sequence):
    codons = CALM.tokens
    if len(sequence) % 3:
        with pytest.raises(UnsuitableError, match=r"r: calm has no token for .* it reads whole words of 3 letters"):
            codons.encode(rna(sequence))
        return
    encoding = codons.encode(rna(sequence))
    assert encoding.spans[1:-1] == tuple((at, at + 3) for at in range(0, len(sequence), 3))
    assert (encoding.ids[0], encoding.ids[-1]) == (0, 2)


@settings(max_examples=40, deadline=None)
@given(st.text("ACGT", min_size=6, max_size=40), st.sampled_from([NT, kmers(3), kmers(6)]))
def test_t_form_u_form_and_lower_case_give_the_same_tokens(sequence, tokens):
    forms = (sequence, sequence.replace("T", "U"), sequence.lower())
    found = {tokens.encode(rna(normalise(form, name="r")[0])).ids for form in forms}
    assert len(found) == 1


@pytest.mark.parametrize("bases", [6, 7, 13, 24])
def test_a_words_score_counts_in_full_for_each_pair_of_its_bases(bases):
    sequence = "".join(random.Random(bases).choices("ACGU", k=bases))
    encoding = NT.encode(rna(sequence))
    maps = torch.rand(2, len(encoding.ids), len(encoding.ids))
    spread = to_bases(maps, encoding)
    owner = {base: token for token, span in enumerate(encoding.spans) if span for base in range(*span)}
    for i in range(bases):
        for j in range(bases):
            torch.testing.assert_close(spread[:, i, j], maps[:, owner[i], owner[j]])


def test_every_base_hears_something_and_shares_sum_to_one():
    for tokens in (NT, kmers(4)):
        shares = Spread.of(tokens.encode(rna("ACGUACGUACGUACG"))).shares
        torch.testing.assert_close(shares.sum(1), torch.ones(15))


def test_a_letter_without_a_word_is_named_with_its_place():
    with pytest.raises(UnsuitableError, match=r"r: calm has no token for 'N' at position 4"):
        CALM.tokens.encode(rna("ACGNAC"))


def test_the_fingerprint_tells_words_from_overlapping_kmers():
    ids = kmers(3).ids
    assert Words(model="x", ids=ids, k=3).fingerprint() != Vocabulary(model="x", ids=ids, k=3).fingerprint()
