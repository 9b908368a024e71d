import random
from dataclasses import replace

import pytest

from rnaexp.data.clusters import cluster, clustered, related, sequence_identity
from rnaexp.rna import Rna


def rna(name, sequence, **fields):
    return Rna(id=name, sequence=sequence, **fields)


def random_sequence(length, seed):
    return "".join(random.Random(seed).choices("ACGU", k=length))


@pytest.mark.parametrize(
    ("a", "b", "identity"),
    [
        ("GGGAAACCCU", "GGGAAACCCU", 1.0),
        ("GGGAAACCCU", "GGGAACCCCU", 0.9),
        ("GGGAAACCCUAUAUAUAUAU", "GGGAAACCCU", 1.0),  # end gaps are free, the shorter length counts
        ("GGGAAANCCU", "GGGAAANCCU", 0.9),  # N is identical to nothing
    ],
)
def test_identity_is_identical_columns_over_the_shorter_length(a, b, identity):
    assert sequence_identity(a, b) == pytest.approx(identity)


def groups(rnas, identity=0.8):
    """Each RNA's cluster, as the id of its first member."""
    first = {}
    names = cluster(rnas, identity)
    return [first.setdefault(name, each.id) for name, each in zip(names, rnas, strict=True)]


LEFT, RIGHT = random_sequence(40, 1), random_sequence(40, 2)


def test_eighty_percent_is_kin_and_less_is_not():
    kin = [rna("a", LEFT + "A" * 20 + RIGHT), rna("b", LEFT + "C" * 20 + RIGHT)]
    strangers = [rna("a", LEFT + "A" * 21 + RIGHT), rna("b", LEFT + "C" * 21 + RIGHT)]
    assert sequence_identity(kin[0].sequence, kin[1].sequence) == pytest.approx(0.8)
    assert groups(kin) == ["a", "a"]
    assert related(kin[:1], kin[1:]) == {"a"}
    assert groups(strangers) == ["a", "b"]
    assert related(strangers[:1], strangers[1:]) == set()
    assert groups(strangers, 0.79) == ["a", "a"]


def test_linkage_is_single_but_relatives_are_direct():
    middle = LEFT + RIGHT
    a = rna("a", "A" * 15 + middle + "A" * 15)
    b = rna("b", "C" * 15 + middle + "A" * 15)
    c = rna("c", "C" * 15 + middle + "C" * 15)
    assert groups([a, c]) == ["a", "c"]
    assert groups([a, c, b]) == ["a", "a", "a"]
    assert related([a], [c]) == set()


def test_families_and_known_clusters_are_joined_whatever_their_sequences():
    sequences = [random_sequence(60, seed) for seed in range(5)]
    rnas = [
        rna("a", sequences[0], family="tRNA"),
        rna("b", sequences[1], cluster="clan"),
        rna("c", sequences[2], family="tRNA", cluster="clan"),
        rna("d", sequences[3]),
        rna("e", sequences[4]),
    ]
    assert groups(rnas) == ["a", "a", "a", "d", "e"]
    assert [each.cluster for each in clustered(rnas)] == cluster(rnas)


def test_between_two_families_gaps_count_against_kinship():
    scattered = [rna("a", LEFT + RIGHT), rna("b", LEFT + random_sequence(30, 9) + RIGHT)]
    assert sequence_identity(scattered[0].sequence, scattered[1].sequence) == 1.0
    assert groups(scattered) == ["a", "a"]
    assert groups([replace(scattered[0], family="tRNA"), scattered[1]]) == ["a", "a"]
    assert groups([replace(each, family=each.id) for each in scattered]) == ["a", "b"]


def test_two_families_of_one_sequence_are_one_cluster():
    near = [rna("a", LEFT + RIGHT, family="tRNA"), rna("b", LEFT + "A" + RIGHT, family="RF00005")]
    assert groups(near) == ["a", "a"]


def test_equal_sequences_are_one_cluster_even_when_tiny_or_unknown():
    assert groups([rna("a", "ACG"), rna("b", "ACG"), rna("c", "NNNNNNNN"), rna("d", "NNNNNNNN")]) == list("aacc")


def test_a_short_rna_scattered_over_a_long_one_is_no_kin():
    long, short = random_sequence(200, 3), random_sequence(33, 4)
    assert groups([rna("a", long), rna("b", short)]) == ["a", "b"]


def test_nothing_gives_nothing():
    assert groups([]) == []


def test_two_sets_with_the_same_ids_do_not_share_clusters_by_accident():
    one, other = clustered([rna("seq1", LEFT)]), clustered([rna("seq1", RIGHT)])
    assert one[0].cluster != other[0].cluster
    assert groups([*one, replace(other[0], id="x")]) == ["seq1", "x"]
