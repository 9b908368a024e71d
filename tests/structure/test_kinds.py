from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnaexp.rna import Rna
from rnaexp.structure.kinds import ceilings, f1_ceiling, largest_matching, largest_nested, pair_kinds
from rnaexp.structure.protocol import Scoring

PAPER, STRICT = Scoring(), Scoring(min_separation=4, pairs="canonical", decoder="greedy")


def is_matching(pairs):
    bases = [base for pair in pairs for base in pair]
    return len(bases) == len(set(bases))


def is_nested(pairs):
    return is_matching(pairs) and not any(a < c < b < d for (a, b) in pairs for (c, d) in pairs)


def largest(pairs, good):
    return next(size for size in range(len(pairs), -1, -1) if any(good(some) for some in combinations(pairs, size)))


some_pairs = st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda p: p[0] < p[1]), max_size=9).map(
    sorted
)


@settings(max_examples=150, deadline=None)
@given(some_pairs)
def test_the_largest_sets_are_as_large_as_any_subset_can_be(pairs):
    for found, good in ((largest_matching(pairs), is_matching), (largest_nested(pairs, 10), is_nested)):
        assert set(found) <= set(pairs)
        assert good(found)
        assert len(found) == largest(pairs, good)


@settings(max_examples=100, deadline=None)
@given(some_pairs.filter(bool), st.text("ACGU", min_size=10, max_size=10))
def test_each_pair_has_one_kind_and_the_kinds_mean_what_they_say(pairs, sequence):
    rna = Rna(id="x", sequence=sequence, pairs=tuple(pairs))
    kinds = pair_kinds(rna, PAPER)
    assert set(kinds) == set(pairs)
    of = {kind: [pair for pair in pairs if kinds[pair] == kind] for kind in set(kinds.values())}
    wrong = [p for p in pairs if sequence[p[0]] + sequence[p[1]] not in {"AU", "UA", "GC", "CG", "GU", "UG"}]
    assert of.get("non-canonical", []) == wrong
    nested, knots = of.get("nested canonical", []), of.get("pseudoknot", [])
    assert is_nested(nested)
    assert is_matching(nested + knots)
    assert len(nested) == largest([p for p in pairs if p not in wrong], is_nested)


def test_a_triple_and_a_knot_are_told_apart():
    #        0123456789012345678901234567
    sequence = "GGGGAACCCCAAAGGAAAAAACCCCAAA"
    stem = [(0, 9), (1, 8), (2, 7), (3, 6)]
    knot = [(13, 24), (14, 23)]
    third = (0, 22)
    rna = Rna(id="x", sequence=sequence, pairs=tuple(sorted([*stem, *knot, third, (4, 10)])))
    kinds = pair_kinds(rna, PAPER)
    assert kinds[4, 10] == "non-canonical"
    assert kinds[third] == "multiplet"
    assert [kinds[pair] for pair in stem + knot] == ["nested canonical"] * 6
    crossing = Rna(id="x", sequence="GGGGAAGGCCCCAAACC", pairs=((0, 11), (1, 10), (2, 9), (6, 16), (7, 15)))
    assert list(pair_kinds(crossing, PAPER).values()) == ["nested canonical"] * 3 + ["pseudoknot"] * 2


@pytest.mark.parametrize("seed", range(10))
def test_ceilings_are_the_f1_of_the_largest_allowed_part_of_the_reference(seed):
    rng = np.random.default_rng(seed)
    pairs = sorted({tuple(sorted(map(int, rng.choice(24, 2, replace=False)))) for _ in range(14)})
    rna = Rna(id="x", sequence="".join(rng.choice(list("GC"), 24)), pairs=tuple(pairs))
    canonical = [p for p in pairs if rna.sequence[p[0]] != rna.sequence[p[1]]]
    got = ceilings(rna, PAPER)
    graph = nx.Graph(canonical)
    most = {"canonical": len(canonical), "one_partner": len(nx.max_weight_matching(graph, maxcardinality=True))}
    for name, count in most.items():
        assert got[name] == pytest.approx(2 * count / (count + len(pairs)))
    assert got["nested"] <= got["one_partner"] <= got["canonical"]


def test_the_protocols_ceiling_is_one_unless_its_decoder_forbids_pairs():
    rna = Rna(id="x", sequence="GGGGAAAACCCC", pairs=((0, 10), (0, 11), (1, 10)))
    assert f1_ceiling(rna, PAPER) == 1
    assert f1_ceiling(rna, STRICT) == pytest.approx(2 * 2 / (2 + 3))
