"""Strong attention on pairs: a plain loop over every place, and a head that knows no more than distances."""

import numpy as np
import pytest
import torch

from rnaexp.rna import Rna
from rnaexp.structure.atlas import Places
from rnaexp.structure.strong import CUT_OFF, strong_counts, strong_shares

PAIRS = ((0, 11), (1, 10), (2, 9))
RNA = Rna(id="x", sequence="GGGAAAAAACCC", pairs=PAIRS)
PARTNER = dict(PAIRS) | {j: i for i, j in PAIRS}


def maps_of(seed=0):
    drawn = torch.Generator().manual_seed(seed)
    return torch.softmax(5 * torch.randn(4, 12, 13, generator=drawn), -1)[:, :, 1:]


def plain(one):
    places = [(i, j) for i in range(12) for j in range(12) if float(one[i, j]) > CUT_OFF]
    apart = {d: [(i, j) for i in range(12) for j in range(12) if abs(i - j) == d] for d in range(12)}
    on = sum(PARTNER.get(i) == j for i, j in places)
    anywhere = len(places) * 2 * len(PAIRS) / 144
    near = sum(np.mean([PARTNER.get(a) == b for a, b in apart[abs(i - j)]]) for i, j in places)
    return [12, len(places), on, anywhere, near]


def test_the_counts_are_those_of_a_plain_loop():
    maps = maps_of()
    found = strong_counts(maps, Places.of(RNA))
    assert found == pytest.approx(np.array([plain(one) for one in maps]))
    assert (found[:, 1] > 3).all()
    shares = strong_shares([found, strong_counts(maps_of(1), Places.of(RNA))])
    both = np.array([plain(one) for one in maps]) + np.array([plain(one) for one in maps_of(1)])
    assert shares["strong"].to_numpy() == pytest.approx(both[:, 1] / both[:, 0])
    for at, name in enumerate(("strong_on_pairs", "strong_chance", "strong_chance_at_distance"), 2):
        assert shares[name].to_numpy() == pytest.approx(both[:, at] / both[:, 1])


def test_who_knows_partners_is_above_both_chances_and_who_knows_distances_above_one():
    n, rng = 60, np.random.default_rng(0)
    starts = sorted(rng.choice(30, 15, replace=False))
    rna = Rna(id="y", sequence="A" * n, pairs=tuple((int(i), int(i) + 30) for i in starts))
    knows, far = torch.zeros(n, n), torch.zeros(n, n)
    for i in range(30):
        far[i, i + 30] = far[i + 30, i] = 0.9
    for i, j in rna.pairs:
        knows[i, j] = knows[j, i] = 0.9
    shares = strong_shares([strong_counts(torch.stack([knows, far, torch.zeros(n, n)]), Places.of(rna))])
    assert shares["strong_on_pairs"].tolist()[:2] == [1.0, 0.5]
    assert shares["strong_chance_at_distance"].tolist()[:2] == pytest.approx([0.5, 0.5])
    assert shares["strong_chance"].tolist()[:2] == pytest.approx([30 / n**2] * 2)
    assert shares["strong"].tolist() == [0.5, 1.0, 0.0]
    assert np.isnan(shares["strong_on_pairs"][2]), "a head that attends strongly to nothing has no share"


def test_an_rna_without_known_pairs_counts_for_nothing():
    unknown = strong_counts(maps_of(), Places.of(Rna(id="z", sequence=RNA.sequence)))
    known = strong_counts(maps_of(), Places.of(RNA))
    assert strong_shares([known, unknown]).equals(strong_shares([known]))
    assert strong_shares([unknown]).isna().all(axis=None)
