"""`dependency:MODEL` and `dependency-hidden:MODEL` against the published definition, letter by letter."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from rnaexp.errors import UnavailableError
from rnaexp.models import load
from rnaexp.models.dependency import dependency, influence
from rnaexp.models.letter_map_rows import HIDDEN
from rnaexp.reading.read import read_set
from rnaexp.reading.store import Store
from rnaexp.rna import Alignment, Rna
from rnaexp.structure.protocol import PAIR_SCORES, Scoring
from rnaexp.structure.reading import Reading

SEQUENCE = "GGCAUCAGCC"
EPSILON = 1e-10  # compute_and_visualize_dep_maps.ipynb of the authors


def chances(model, rna, hidden=()):
    """Of A C G U at each base, with the authors' addition, so that they sum to 1 again."""
    table = model.predict_letters([rna], [list(hidden)])[0].double().exp().numpy() + EPSILON
    return table / table.sum(axis=1, keepdims=True)


def by_loops(model, rna, *, hidden=False):
    n = len(rna)
    own = chances(model, rna)
    found = np.zeros((n, n))
    for i in range(n):
        others = [letter for letter in "ACGU" if letter != rna.sequence[i]]
        tables = [chances(model, rna, [i])] if hidden else [chances(model, with_letter(rna, i, a)) for a in others]
        for table in tables:
            for j in range(n):
                for b in range(4):
                    now, before = table[j, b], own[j, b]
                    change = math.log2(now / (1 - now)) - math.log2(before / (1 - before))
                    if i != j:
                        found[i, j] = max(found[i, j], abs(change))
    return found


def with_letter(rna, at, letter):
    sequence = rna.sequence[:at] + letter + rna.sequence[at + 1 :]
    alignment = rna.alignment and replace(rna.alignment, rows=(sequence, *rna.alignment.rows[1:]))
    return Rna(id="y", sequence=sequence, alignment=alignment)


def rna_for(name):
    rows = (SEQUENCE, "GGCAUCAGCU", "GAC-UCAGUC")
    alignment = Alignment(names=("x", "a", "b"), rows=rows) if "msm" in name else None
    return Rna(id="x", sequence=SEQUENCE, alignment=alignment)


@pytest.mark.parametrize("name", ["lm-nano", "msm-nano", "nano", "untrained:hyenadna-tiny", "untrained:rnabert"])
def test_it_is_what_plain_loops_give(name):
    rna, model = rna_for(name), load(name, device="cpu")
    influences = influence(model, rna)
    expected = by_loops(model, rna)
    assert np.allclose(influences, expected, atol=2e-4)
    assert influences.max() > 1e-3
    found = load(f"dependency:{name}", device="cpu").read_head(rna, 0, 0)
    assert np.allclose(found, np.maximum(expected, expected.T), atol=2e-4)
    assert torch.equal(found, found.T)
    if "hyena" in name:
        assert not influences.tril().any(), "what stands before a base does not depend on it"
        assert found.triu(1).any()


@pytest.mark.parametrize("name", ["lm-nano", "msm-nano"])
def test_hidden_bases_are_what_plain_loops_give(name):
    rna, model = rna_for(name), load(name, device="cpu")
    expected = by_loops(model, rna, hidden=True)
    assert np.allclose(influence(model, rna, hidden=True), expected, atol=2e-4)
    found = load(f"dependency-hidden:{name}", device="cpu").read_head(rna, 0, 0)
    assert np.allclose(found, np.maximum(expected, expected.T), atol=2e-4)


class Sure:
    """Base 4 is surely the partner of base 1; nothing else depends on anything."""

    def __init__(self):
        self.rnas = self.batches = 0

    def predict_letters(self, rnas, masked):
        self.rnas, self.batches = self.rnas + len(rnas), self.batches + 1
        tables = []
        for rna in rnas:
            table = torch.full((len(rna), 4), -math.log(4))
            table[4] = torch.log_softmax(200 * torch.eye(4)["ACGU".index(rna.sequence[1])], -1)
            tables.append(table)
        return tables


def test_a_sure_letter_has_finite_odds_and_both_directions_share_the_larger_one():
    model, rna = Sure(), Rna(id="x", sequence="ACGUAC")
    influences, found = influence(model, rna), dependency(model, rna)
    assert torch.isfinite(found).all()
    assert influences[4, 1] == 0
    expected = math.log2((1 + EPSILON) / (3 * EPSILON)) - math.log2(EPSILON / (1 + 3 * EPSILON))
    assert found[4, 1] == found[1, 4] == influences[1, 4] == pytest.approx(expected, rel=1e-6)
    assert int((found > 0).sum()) == 2


@pytest.mark.parametrize(("hidden", "passes"), [(False, 3), (True, 1)])
def test_it_costs_as_many_passes_as_are_stated(hidden, passes):
    model, rna = Sure(), Rna(id="x", sequence="ACGUAC" * 20)
    influence(model, rna, hidden=hidden)
    assert (model.rnas, model.batches) == (passes * len(rna) + 1, 1 + math.ceil(passes * len(rna) / (2**14 // 120)))


def test_each_way_of_reading_letters_has_its_own_results_in_the_store():
    prints = {load(f"{way}lm-nano", device="cpu").fingerprint for way in ("", "jacobian:", "dependency:", HIDDEN)}
    assert len(prints) == 4


def test_what_hides_no_base_is_refused_by_name():
    with pytest.raises(UnavailableError, match="hides no base: dependency:untrained:hyenadna-tiny"):
        load("dependency-hidden:untrained:hyenadna-tiny", device="cpu")


def test_a_long_rna_is_read_in_windows(tmp_path):
    model = load("dependency:untrained:rnabert", device="cpu")
    longest = model.longest
    assert longest == load("untrained:rnabert", device="cpu").longest
    model.scores = lambda base, rna: torch.ones(len(rna), len(rna))
    rna = Rna(id="x", sequence="ACGU" * (longest // 4 + 10), pairs=((0, 20),))
    reading = Reading(read_out=PAIR_SCORES, scoring=Scoring(), depth=float("inf"), long="window")
    scores, skipped = read_set(model, [rna], reading, Store(tmp_path), data=("x", ""))
    assert not skipped
    assert scores.rnas[0].references == 1
