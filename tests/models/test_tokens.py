import pytest
import torch

from rnaexp.errors import UnsuitableError
from rnaexp.models import spread
from rnaexp.models.spread import Spread, to_bases
from rnaexp.models.tokens import Vocabulary
from rnaexp.rna import Encoding, Rna

LETTERS = Vocabulary(model="toy", ids={"A": 5, "C": 6, "G": 7, "U": 8}, before=(1,), after=(2,), mask=3)


def rna(sequence):
    return Rna(id="r1", sequence=sequence)


def kmers(k, letters="ACGT"):
    from itertools import product

    words = ["".join(word) for word in product(letters, repeat=k)]
    return Vocabulary(
        model="toy-kmer", ids={word: at + 4 for at, word in enumerate(words)}, k=k, before=(1,), after=(2,)
    )


def spread_by_loops(maps, encoding, rule="mean"):
    """The definition in `Spread`, one pair of bases at a time."""
    n = encoding.bases
    covering = [[t for t, span in enumerate(encoding.spans) if span and span[0] <= i < span[1]] for i in range(n)]
    out = torch.zeros(maps.shape[0], n, n, dtype=torch.float64)
    for i in range(n):
        for j in range(n):
            pairs = [(s, t) for s in covering[i] for t in covering[j]]
            if rule == "share":
                length = {t: span[1] - span[0] for t, span in enumerate(encoding.spans) if span}
                values = [maps[:, s, t].double() / length[s] / length[t] for s, t in pairs]
                out[:, i, j] = torch.stack(values).sum(0)
            else:
                values = torch.stack([maps[:, s, t].double() for s, t in pairs])
                out[:, i, j] = values.mean(0) if rule == "mean" else values.amax(0)
    return out


def test_each_letter_gets_its_id_and_special_tokens_cover_nothing():
    encoding = LETTERS.encode(rna("GACU"))
    assert encoding.ids == (1, 7, 5, 6, 8, 2)
    assert encoding.spans == (None, (0, 1), (1, 2), (2, 3), (3, 4), None)


def test_a_model_that_knows_t_is_fed_t():
    dna = Vocabulary(model="dna", ids={"A": 5, "C": 6, "G": 7, "T": 8}, before=(1,), after=(2,))
    assert dna.encode(rna("GACU")) == LETTERS.encode(rna("GACU"))


def test_a_letter_the_model_does_not_know_is_named_and_never_an_unk():
    with pytest.raises(UnsuitableError, match="r1: toy does not know 'N' at position 3"):
        LETTERS.encode(rna("GANU"))
    with pytest.raises(UnsuitableError, match="r1: toy-kmer does not know 'N' at position 4"):
        kmers(3).encode(rna("GACNUUU"))


def test_a_model_with_its_own_n_is_fed_n():
    with_n = Vocabulary(model="toy", ids={**LETTERS.ids, "N": 9})
    assert with_n.encode(rna("GNU")).ids == (7, 9, 8)


def test_kmers_overlap_and_keep_their_spans():
    encoding = kmers(3).encode(rna("GACUU"))
    assert encoding.spans == (None, (0, 3), (1, 4), (2, 5), None)
    assert encoding.ids[1] == kmers(3).ids["GAC"]


def test_an_rna_shorter_than_a_kmer_is_refused_by_name():
    with pytest.raises(UnsuitableError, match="r1: 4 bases, fewer than one 6-mer"):
        kmers(6).encode(rna("GACU"))


def test_a_vocabulary_without_a_base_is_refused():
    with pytest.raises(ValueError, match="lacks G"):
        Vocabulary(model="toy", ids={"A": 0, "C": 1, "U": 2})


def test_single_base_maps_are_a_view_without_special_tokens():
    maps = torch.rand(2, 6, 6)
    bases = to_bases(maps, LETTERS.encode(rna("GACU")))
    assert torch.equal(bases, maps[:, 1:5, 1:5])
    assert bases.untyped_storage().data_ptr() == maps.untyped_storage().data_ptr()


@pytest.mark.parametrize("k", [2, 3, 6])
def test_kmer_maps_are_the_mean_over_the_tokens_that_cover_both_bases(k):
    encoding = kmers(k).encode(rna("GACUUGGACCAU"))
    maps = torch.rand(3, len(encoding.ids), len(encoding.ids))
    assert torch.allclose(to_bases(maps, encoding).double(), spread_by_loops(maps, encoding), atol=1e-6)


@pytest.mark.parametrize(("k", "bases"), [(3, 3), (6, 7), (4, 23)])
def test_kmer_maps_summed_a_few_at_a_time_are_those_summed_at_once(k, bases, monkeypatch):
    encoding = kmers(k).encode(rna("GACUUGGACCAUGCAUUAGCAGU"[:bases]))
    maps = torch.rand(2, 5, len(encoding.ids), len(encoding.ids))
    expected = torch.stack([spread_by_loops(part, encoding) for part in maps])
    for cache in (1, 2 * bases**2 * 4, 2**30):
        monkeypatch.setattr(spread, "_CACHE", cache)
        assert torch.allclose(to_bases(maps, encoding).double(), expected, atol=1e-6)


def test_words_of_mixed_length_spread_the_same_way():
    encoding = Encoding(ids=(9, 4, 5, 6, 9), spans=(None, (0, 2), (2, 3), (3, 6), None), bases=6)
    maps = torch.rand(2, 5, 5)
    assert torch.allclose(to_bases(maps, encoding).double(), spread_by_loops(maps, encoding), atol=1e-6)


MIXED = Encoding(ids=(9, 4, 5, 6, 9), spans=(None, (0, 2), (2, 3), (3, 6), None), bases=6)


@pytest.mark.parametrize("rule", ["mean", "max", "share"])
@pytest.mark.parametrize("encoding", [kmers(3).encode(rna("GACUUGGACCAU")), MIXED], ids=["3-mers", "mixed"])
def test_each_rule_is_what_it_says_one_pair_of_bases_at_a_time(rule, encoding):
    maps = torch.randn(3, len(encoding.ids), len(encoding.ids))
    found = Spread.of(encoding, rule).maps(maps).double()
    assert torch.allclose(found, spread_by_loops(maps, encoding, rule), atol=1e-6)
    assert torch.allclose(Spread.of(encoding, rule).maps(maps[1]).double(), found[1], atol=1e-6)


def test_shares_keep_all_of_the_attention_between_tokens():
    maps = torch.rand(2, 5, 5)
    kept = Spread.of(MIXED, "share").maps(maps).sum((-1, -2))
    assert torch.allclose(kept, maps[:, 1:4, 1:4].sum((-1, -2)), atol=1e-5)


def test_rows_spread_like_maps():
    encoding = kmers(3).encode(rna("GACUU"))
    rows = torch.rand(5, 7)
    expected = torch.stack([rows[1], rows[1:3].mean(0), rows[1:4].mean(0), rows[2:4].mean(0), rows[3]])
    assert torch.allclose(Spread.of(encoding).rows(rows), expected, atol=1e-6)


def test_the_fingerprint_follows_the_ids():
    swapped = Vocabulary(model="toy", ids={"A": 6, "C": 5, "G": 7, "U": 8}, before=(1,), after=(2,), mask=3)
    assert swapped.fingerprint() != LETTERS.fingerprint()
