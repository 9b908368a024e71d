"""Precision of the best pairs by range, and the breakdown, against plain loops."""

import numpy as np
import pytest

from rnaexp.rna import Protein
from rnaexp.structure.contacts import breakdown_by_range, mean_precisions, precision_by_range
from rnaexp.structure.heads import HeadScores, RnaScores
from rnaexp.structure.pairs import candidates, reference
from rnaexp.structure.protocol import ATTENTION, PROTOCOLS
from rnaexp.structure.ranking import precision_at

CONTACTS = PROTOCOLS["contacts"]
RANGES = {"short": (6, 12), "medium": (12, 24), "long": (24, 10**9)}


def scored(protein, scores):
    """Every candidate's score, best first, as the kernel keeps them."""
    allowed = np.flatnonzero(candidates(protein, CONTACTS))
    order = allowed[np.argsort(-scores.ravel()[allowed], kind="stable")]
    return RnaScores(
        id=protein.id,
        sequence_sha256="",
        cluster=protein.id,
        bases=len(protein),
        candidates=len(allowed),
        reference=reference(protein, CONTACTS),
        scores=scores.ravel()[order][None].astype(np.float32),
        indices=order[None].astype(np.int32),
        complete=True,
    )


def table_of(*chains):
    return HeadScores(
        model="m",
        weights="w",
        data="d",
        data_sha256="s",
        read_out=ATTENTION,
        scoring=CONTACTS,
        heads_per_layer=1,
        heads=(0,),
        rnas=chains,
    )


def made(length, seed, lost=()):
    generator = np.random.default_rng(seed)
    near = np.triu(generator.random((length, length)) < 0.1, 1)
    pairs = tuple((int(i), int(j)) for i, j in np.argwhere(near) if i not in lost and j not in lost)
    protein = Protein(id=f"p{seed}", sequence="A" * length, pairs=pairs, unresolved=tuple(sorted(lost)))
    scores = generator.random((length, length)) + 0.5 * near
    return protein, scores, set(pairs)


def loop(protein, scores, pairs, within, count):
    """Sort all pairs of the range that have coordinates, count the contacts among the first."""
    ranked = []
    for i in range(len(protein)):
        for j in range(i + 1, len(protein)):
            if within[0] <= j - i < within[1] and i not in protein.unresolved and j not in protein.unresolved:
                ranked.append((-float(np.float32(scores[i, j])), i, j))
    return sum((i, j) in pairs for _, i, j in sorted(ranked)[:count]) / count


@pytest.mark.parametrize(("length", "lost"), [(80, set()), (101, {0, 7, 50, 51}), (37, {36})])
def test_precision_of_the_best_pairs_is_that_of_a_plain_loop(length, lost):
    protein, scores, pairs = made(length, length, lost)
    found = precision_by_range(table_of(scored(protein, scores))).iloc[0]
    for name, within in RANGES.items():
        for part, divisor in (("l", 1), ("l2", 2), ("l5", 5)):
            wanted = loop(protein, scores, pairs, within, length // divisor)
            assert found[f"{name}_p_at_{part}"] == pytest.approx(wanted), (name, part)


def test_fewer_candidates_than_l_count_as_wrong_and_none_at_all_as_unknown():
    protein, scores, pairs = made(27, 1)
    pairs |= {(0, 24), (2, 26)}
    protein = Protein(id="p", sequence="A" * 27, pairs=tuple(sorted(pairs)))
    found = precision_by_range(table_of(scored(protein, scores))).iloc[0]
    long = [(i, j) for i in range(27) for j in range(i + 24, 27)]
    assert len(long) == 6 < 27
    assert found["long_p_at_l"] == sum(pair in pairs for pair in long) / 27 >= 2 / 27
    short, values, _ = made(20, 2)
    means = mean_precisions(precision_by_range(table_of(scored(short, values))))
    assert means["long_p_at_l"] is None
    assert means["medium_p_at_l"] is not None
    both = precision_by_range(table_of(scored(protein, scores), scored(short, values)))
    assert mean_precisions(both)["long_p_at_l"] == found["long_p_at_l"]


def test_pairs_of_one_score_are_taken_as_if_drawn():
    assert precision_at(np.array([1.0, 1.0, 1.0, 1.0]), np.array([True, False, False, False]), 2) == 0.25
    assert precision_at(np.array([2.0, 1.0, 1.0]), np.array([True, True, False]), 2) == 0.75
    assert precision_at(np.array([2.0]), np.array([True]), 4) == 0.25


def test_the_breakdown_pools_calls_and_contacts_of_each_range():
    chains = [made(60, 5), made(50, 6, {3, 4})]
    threshold = 0.9
    found = breakdown_by_range(table_of(*[scored(p, s) for p, s, _ in chains]), threshold).set_index("group")
    for name, (low, high) in RANGES.items():
        references = calls = right = 0
        for protein, scores, pairs in chains:
            for i in range(len(protein)):
                for j in range(i + low, min(len(protein), i + high)):
                    if i in protein.unresolved or j in protein.unresolved:
                        continue
                    called = float(np.float32(scores[i, j])) >= threshold
                    references += (i, j) in pairs
                    calls += called
                    right += called and (i, j) in pairs
        row = found.loc[name]
        assert (row["references"], row["calls"], row["right"]) == (references, calls, right)
        assert row["f1"] == pytest.approx(2 * right / (calls + references))
        assert row["rnas"] == 2
